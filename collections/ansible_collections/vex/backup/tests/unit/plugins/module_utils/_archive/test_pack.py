# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a request to pack, and the survey of its source; the rest is in tests/integration."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.pack import PackRequest, _check
from ansible_collections.vex.backup.plugins.module_utils._archive.source_survey import Tree, resolve_level, survey
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError


@pytest.mark.parametrize(
    ("level", "size", "compressed", "expected"),
    [("auto", 100, 51, 0), ("auto", 100, 50, 5), ("auto", 0, 0, 5), ("9", 100, 100, 9), ("0", 100, 0, 0)],
)
def test_resolve_level(level: str, size: int, compressed: int, expected: int) -> None:
    assert resolve_level(level, Tree(1, 1, size, compressed)) == expected


def test_survey_of_a_source(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "t.sql.zst").write_bytes(b"12345")
    (tmp_path / "a" / "t.sql").write_bytes(b"123")
    (tmp_path / "empty").write_bytes(b"")
    assert survey(str(tmp_path)) == Tree(folders=3, files=3, size=8, compressed=5)


def check(tmp_path: pathlib.Path, **options: t.Any) -> None:
    (tmp_path / "s").mkdir(exist_ok=True)
    given = {
        "source": str(tmp_path / "s"),
        "dest": str(tmp_path / "s.zip"),
        "format": "zip",
        "level": "auto",
        "password": None,
        "manifest_key": None,
        "timeout": None,
        "remove_source": False,
        "check_mode": False,
        **options,
    }
    _check(PackRequest(**given))


@pytest.mark.parametrize("password", ["", "a\nb", "a\rb", "tab\t", "nul\0"])
@pytest.mark.parametrize("form", ["zip", "7z"])
def test_passwords_that_7zip_misreads(tmp_path: pathlib.Path, password: str, form: str) -> None:
    with pytest.raises(OptionError, match="password must not be empty"):
        check(tmp_path, password=password, format=form, dest=str(tmp_path / f"s.{form}"))


@pytest.mark.parametrize("password", ["é", "a" * 100])
def test_passwords_that_a_zip_refuses(tmp_path: pathlib.Path, password: str) -> None:
    with pytest.raises(OptionError, match="99 ASCII characters"):
        check(tmp_path, password=password)
    check(tmp_path, password=password, format="7z", dest=str(tmp_path / "s.7z"))


def test_options_that_cannot_work(tmp_path: pathlib.Path) -> None:
    check(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("s")
    (tmp_path / "d.zip").mkdir()
    for options, message in (
        ({"dest": str(tmp_path / "s.7z")}, "must end with .zip"),
        ({"dest": str(tmp_path / "d.zip")}, "dest is not a regular file"),
        ({"dest": str(tmp_path / "none" / "s.zip")}, "directory of dest does not exist"),
        ({"source": str(tmp_path / "file")}, "source is not a directory"),
        ({"source": str(tmp_path / "link")}, "source is not a directory"),
        ({"dest": str(tmp_path / "s" / "s.zip")}, "within source"),
    ):
        with pytest.raises(OptionError, match=message):
            check(tmp_path, **options)
    check(tmp_path, dest=str(tmp_path / "none" / "s.zip"), check_mode=True)
