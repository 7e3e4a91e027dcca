# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Destinations as the option of a module gives them."""

from __future__ import annotations

import subprocess
import sys
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import DESTINATION
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._store import destination as destination_module
from ansible_collections.vex.backup.plugins.module_utils._store.destination import ADAPTERS, Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience

SUBOPTIONS = DESTINATION["destination"]["options"]


def destination(**options: t.Any) -> Destination:
    """Return the destination of options as Ansible passes them."""
    return Destination.from_options({**dict.fromkeys(SUBOPTIONS), "type": "s3", **options})


def test_a_destination_of_each_type() -> None:
    made = destination(bucket="b", region="sa-east-1", storage_class="STANDARD_IA")
    assert (made.name, made.type, made.place, made.storage_class) == ("s3", "s3", "b", "STANDARD_IA")
    assert made.settings == S3Settings(region="sa-east-1")
    made = destination(name="nas", type="directory", path="/mnt/nas/backups")
    assert (made.name, made.type, made.place, made.storage_class) == ("nas", "directory", "/mnt/nas/backups", None)


def test_an_option_of_another_type_is_refused_by_name() -> None:
    with pytest.raises(OptionError, match="destination nas is of type directory, which has no bucket, secret_key"):
        destination(name="nas", type="directory", path="/p", bucket="b", secret_key="SK")


def test_a_destination_is_needed() -> None:
    with pytest.raises(OptionError, match="destination is missing"):
        Destination.from_options(None)


def test_a_key_needs_its_encryption() -> None:
    with pytest.raises(OptionError, match="kms_key_id needs server_side_encryption aws:kms"):
        destination(bucket="b", kms_key_id="K", server_side_encryption="AES256")


def test_every_type_and_its_options_are_in_the_spec() -> None:
    assert set(SUBOPTIONS["type"]["choices"]) == set(ADAPTERS)
    for kind, load in ADAPTERS.items():
        adapter = load()
        assert {adapter.place, *adapter.options} <= set(SUBOPTIONS)
        assert (kind, adapter.store.type) in [(one, one) for one in ADAPTERS]  # type: ignore[attr-defined]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = "Traceback\nModuleNotFoundError: No module named 'botocore'\n"
    adapter = ADAPTERS["s3"]()._replace(failure=failure)
    monkeypatch.setattr(destination_module, "ADAPTERS", {"s3": lambda: adapter})
    with pytest.raises(OptionError, match=r"destination s3 needs boto3 >= 1.36: install it by pip .*No module named"):
        open_store(destination(bucket="b"), work="the test", timeout=None, patience=store_patience(0))


def test_a_directory_needs_no_library() -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        f"from {destination_module.__name__} import ADAPTERS\n"
        "ADAPTERS['directory']()\n"
        "assert not {'boto3', 'botocore', 'google', 'azure'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
