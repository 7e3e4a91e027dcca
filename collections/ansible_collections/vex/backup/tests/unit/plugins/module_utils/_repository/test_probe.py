# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the question whether a store answers."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.vex.backup.plugins.module_utils._repository.list import ListRequest, probe
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.directory import DirectorySettings
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused


def request(path: pathlib.Path) -> ListRequest:
    here = Destination("disk", "directory", str(path), DirectorySettings())
    return ListRequest(here, "mysql", "db1", (), patience=0, timeout=None)


def test_a_store_that_answers(tmp_path: pathlib.Path) -> None:
    assert probe(request(tmp_path)) == {"changed": False, "backups": []}


def test_a_place_that_is_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Refused, match="is not a directory"):
        probe(request(tmp_path / "none"))
