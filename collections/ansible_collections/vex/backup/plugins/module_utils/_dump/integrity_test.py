# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a dump's files back, as a restore will: each passes its own test, and some are counted on the way."""

from __future__ import annotations

import os
import threading
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import pieces_of
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Tally
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed

# A program for each few files, not for each file: a thousand tables have two thousand.
_MOST_FILES = 64
_PERIOD_SECONDS = 0.2


class Part(t.NamedTuple):
    """A file, by its name before compression, and what counts it, if anything does."""

    file: str
    tally: t.Optional[Tally]


class _Wrong(Exception):
    """What was read is not as long as what was compressed."""


def read_back(
    folder: str,
    parts: t.Sequence[Part],
    sizes: t.Mapping[str, int],
    compressor: t.Optional[Compressor],
    deadline: Deadline,
) -> t.List[str]:
    """Read every file, all cores at work.

    :param parts: the files, below *folder*
    :param sizes: of the files before compression, in bytes
    :param compressor: what compressed them; ``None`` when they are as they were
    :returns: those that do not pass their own test, by their names now; what was counted of them means nothing then
    :raises CommandTimeout: when the deadline passes
    """
    cores = os.cpu_count() or 1
    stopped = threading.Event()
    # What nothing counts need not come through a pipe.
    counted = [part for part in parts if part.tally]
    others = [part for part in parts if not part.tally]

    def read(share: t.Sequence[Part]) -> t.List[str]:
        names = [part.file for part in share]
        packed = [name + (compressor.suffix if compressor else "") for name in names]
        try:
            if compressor is None:
                _count(share, sizes, _plain(folder, names, deadline), stopped)
            elif not any(part.tally for part in share):
                with compressor.testing(folder, packed) as program:
                    while not program.has_ended(within=_PERIOD_SECONDS):
                        deadline.remaining()
                        _go_on(stopped)
                    if program.wait().returncode != 0:
                        raise _Wrong
            else:
                with compressor.unpacking(folder, packed) as program:
                    _count(share, sizes, program.pieces(deadline.remaining()), stopped)
                    if program.wait(deadline.remaining()).returncode != 0:
                        raise _Wrong
        except _Wrong:
            # Which of them it is, each by itself tells; if none does, none of them can be trusted.
            return (compressor.broken(folder, packed, deadline.remaining()) if compressor else []) or packed
        return []

    with Threads(max_workers=cores) as pool:
        try:
            shares = [*_shares(counted, sizes, cores), *_shares(others, sizes, cores)]
            at_work = [pool.submit(read, share) for share in shares]
            return [name for share in at_work for name in share.result()]
        except BaseException:
            stopped.set()
            raise


def _shares(parts: t.Sequence[Part], sizes: t.Mapping[str, int], cores: int) -> t.List[t.List[Part]]:
    """Large ones first, a share's size such that all cores stay busy to the end."""
    most = sum(sizes[part.file] for part in parts) // (cores * 4)
    shares: t.List[t.List[Part]] = []
    held = 0
    for part in sorted(parts, key=lambda part: sizes[part.file], reverse=True):
        if not shares or len(shares[-1]) >= _MOST_FILES or held + sizes[part.file] > most:
            shares.append([])
            held = 0
        shares[-1].append(part)
        held += sizes[part.file]
    return shares


def _plain(folder: str, names: t.Sequence[str], deadline: Deadline) -> t.Iterator[bytes]:
    for name in names:
        with open(os.path.join(folder, name), "rb") as stream:
            for piece in pieces_of(stream):
                deadline.remaining()
                yield piece


def _count(
    share: t.Sequence[Part], sizes: t.Mapping[str, int], pieces: t.Iterator[bytes], stopped: threading.Event
) -> None:
    """Give each file's own bytes out of *pieces*, which holds them one after the other, to its tally."""
    rest = b""
    for part in share:
        left = sizes[part.file]
        while left:
            piece = rest or next(pieces, b"")
            if not piece:
                raise _Wrong
            _go_on(stopped)
            own, rest = (piece, b"") if len(piece) <= left else (piece[:left], piece[left:])
            left -= len(own)
            if part.tally:
                part.tally.update(own)
    if rest or next(pieces, b""):
        raise _Wrong


def _go_on(stopped: threading.Event) -> None:
    if stopped.is_set():
        raise DumpFailed("the dump was broken off")
