"""Names in the documents exist in the code, and the generated parts of the reference are complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.routing import Route

from scripts import reference
from tests.contract.documents import COLLECTION, ROOT, Missing, anchors, missing, missing_names
from webstatus.app import ROUTES
from webstatus.settings import Settings

GENERATED = ROOT / "docs/reference/generated"
DOCUMENTS = sorted(
    [path for path in (ROOT / "docs").rglob("*.md") if not path.is_relative_to(GENERATED)]
    + list(ROOT.glob("*.md"))
    + [COLLECTION / "README.md", *COLLECTION.glob("roles/*/README.md")]
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_in_documents_exist(document: Path) -> None:
    assert missing(document) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`playbooks/gone.yml`", Missing("path", "playbooks/gone.yml")),
        ("```console\n$ scripts/gone --now\n```", Missing("path", "scripts/gone")),
        ("`plugins/module_utils/_gone.py`", Missing("path", "plugins/module_utils/_gone.py")),
        ("`vex_backup_gone`", Missing("variable", "vex_backup_gone")),
        ("```yaml\nvex_backup_gone: 1\n```", Missing("variable", "vex_backup_gone")),
        ("`VEX_WEBSTATUS_GONE`", Missing("setting", "VEX_WEBSTATUS_GONE")),
        ("`tests/web/test_users.py::test_gone`", Missing("test", "tests/web/test_users.py::test_gone")),
        ("`ansible-doc vex.backup.gone`", Missing("plugin or role", "gone")),
        ("`make gone`", Missing("make target", "gone")),
        ("`vex-backup gone`", Missing("vex-backup", "gone")),
        ("`vex-backup restore --gone`", Missing("vex-backup", "--gone")),
        ("`vex-backup list --overwrite`", Missing("vex-backup", "--overwrite")),
        ("`vex-webstatus create-admin --gone`", Missing("vex-webstatus", "--gone")),
        ("`mysql_gone`", Missing("identifier", "mysql_gone")),
        ("`ManifestGone`", Missing("identifier", "ManifestGone")),
    ],
)
def test_a_removed_name_is_found(text: str, expected: Missing) -> None:
    assert expected in missing_names(f"Text.\n\n{text}\n")


def test_names_that_exist_are_not_found() -> None:
    text = (
        "`make test`, `playbooks/backup.yml`, `plugins/modules/mysql_dump.py`, `vex_backup_work_dir`, "
        "`vex_backup_s3_*`, `VEX_WEBSTATUS_PORT`, `vex.backup.mysql_dump`, `vex-backup audit --deep`, "
        "`vex-backup --instance b run`, `ManifestForged`, `removido_em`"
    )
    assert missing_names(text) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One\n\n## Two words\n")
    document = tmp_path / "page.md"
    document.write_text("[a](other.md#two-words) [b](other.md#three) [c](gone.md) [d](https://example.com)\n")
    assert missing(document) == [Missing("anchor", "other.md#three"), Missing("link", "gone.md")]


def test_anchors() -> None:
    assert anchors("# The command `vex-backup`\n\n```\n# no heading\n```\n") == {"the-command-vex-backup"}


def test_every_part_of_the_reference_is_included() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").glob("*.md"))
    assert [name for name in reference.PARTS if f"```{{include}} generated/{name}.md" not in pages] == []


def test_the_reference_has_every_setting_and_route() -> None:
    assert [name for name in Settings.model_fields if f"| `{name}` |" not in reference.settings()] == []
    named = [route.name for route in ROUTES if isinstance(route, Route)]
    assert [name for name in named if f"| `{name}` |" not in reference.routes()] == []


def test_a_secret_default_is_not_shown_as_stars() -> None:
    assert "| `log_db_password` | none |" in reference.settings()


def test_the_reference_has_commands_and_errors() -> None:
    assert "--overwrite" in reference.PARTS["vex-backup"]()
    assert "--generate" in reference.PARTS["vex-webstatus"]()
    assert "| `ManifestForged` |" in reference.errors()
    assert "BackupError" not in reference.errors()


def test_the_reference_is_written(tmp_path: Path) -> None:
    reference.main(tmp_path)
    assert {path.stem for path in tmp_path.glob("*.md")} == set(reference.PARTS)
