# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of retention: which backups of a host stay in the bucket, and why. No requests are made here."""

from __future__ import annotations

import datetime
import types
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup

# The periods of a policy, and the part of a time (strftime, UTC) that the backups of one period share. Weeks begin on
# Monday, as in ISO 8601.
PERIODS = (("daily", "%Y-%m-%d"), ("weekly", "%G-W%V"), ("monthly", "%Y-%m"), ("yearly", "%Y"))


class Policy(t.NamedTuple):
    """The numbers of backups that stay: the newest ones, and the newest of each day, week, month and year.

    Only periods with a good backup count, so a host that pauses loses none. With all numbers at 0, everything stays.
    """

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0

    @property
    def newest(self) -> int:
        """The number of newest good backups that stay regardless of the other rules."""
        return max(1, self.last)


class Decision(t.NamedTuple):
    """The decision about one backup: it stays if ``keep`` is set; ``reason`` is a text for people."""

    backup: StoredBackup
    keep: bool
    reason: str


class Decisions(t.NamedTuple):
    """All decisions, newest backup first; ``refusal`` is the reason why all stay, ``None`` when the rules decide."""

    decisions: t.List[Decision]
    refusal: t.Optional[str] = None


def decide(
    backups: t.Iterable[StoredBackup],
    faults: t.Mapping[str, str],
    policy: Policy,
    now: datetime.datetime,
    run: t.Optional[str] = None,
    cold: t.Mapping[str, str] = types.MappingProxyType({}),
) -> Decisions:
    """Decide which of a host's backups stay.

    A backup is good when it has a manifest that was read, and no fault. The rules are applied to the good ones, and
    once more to the good, the incomplete and the cold ones together: an incomplete or cold one stays as long as a good
    one would, and takes no place of one. Others count for no rule, and stay.

    :param backups: all that the bucket holds of the host
    :param faults: by key, the fault of a backup that has a manifest
    :param now: UTC, without a zone
    :param run: the name of the run that has just succeeded; ``None`` for retention by hand
    :param cold: by key, the reason why a manifest was not read that is in cold storage
    """
    ordered = sorted(backups, key=lambda one: (one.taken, one.key), reverse=True)
    if not any(policy):
        return Decisions(
            [Decision(one, True, "retention is off: no number of backups to keep is set") for one in ordered]
        )
    good = [one for one in ordered if one.manifest and one.key not in faults and one.key not in cold]
    refusal = _refusal(ordered, good, {**faults, **cold}, now, run)
    if refusal is not None:
        return Decisions([Decision(one, True, refusal) for one in ordered], refusal)
    reasons = _reasons(good, policy)
    for key, rules in _reasons([one for one in ordered if one.is_uploaded and one.key not in faults], policy).items():
        if key not in reasons:
            kind = "manifest in cold storage" if key in cold else "incomplete"
            reasons[key] = [f"{kind}; {rule}" for rule in rules]
    return Decisions([_decision(one, faults, reasons.get(one.key, [])) for one in ordered])


def _refusal(
    ordered: t.Sequence[StoredBackup],
    good: t.Sequence[StoredBackup],
    faults: t.Mapping[str, str],
    now: datetime.datetime,
    run: t.Optional[str],
) -> t.Optional[str]:
    """Return the reason to remove nothing at all, if there is one."""
    if not ordered:
        return None
    if run is not None and run not in [one.name for one in good]:
        return f"nothing is removed: the bucket holds no whole backup of the run {run}; check its archive and manifest"
    newest = ordered[0]
    if newest not in good:
        fault = f" ({faults[newest.key]})" if newest.key in faults else ""
        return (
            f"nothing is removed: the newest backup, {newest.name}, is not whole{fault}; run vex-backup audit, and "
            "remove it or make another backup"
        )
    if now < newest.taken:
        return (
            f"nothing is removed: this host's clock shows {timestamp(now)} (UTC), before the newest backup, "
            f"{newest.name}, was taken; set the clock, or remove that backup if its name is wrong"
        )
    return None


def _reasons(good: t.Sequence[StoredBackup], policy: Policy) -> t.Dict[str, t.List[str]]:
    """Return, by key, the rules that keep each good backup; *good* is newest first."""
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
    for one in [one for one in good if one.proof_unread][:1]:
        reasons[one.key].append("the newest whose proof could not be read")
    return reasons


def _decision(one: StoredBackup, faults: t.Mapping[str, str], rules: t.Sequence[str]) -> Decision:
    if not one.is_uploaded:
        return Decision(one, True, "not a backup: it has no manifest; counts for no rule and is not removed, check it")
    if one.key in faults:
        return Decision(one, True, f"counts for no rule and is not removed, check it: {faults[one.key]}")
    kept = ["held", *rules] if one.held else rules
    if not kept and one.proof_fault is not None:
        return Decision(one, False, f"no rule keeps it, and its proof is not believed: {one.proof_fault}")
    return Decision(one, bool(kept), "; ".join(kept) or "no rule keeps it")
