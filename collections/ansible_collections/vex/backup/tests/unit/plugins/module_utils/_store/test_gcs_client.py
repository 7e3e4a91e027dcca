# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of Google Cloud Storage, and a host without its library."""

from __future__ import annotations

import importlib.util
import sys
import types
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._store import gcs_client as client_module
from ansible_collections.vex.backup.plugins.module_utils._store.destination import ADAPTERS, Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_client import GcsSettings, make_client

UNSET: t.Dict[str, t.Any] = dict.fromkeys(
    ("auth_kind", "service_account_file", "service_account_contents", "project", "kms_key_name", "endpoint_url")
)


def test_without_options_the_host_logs_in_by_its_own_credentials() -> None:
    assert GcsSettings.from_options(UNSET) == GcsSettings()
    assert GcsSettings().auth_kind == "application"


@pytest.mark.parametrize(
    "options",
    [
        {"auth_kind": "serviceaccount"},
        {"auth_kind": "serviceaccount", "service_account_file": "/k", "service_account_contents": "{}"},
        {"auth_kind": "application", "service_account_file": "/k"},
        {"service_account_contents": "{}"},
    ],
)
def test_options_that_cannot_work_together(options: t.Dict[str, t.Any]) -> None:
    with pytest.raises(OptionError, match="auth_kind serviceaccount needs either"):
        GcsSettings.from_options({**UNSET, **options})


def test_no_secret_in_a_repr() -> None:
    given = {**UNSET, "auth_kind": "serviceaccount", "service_account_contents": '{"private_key": "SECRET"}'}
    assert "SECRET" not in repr(GcsSettings.from_options(given))


def test_an_option_that_the_library_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("google.cloud.storage")
    monkeypatch.setattr(client_module, "_credentials", lambda _settings: "no credentials")
    with pytest.raises(OptionError, match="refuses the options"):
        make_client(GcsSettings())


def test_without_the_library_the_import_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "google" in (_without(monkeypatch).GCS_FAILURE or "")


def test_without_the_library_a_store_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = _without(monkeypatch).GCS_FAILURE
    adapter = ADAPTERS["gcs"]()._replace(failure=failure)
    monkeypatch.setitem(t.cast("t.Any", ADAPTERS), "gcs", lambda: adapter)
    destination = Destination("cloud", "gcs", "vex", GcsSettings())
    with pytest.raises(OptionError, match=r"destination cloud needs google-cloud-storage: install it by pip"):
        open_store(destination, work="the test", timeout=None, patience=Patience(0, "the store"))


def _without(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Return the client's file as it is on a host without the library."""
    monkeypatch.setitem(sys.modules, "google.auth", None)
    spec = importlib.util.spec_from_file_location("without_google", client_module.__file__)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "without_google", made)
    spec.loader.exec_module(made)
    return made
