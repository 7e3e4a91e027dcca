# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The needs of a stage: all failures together, and none swallowed."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.needs import Needs
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    Interrupted,
    MissingGrants,
    NotEnoughSpace,
)


def fail(error: BackupError) -> None:
    raise error


def test_all_are_met() -> None:
    needs = Needs()
    assert needs.attempt("disk", lambda: 7) == 7
    assert needs.attempt("disk", lambda: 8) == 8
    assert needs.tried == {"disk": ""}
    assert needs.is_met("disk")
    needs.conclude()


def test_every_failure_is_told() -> None:
    needs = Needs()
    assert needs.attempt("disk", lambda: fail(NotEnoughSpace("full", free=1, a=1))) is None
    needs.attempt("lock", lambda: None)
    needs.attempt("grants", lambda: fail(MissingGrants("no SELECT", missing=["SELECT"], a=2)))
    needs.attempt("disk", lambda: fail(NotEnoughSpace("slow")))
    assert needs.tried == {"disk": "full; slow", "lock": "", "grants": "no SELECT"}
    assert (needs.is_met("disk"), needs.is_met("lock")) == (False, True)
    with pytest.raises(NotEnoughSpace, match=r"^full; no SELECT; slow$") as caught:
        needs.conclude()
    assert caught.value.details == {"free": 1, "a": 1, "missing": ["SELECT"]}


def test_an_interruption_ends_the_check() -> None:
    needs = Needs()
    with pytest.raises(Interrupted):
        needs.attempt("disk", lambda: fail(Interrupted("SIGTERM")))
    with pytest.raises(ZeroDivisionError):
        needs.attempt("lock", lambda: 1 // 0)
