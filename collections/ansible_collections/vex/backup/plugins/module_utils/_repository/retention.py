# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which backups of a host stay in the bucket, and why: the rules alone, without a request."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup

# How a period is called in a policy, and what its backups have in common: UTC, weeks from Monday as ISO 8601 has them.
PERIODS = (("daily", "%Y-%m-%d"), ("weekly", "%G-W%V"), ("monthly", "%Y-%m"), ("yearly", "%Y"))


class Policy(t.NamedTuple):
    """How many stay: the newest ``last``, and the newest of each of so many days, weeks, months and years.

    Only periods that have a good backup count, so a host that rests loses none. All zero keeps everything.
    """

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0

    @property
    def newest(self) -> int:
        """How many of the newest good ones stay in any case."""
        return max(1, self.last)


class Decision(t.NamedTuple):
    """What becomes of a backup; ``reason`` is for people."""

    backup: StoredBackup
    keep: bool
    reason: str


class Verdict(t.NamedTuple):
    """``decisions``, newest backup first; ``refusal`` says why none of them may go, ``None`` when the rules decide."""

    decisions: t.List[Decision]
    refusal: t.Optional[str] = None


def policy_of(options: t.Mapping[str, t.Any]) -> Policy:
    """The policy that a module's ``keep_*`` options make.

    :raises OptionError: for a negative number
    """
    for name in Policy._fields:
        if options[f"keep_{name}"] < 0:
            raise OptionError(f"keep_{name} must be at least 0")
    return Policy(*(options[f"keep_{name}"] for name in Policy._fields))


def decide(
    backups: t.Iterable[StoredBackup],
    faults: t.Mapping[str, str],
    policy: Policy,
    now: datetime.datetime,
    run: t.Optional[str] = None,
) -> Verdict:
    """Decide on each of the *backups* of one host, all that the bucket holds.

    A backup is good when it has a manifest and no fault. What is not good does not count, and is not removed.

    :param faults: by key, what is wrong with a backup that has a manifest
    :param now: UTC, without a zone
    :param run: name of the run that has just ended well; without it, a person asks
    """
    ordered = sorted(backups, key=lambda one: (one.taken, one.key), reverse=True)
    if not any(policy):
        return Verdict(
            [Decision(one, True, "retention is off: no number of backups to keep is set") for one in ordered]
        )
    good = [one for one in ordered if one.manifest and one.key not in faults]
    refusal = _refusal(ordered, good, now, run)
    if refusal is not None:
        return Verdict([Decision(one, True, refusal) for one in ordered], refusal)
    reasons = _reasons(good, policy)
    return Verdict([_decision(one, faults, reasons.get(one.key, [])) for one in ordered])


def _refusal(
    ordered: t.Sequence[StoredBackup], good: t.Sequence[StoredBackup], now: datetime.datetime, run: t.Optional[str]
) -> t.Optional[str]:
    """Why nothing may go at all, if so."""
    if not ordered:
        return None
    if run is not None and run not in [one.name for one in good]:
        return f"nothing is removed: the bucket holds no whole backup of the run {run}"
    newest = ordered[0]
    if newest not in good:
        return f"nothing is removed: the newest backup, {newest.name}, is not whole"
    if now < newest.taken:
        return (
            f"nothing is removed: this host's clock says {timestamp(now)} (UTC), before the newest backup, "
            f"{newest.name}, was taken; set the clock, or remove that backup if its name is wrong"
        )
    return None


def _reasons(good: t.Sequence[StoredBackup], policy: Policy) -> t.Dict[str, t.List[str]]:
    """By key, the rules that keep a good backup; *good* is newest first."""
    reasons: t.Dict[str, t.List[str]] = {one.key: [] for one in good}
    for count, one in enumerate(good[: policy.newest], start=1):
        reasons[one.key].append(f"{count} of the newest {policy.newest}")
    for name, form in PERIODS:
        chosen: t.Dict[str, StoredBackup] = {}
        for one in good:
            chosen.setdefault(one.taken.strftime(form), one)
        wanted = getattr(policy, name)
        for count, (period, one) in enumerate(list(chosen.items())[:wanted], start=1):
            reasons[one.key].append(f"{name} {count} of {wanted}, {period}")
    for one in [one for one in good if one.proven is not None][:1]:
        reasons[one.key].append("the newest that was proven to restore")
    return reasons


def _decision(one: StoredBackup, faults: t.Mapping[str, str], rules: t.Sequence[str]) -> Decision:
    if not one.manifest:
        return Decision(one, True, "no manifest beside it: no backup, does not count, is left for a person to look at")
    if one.key in faults:
        return Decision(one, True, f"does not count, is left for a person to look at: {faults[one.key]}")
    kept = ["held", *rules] if one.held else rules
    return Decision(one, bool(kept), "; ".join(kept) or "no rule keeps it")
