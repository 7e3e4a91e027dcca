# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keys of a scratch server. tests/restore/test_encrypted.py starts servers with them."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed
from ansible_collections.vex.backup.plugins.module_utils._verify import scratch_keys
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_folder import ScratchFolder


@pytest.fixture
def folder(tmp_path: Path) -> ScratchFolder:
    """Return a scratch server's folder, with its directories."""
    found = ScratchFolder(str(tmp_path))
    for path in (found.instance, found.program):
        Path(path).mkdir()
    return found


def test_mariadb_gets_random_keys_with_these_numbers(folder: ScratchFolder) -> None:
    options = scratch_keys.mariadb_keys(folder, [10, 7, 7], None)
    path = Path(folder.instance) / "keys"
    assert options == ["--plugin-load-add=file_key_management", f"--loose-file-key-management-filename={path}"]
    assert path.stat().st_mode & 0o777 == 0o600
    found = dict(line.split(";") for line in path.read_text(encoding="ascii").splitlines())
    assert list(found) == ["1", "7", "10"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in found.values())
    assert len(set(found.values())) == 3


@pytest.mark.parametrize("has_component", [True, False])
def test_mysql_gets_a_keyring_where_the_host_has_it(
    folder: ScratchFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_component: bool
) -> None:
    plugins = tmp_path / "my plugins"
    plugins.mkdir()
    if has_component:
        (plugins / "component_keyring_file.so").touch()
    called: t.List[t.Sequence[str]] = []

    def run(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        called.append(argv)
        return Completed(0, f"datadir   /var/lib/mysql/\nplugin-dir   {plugins}/\nport   0\n", "")

    monkeypatch.setattr(scratch_keys, "run", run)
    program = f"{folder.program}/mysqld"
    options = scratch_keys.mysql_keys(folder, [program, "--no-defaults"])
    assert called == [[program, "--no-defaults", "--verbose", "--help"]]
    made = {path.name: path for path in Path(folder.program).iterdir()}
    if not has_component:
        assert (options, made) == ([], {})
        return
    assert options == [f"--plugin-dir={folder.program}"]
    assert json.loads(made["mysqld.my"].read_text()) == {"components": "file://component_keyring_file"}
    settings = json.loads(made["component_keyring_file.cnf"].read_text())
    assert settings == {"path": f"{folder.instance}/keys", "read_only": False}
    assert made["component_keyring_file.so"].resolve() == plugins / "component_keyring_file.so"
