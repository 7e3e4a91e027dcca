"""The texts of the product's values, which tracebacks and logs may show, hold no secret."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from tests.contract.imports import sources

COLLECTIONS = Path(__file__).parents[2] / "collections"
SECRET = re.compile(r"password|passphrase|secret|token|credential|connection_string|key", re.IGNORECASE)
# The key of an object in a bucket or of a table, the names and numbers of encryption keys, and the path of a file.
HARMLESS = {"key", "kms_key_id", "kms_key_name", "encryption_key_ids", "ssl_key"}
CANARY = "canary-7f3a"


def kinds() -> Iterator[type]:
    """Yield every dataclass and NamedTuple of the collection's Python code."""
    for folder in ("module_utils", "plugin_utils"):
        for source in sources(COLLECTIONS, f"ansible_collections/vex/backup/plugins/{folder}"):
            module = importlib.import_module(source.module)
            for _name, kind in inspect.getmembers(module, inspect.isclass):
                is_record = dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
                if kind.__module__ == source.module and is_record:
                    yield kind


def secrets(kind: Any) -> list[str]:
    """Return the names of the fields that hold secrets."""
    names = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else kind._fields
    return [name for name in names if SECRET.search(name) and name not in HARMLESS]


def shown(kind: Any) -> str:
    """Return the text of a value whose secrets are canaries."""
    if not dataclasses.is_dataclass(kind):
        return repr(kind._make(CANARY if name in secrets(kind) else None for name in kind._fields))
    value: Any = object.__new__(cast("type", kind))
    for field in dataclasses.fields(kind):
        object.__setattr__(value, field.name, CANARY if field.name in secrets(kind) else None)
    return repr(value)


WITH_SECRETS = [kind for kind in kinds() if secrets(kind)]


@pytest.mark.parametrize("kind", WITH_SECRETS, ids=lambda kind: kind.__name__)
def test_no_secret_is_shown(kind: type) -> None:
    assert CANARY not in shown(kind)


def test_the_values_with_secrets_are_found() -> None:
    found = {kind.__name__ for kind in WITH_SECRETS}
    assert found >= {"Login", "S3Settings", "AzureSettings", "PackRequest", "MailServer", "PruneRequest"}


def test_a_value_that_holds_a_login_shows_no_password() -> None:
    login = Login("db", 3306, None, "vex", CANARY, None)
    assert CANARY not in repr((login, {"login": login}))
    assert "vex" in repr(login)
