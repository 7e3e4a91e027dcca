# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which a restore loads; the rest is in tests/restore/test_mysql_restore.py."""

from __future__ import annotations

import os
import pathlib
import typing as t
from unittest import mock

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program
from ansible_collections.vex.backup.plugins.module_utils._restore import restore as restore_module
from ansible_collections.vex.backup.plugins.module_utils._restore.files import Prepared
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan

SHOP = DatabaseRestore("shop", "shop", "dump/shop", None, {}, [], [Program("EVENT", "purge")], by_client=False)


def test_rows_are_counted_before_there_are_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that deletes what is old would make a whole restore of an old backup look like one that lacks rows."""
    done: t.List[str] = []

    def count(*_arguments: object) -> t.Dict[t.Tuple[str, str], int]:
        done.append("count")
        return {("shop", "sessions"): 3}

    monkeypatch.setattr(restore_module, "_run_loader", lambda *_arguments: done.append("load"))
    monkeypatch.setattr(
        restore_module, "_run_client", lambda _target, path, *_rest: done.append(os.path.basename(path))
    )
    monkeypatch.setattr(restore_module, "count_rows", count)
    monkeypatch.setattr(restore_module, "_views", lambda *_arguments: [])
    for name in ("make_room", "make_database", "collation_of", "create_statement"):
        monkeypatch.setattr(restore_module, name, lambda *_arguments: None)
    plan, files = (
        RestorePlan([SHOP], "0.10", shared=False, compression="none", dump_bytes=0),
        Prepared({"shop": ""}, []),
    )
    assert restore_module._load(mock.MagicMock(), plan, {"shop": mock.MagicMock()}, files) == (
        {("shop", "sessions"): 3},
        [],
    )
    assert done == ["load", "count", "programs.sql"]


def test_what_cannot_be_discarded_is_a_warning(tmp_path: pathlib.Path) -> None:
    """The data are back, and a person can remove what is left."""
    why = "what was restored is still in {}, remove it: No such file or directory"
    gone = tmp_path / "backup_20260101_030000"
    assert restore_module._discarded(str(gone)) == [why.format(gone)]
    assert restore_module._discarded(str(gone / gone.name)) == [why.format(gone)]


def test_what_another_restore_loads_is_not_discarded(tmp_path: pathlib.Path) -> None:
    with directory_lock(str(tmp_path), ""):
        (why,) = restore_module._discarded(str(tmp_path))
    assert why.endswith("remove it: another restore loads it")
    assert tmp_path.is_dir()


def test_a_directory_is_not_discarded_for_its_name_alone(tmp_path: pathlib.Path) -> None:
    """Nor is what a link leads to."""
    shop = tmp_path / "shop" / "shop"
    shop.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(shop)
    assert "symbolic link" in restore_module._discarded(str(link))[0]
    assert restore_module._discarded(str(shop)) == []
    assert shop.parent.is_dir() and not shop.exists()


@pytest.mark.parametrize(
    ("product", "binlog", "settings"),
    [
        ("mysql", True, []),
        ("mysql", False, ["SET SESSION sql_log_bin = 0"]),
        ("mariadb", True, ["SET SESSION check_constraint_checks = 0"]),
        ("mariadb", False, ["SET SESSION check_constraint_checks = 0, sql_log_bin = 0"]),
    ],
)
def test_what_the_client_says_first(
    monkeypatch: pytest.MonkeyPatch, product: str, binlog: bool, settings: t.List[str]
) -> None:
    """MySQL has no such variable, and switching the binary log off takes a privilege."""
    said: t.List[t.List[str]] = []

    def run(argv: t.List[str], **_options: t.Any) -> Completed:
        said.append([one[len("--init-command=") :] for one in argv if one.startswith("--init-command=")])
        return Completed(0, "", "")

    monkeypatch.setattr(restore_module, "run", run)
    target = mock.MagicMock(client="/usr/bin/mysql", params={"binlog": binlog})
    target.server.product = product
    restore_module._run_client(target, "programs.sql", SHOP, "shop")
    assert said == [settings]
