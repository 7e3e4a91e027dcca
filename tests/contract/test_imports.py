"""Imports follow the layers, and an Ansible module is its argument spec, one call and its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.imports import LAYERS, MODULES, PLUGINS, UTILS, Source, extra_functions, sources, wrong_imports

ROOT = Path(__file__).parents[2]
COLLECTION = ROOT / "collections/ansible_collections/vex/backup"
PRODUCT = [
    *(
        one
        for part in ("plugins", "roles")
        for one in sources(ROOT / "collections", f"ansible_collections/vex/backup/{part}")
    ),
    *sources(ROOT, "webstatus"),
]


def test_imports_follow_the_layers() -> None:
    assert "\n".join(message for source in PRODUCT for message in wrong_imports(source)) == ""


def test_modules_have_only_main() -> None:
    assert "\n".join(message for source in PRODUCT for message in extra_functions(source)) == ""


def test_every_layer_exists() -> None:
    found = {path.stem for path in (COLLECTION / "plugins/module_utils").iterdir() if path.stem != "__pycache__"}
    assert found == set(LAYERS)


def test_the_product_is_read() -> None:
    """A wrong path would make the other tests pass without a file."""
    modules = {source.module for source in PRODUCT}
    assert {f"{UTILS}._errors", f"{MODULES}.mysql_dump", "webstatus.app", "webstatus.queries"} <= modules


@pytest.mark.parametrize(
    ("module", "text", "reason"),
    [
        (f"{UTILS}._archive.unpack", f"from {UTILS}._repository import catalog", "_archive is below _repository"),
        (f"{UTILS}._archive.unpack", f"import {UTILS}._repository.catalog", "_archive is below _repository"),
        (f"{UTILS}._archive.unpack", "from .._repository.catalog import key", "_archive is below _repository"),
        (f"{UTILS}._errors", f"from {UTILS}._common.text import first", "_errors is below _common"),
        (f"{UTILS}._verify.proof", f"from {UTILS}._arguments import S3", "_verify is below _arguments"),
        (f"{UTILS}._dump.dump", f"def dump():\n    from {UTILS}._store.s3 import put", "_dump is below _store"),
        (f"{UTILS}._dump.dump", f"from {UTILS}._other.file import name", "no layer '_other'"),
        (f"{UTILS}._other.file", f"from {UTILS}._errors import BackupError", "no layer '_other'"),
        (f"{UTILS}._dump.dump", f"from {PLUGINS}.plugin_utils.summary import table", "module_utils imports only"),
        (f"{UTILS}._dump.dump", f"from {MODULES} import mysql_dump", "module_utils imports only"),
        (f"{MODULES}.mysql_dump", f"from {PLUGINS}.plugin_utils import summary", "a module imports only module_utils"),
        (f"{MODULES}.mysql_dump", "from webstatus.models import Base", "knows nothing of the web app"),
        ("webstatus.app", f"from {UTILS}._errors import BackupError", "never imports the collection"),
        ("webstatus.queries", f"from {PLUGINS} import module_utils", "never imports the collection"),
    ],
)
def test_wrong_imports_are_found(module: str, text: str, reason: str) -> None:
    source = Source("made_up.py", module, text)
    (message,) = wrong_imports(source)
    assert message.startswith("made_up.py imports ")
    assert reason in message


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (f"{UTILS}._verify.proof", f"from {UTILS}._errors import BackupError\nimport os"),
        (f"{UTILS}._verify.proof", "from . import compare\nfrom .._mysql.server import Server"),
        (f"{UTILS}._arguments", f"from {UTILS}._verify.proof import prove"),
        (f"{MODULES}.mysql_dump", f"from ansible.module_utils.basic import AnsibleModule\nfrom {UTILS} import _errors"),
        (f"{PLUGINS}.callback.summary", f"from {PLUGINS}.plugin_utils.summary import table"),
        ("webstatus.queries.runs", "from webstatus.models import Base\nfrom ..settings import load"),
    ],
)
def test_right_imports_are_left_alone(module: str, text: str) -> None:
    assert wrong_imports(Source("made_up.py", module, text)) == []


def test_other_functions_of_a_module_are_found() -> None:
    text = "def main():\n    def action():\n        pass\nclass Helper:\n    pass\n"
    found = extra_functions(Source("made_up.py", f"{MODULES}.made_up", text))
    assert found == [
        "made_up.py defines Helper: a module has only main()",
        "made_up.py defines action: a module has only main()",
    ]
    assert extra_functions(Source("made_up.py", f"{UTILS}._errors", text)) == []
