# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the refusal of unknown variables."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.vex.backup.plugins.plugin_utils.known_variables import (
    PREFIX,
    RENAMED,
    ROLES,
    known_variables,
    refusals,
)

KNOWN = known_variables()


def refused(*names: str, extra_vars: t.Sequence[str] = ()) -> t.List[str]:
    """Return the sentences on variables, without the prefix in the names that are given."""
    return refusals([PREFIX + name for name in (*names, *extra_vars)], [PREFIX + one for one in extra_vars], KNOWN)


@pytest.mark.parametrize("path", sorted(ROLES.glob("*/meta/argument_specs.yml")), ids=lambda path: path.parts[-3])
def test_every_option_and_default_of_a_role_is_known(path: t.Any) -> None:
    options = yaml_load(path.read_text("utf-8"))["argument_specs"]["main"]["options"]
    defaults = yaml_load((path.parents[1] / "defaults/main.yml").read_text("utf-8"))
    assert {*options, *defaults} - KNOWN.public == set()


def test_every_name_that_a_task_or_a_variable_reads_is_known() -> None:
    """A name that is read and not known would be refused wherever it is set."""
    files = [path for part in ("tasks", "vars", "templates") for path in ROLES.glob(f"*/{part}/**/*.*")]
    read = {name for path in files for name in re.findall(rf"\b{PREFIX}\w+", path.read_text("utf-8"))}
    # The name of the folder files/vex_backup_host.
    assert read - KNOWN.public - KNOWN.internal == {"vex_backup_host"}


def test_all_known_variables_together_are_accepted() -> None:
    assert refusals([*KNOWN.public, *KNOWN.internal], KNOWN.public, KNOWN) == []


def test_other_variables_are_not_judged() -> None:
    assert refusals(["vault_vex_backup_login_password", "vex", "ansible_user"], ["vex_backup"], KNOWN) == []


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("restore_ass", "restore_as"),
        ("keep_dialy", "keep_daily"),
        ("mail_too", "mail_to"),
        ("overwrite", "restore_overwrite"),
    ],
)
def test_the_nearest_name_is_given(name: str, nearest: str) -> None:
    assert refused(name) == [f"vex_backup_{name} is unknown: did you mean vex_backup_{nearest}?"]


def test_no_name_is_near() -> None:
    assert refused("zzzz") == ["vex_backup_zzzz is unknown: no variable has a similar name; remove it"]


def test_all_unknown_variables_are_named_at_once() -> None:
    assert [sentence.split()[0] for sentence in refused("thread", "mod", "mode")] == [
        "vex_backup_mod",
        "vex_backup_thread",
    ]


@pytest.mark.parametrize("name", sorted(RENAMED))
def test_names_of_earlier_releases(name: str) -> None:
    assert refused(name[len(PREFIX) :]) == [f"{name} is unknown: this release has {RENAMED[name]}"]
    assert RENAMED[name].split(",")[0] in KNOWN.public


def test_an_extra_variable_does_not_replace_a_result() -> None:
    """Extra variables override results and facts; the same name in an inventory has no effect."""
    assert refused(extra_vars=["upload"]) == [
        "vex_backup_upload is not for users: did you mean vex_backup_upload_rate?"
    ]
    assert refused("upload") == []
