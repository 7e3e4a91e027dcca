# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the removal of a restored backup."""

from __future__ import annotations

import pathlib

from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._restore.discard import discard


def test_a_backup_that_cannot_be_removed_is_a_warning(tmp_path: pathlib.Path) -> None:
    warning = "the restored backup could not be removed: No such file or directory; remove {}"
    gone = tmp_path / "backup_20260101_030000"
    assert discard(str(gone)) == [warning.format(gone)]
    assert discard(str(gone / gone.name)) == [warning.format(gone)]


def test_a_backup_that_another_restore_loads_is_not_removed(tmp_path: pathlib.Path) -> None:
    with directory_lock(str(tmp_path), ""):
        (warning,) = discard(str(tmp_path))
    assert "another restore loads it" in warning
    assert tmp_path.is_dir()


def test_the_directory_around_is_removed_only_if_it_has_the_name_of_a_run(tmp_path: pathlib.Path) -> None:
    shop = tmp_path / "shop" / "shop"
    shop.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(shop)
    assert "symbolic link" in discard(str(link))[0]
    assert discard(str(shop)) == []
    assert shop.parent.is_dir()
    assert not shop.exists()
