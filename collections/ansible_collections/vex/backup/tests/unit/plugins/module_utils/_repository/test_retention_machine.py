# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random sequences of runs, failures, proofs, holds, clock jumps and prunes: retention keeps its promises."""

from __future__ import annotations

import contextlib
import datetime
import typing as t

import pytest

pytest.importorskip("boto3")

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import build
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME, RunLog
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup, read_catalog
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import PruneRequest, prune_objects
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Removal, RemovalNotes
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import Policy
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    Crash,
    FakeBucket,
    destination,
    open_store,
)

HOUR = datetime.timedelta(hours=1)
NUMBERS = st.integers(0, 3)
# Often only one number, so that no other rule keeps a backup that this rule should keep.
POLICIES = st.one_of(
    st.tuples(*[NUMBERS] * 5),
    st.builds(lambda place, number: tuple(number * (place == one) for one in range(5)), st.integers(0, 4), NUMBERS),
)


class Retention(RuleBasedStateMachine):
    """One host and its part of a bucket.

    ``whole`` are the keys of the backups that were uploaded whole and not damaged since. They follow from the steps of
    the test, and not from the code under test.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bucket = FakeBucket()
        self.now = datetime.datetime(2026, 1, 28, 3)
        self.policy = Policy()
        self.whole: t.Dict[str, datetime.datetime] = {}
        self.proven: t.Set[str] = set()
        self.held: t.Set[str] = set()

    @initialize(numbers=POLICIES)
    def set_policy(self, numbers: t.Tuple[int, ...]) -> None:
        self.policy = Policy(*numbers)

    @rule(hours=st.integers(1, 24 * 40), prunes=st.booleans())
    def run(self, hours: int, prunes: bool) -> None:
        """Make a backup that succeeds, with or without the pruning at its end."""
        self.now += hours * HOUR
        key = self._key()
        if key in self.bucket.objects:
            # The upload refuses an existing key.
            return
        self.bucket.put_backup(key, self.now)
        self.whole[key] = self.now
        if prunes:
            self._prune(run=self.now.strftime(RUN_NAME))

    @rule(hours=st.integers(1, 48))
    def run_fails(self, hours: int) -> None:
        """Upload an archive without a manifest; the role does not prune then."""
        self.now += hours * HOUR
        if self._key() not in self.bucket.objects:
            self.bucket.put(self._key(), b"half", self.now)

    @rule(hours=st.integers(-24 * 400, 24 * 400))
    def clock_jumps(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        key = self._any(data)
        if key:
            self.bucket.put_proof(key, max(self.now, self.whole[key]))
            self.proven.add(key)

    @rule(
        data=st.data(),
        changes=st.sampled_from([{"sha256": "0" * 64}, {"proven": "2001-01-01 00:00:00"}, {"format": 9}]),
    )
    def write_a_proof_that_is_none(self, data: st.DataObject, changes: t.Dict[str, t.Any]) -> None:
        key = self._any(data)
        if key:
            self.bucket.put_proof(key, max(self.now, self.whole[key]), **changes)
            self.proven.discard(key)

    @rule(data=st.data())
    def hold_or_release(self, data: st.DataObject) -> None:
        key = self._any(data)
        if key and key in self.held:
            self.held.remove(key)
            del self.bucket.objects[f"{key}.hold"]
        elif key:
            self.held.add(key)
            self.bucket.put(f"{key}.hold", b"", self.now)

    @rule(data=st.data(), content=st.sampled_from([b"{", b"{}", None]))
    def damage(self, data: st.DataObject, content: t.Optional[bytes]) -> None:
        """Overwrite the manifest with *content* or, when it is ``None``, overwrite the archive."""
        key = self._any(data)
        if key:
            self.bucket.put(*((key, b"short") if content is None else (f"{key}.manifest.json", content)), self.now)
            del self.whole[key]

    @rule()
    def prune_by_hand(self) -> None:
        self._prune()

    @rule(requests=st.integers(0, 40))
    def prune_is_killed(self, requests: int) -> None:
        with contextlib.suppress(Crash):
            self._prune(crash_after=requests)

    @invariant()
    def every_backup_is_whole_or_damaged(self) -> None:
        for one in self._listed():
            assert one.key in self.whole or not one.manifest or self._is_damaged(one.key)
        # No manifest exists without its archive.
        manifests = [key for key in self.bucket.objects if key.endswith(".manifest.json")]
        assert all(key[: -len(".manifest.json")] in self.bucket.objects for key in manifests)

    def _prune(self, run: t.Optional[str] = None, crash_after: t.Optional[int] = None) -> None:
        must_stay, is_refused = self._must_stay(), self._is_refused()
        everything = set(self.bucket.objects)
        others = {key for key in everything if not any(key.startswith(one) for one in self.whole)}
        self.bucket.crash_after = crash_after
        kept: t.List[Removal] = []
        begun: t.List[Removal] = []
        notes = RemovalNotes(begun.append, kept.append, begun.remove)
        try:
            with open_store(self.bucket) as store:
                prune_objects(self._request(run), store, self.now, RunLog(None), notes)
        finally:
            self.bucket.crash_after = None
            left = set(self.bucket.objects)
            # Also after a crash, every removal was noted.
            gone = {key for key in everything - left if key.endswith(".manifest.json")}
            assert gone == {f"{one.key}.manifest.json" for one in kept}
            for key in must_stay:
                assert {key, f"{key}.manifest.json"} <= left
            assert others <= left
            # Each half done removal is one that has begun and not ended.
            halves = {one.key for one in kept if one.key in left}
            assert halves <= {one.key for one in begun}
            if is_refused:
                assert everything == left
            self.whole = {key: taken for key, taken in self.whole.items() if f"{key}.manifest.json" in left}

    def _request(self, run: t.Optional[str]) -> PruneRequest:
        numbers = {f"keep_{name}": number for name, number in self.policy._asdict().items()}
        return PruneRequest(
            destination=destination(),
            prefix="",
            hostname="db1",
            name=run,
            unfinished_days=7,
            manifest_keys=(),
            spool_dir=None,
            log_database=None,
            patience=0,
            timeout=None,
            check_mode=False,
            **numbers,
        )

    def _must_stay(self) -> t.Set[str]:
        newest_first = sorted(self.whole, key=lambda key: self.whole[key], reverse=True)
        proven = [key for key in newest_first if key in self.proven][:1]
        return {*newest_first[: max(1, self.policy.last)], *proven, *(self.held & self.whole.keys())}

    def _is_refused(self) -> bool:
        """Return whether nothing may be removed: without a policy, after a failure, while the clock is behind."""
        newest = max(self._listed(), key=lambda one: one.taken, default=None)
        behind = newest is not None and (newest.key not in self.whole or self.now < newest.taken)
        return behind or not any(self.policy)

    def _is_damaged(self, key: str) -> bool:
        return self.bucket.objects[key] == b"short" or self.bucket.objects[f"{key}.manifest.json"] in (b"{", b"{}")

    def _listed(self) -> t.List[StoredBackup]:
        with open_store(self.bucket) as store:
            return read_catalog(store, "", "db1").backups

    def _any(self, data: st.DataObject) -> t.Optional[str]:
        return data.draw(st.sampled_from(sorted(self.whole))) if self.whole else None

    def _key(self) -> str:
        return build("", "db1", self.now.strftime(RUN_NAME), "zip")


TestRetention = Retention.TestCase
TestRetention.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
