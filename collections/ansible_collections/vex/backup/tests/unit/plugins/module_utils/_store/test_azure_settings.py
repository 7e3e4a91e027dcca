# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the login to Azure; logins to a server are in tests/integration."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AzureSettings

KEY = "YWNjb3VudCBrZXk="
PRINCIPAL = {"client_id": "c", "secret": "s", "tenant": "t"}


@pytest.mark.parametrize(
    "options",
    [
        {"connection_string": "AccountName=vex;AccountKey=YQ=="},
        {"account_name": "vex", "account_key": KEY},
        {"account_name": "vex", "sas_token": "sig=x"},
        {"account_url": "https://store.example.org/vex", "sas_token": "sig=x"},
        {"account_name": "vex", "auth_source": "msi"},
        {"account_name": "vex", "auth_source": "msi", "client_id": "c"},
        {"account_name": "vex", **PRINCIPAL},
    ],
)
def test_each_way_to_log_in(options: t.Dict[str, t.Any]) -> None:
    whole = dict.fromkeys(field.name for field in dataclasses.fields(AzureSettings))
    settings = AzureSettings.from_options({**whole, **options, "src": "/archive"})
    assert settings == AzureSettings(**options)
    for secret in ("account_key", "sas_token", "connection_string", "secret"):
        assert f"{secret}=" not in repr(settings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"account_name": "vex"}, "give one way to log in to Azure: connection_string; or account_key"),
        ({"account_name": "vex", "account_key": KEY, "sas_token": "sig=x"}, "give one way to log in"),
        ({"account_name": "vex", "account_key": KEY, **PRINCIPAL}, "give one way to log in"),
        ({"account_name": "vex", "account_key": KEY, "auth_source": "msi"}, "give one way to log in"),
        ({"account_key": KEY}, "give account_name, or account_url where the account has another address"),
        ({"account_url": "https://x", "account_key": KEY}, "account_key needs account_name"),
        ({"account_name": "vex", "account_key": "no key!"}, "account_key is not a key of Azure, which is base64"),
        ({"account_name": "vex", "client_id": "c"}, "a service principal needs client_id, secret and tenant"),
    ],
)
def test_options_that_cannot_work_together(options: t.Dict[str, t.Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        AzureSettings(**options)


def test_the_address_of_the_account() -> None:
    assert AzureSettings(account_name="vex", account_key=KEY).url == "https://vex.blob.core.windows.net"
    assert AzureSettings(account_url="https://a.example", sas_token="sig=x").url == "https://a.example"


def test_the_encryption_scope() -> None:
    assert AzureSettings(account_name="vex", account_key=KEY).encryption == {}
    scoped = AzureSettings(account_name="vex", account_key=KEY, encryption_scope="backups")
    assert scoped.encryption == {"encryption_scope": "backups"}


def test_a_host_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.storage.blob", None)
    spec = importlib.util.find_spec(AzureSettings.__module__)
    assert spec is not None
    assert spec.loader is not None
    without = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, without)
    spec.loader.exec_module(without)
    assert "azure" in without.AZURE_FAILURE
