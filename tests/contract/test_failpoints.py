"""Every durable step and every call to a store, the log database or a mail server has its failpoints.

They are where each kind of step is made, and no other place makes one.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.contract.imports import sources

ROOT = Path(__file__).parents[2]
UTILS = "ansible_collections/vex/backup/plugins/module_utils"
# By the call: the files that may make it. The connections of dumps and restores are to another server.
PLACES = {
    "os.rename": {"_common/files.py"},
    "os.replace": {"_common/files.py"},
    "os.fsync": {"_common/files.py"},
    "shutil.move": {"_common/files.py"},
    "connection.commit": {"_log_db/connection.py", "_dump/snapshot_reader.py"},
    "connection.sendmail": {"_notify/smtp.py"},
    "smtplib.SMTP": {"_notify/smtp.py"},
    "session.create_client": {"_store/s3_client.py"},
    "requests.Session": {"_store/gcs.py"},
    "storage.Client": {"_store/gcs_client.py"},
    "BlobServiceClient.from_connection_string": {"_store/azure_client.py"},
}


def calls(text: str) -> set[str]:
    """Return the calls of the last two names, such as ``os.rename``, in a program."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on = node.func.value
            owner = on.id if isinstance(on, ast.Name) else on.attr if isinstance(on, ast.Attribute) else ""
            found.add(f"{owner}.{node.func.attr}")
    return found


@pytest.mark.parametrize("call", PLACES)
def test_a_step_is_made_in_its_place(call: str) -> None:
    found = {
        source.path.partition("module_utils/")[2]
        for source in sources(ROOT / "collections", f"{UTILS}")
        if call in calls(source.text)
    }
    assert found <= PLACES[call]


def test_a_call_is_found() -> None:
    assert calls("def f(self):\n    self.connection.commit()\n    os.rename(a, b)") == {
        "connection.commit",
        "os.rename",
    }
