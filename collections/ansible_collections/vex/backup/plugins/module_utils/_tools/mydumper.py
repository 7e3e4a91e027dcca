# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper: its version and driver, and the outcome of a dump from its log and its exit status. Pure functions.

MyDumper's exit status cannot be trusted alone: it is 0 after SIGTERM with 5 % of the data. Nor can single lines of the
log: 1.0.1 reads rows again outside of the snapshot, after a warning. So every line above the level of information that
is not known as harmless is an error.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import Driver
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_0_10 import MyDumper010
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_1 import MyDumper1
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_log import Line, parse_log

REMEDY = "install the package mydumper, 0.10.x or 0.20 and later"

_VERSION = re.compile(r"mydumper\S*\s+v?(\d+)\.(\d+)\.(\d+)")
_FINISHED = re.compile(r"(?:dump finished|finished dump)\b", re.IGNORECASE)
_FINISHED_METADATA = re.compile(r"^(?:# )?Finished dump at:", re.MULTILINE)


class Version(t.NamedTuple):
    """A supported MyDumper: its version, ``1.0.1``, and its driver."""

    text: str
    driver: Driver


class Evidence(t.NamedTuple):
    """The traces of one MyDumper process after its end.

    ``returncode`` is negative (or above 128) for death by a signal. ``log`` is its log file and standard error,
    ``metadata`` the text of that file or ``None``; ``unfinished_metadata`` is true when ``metadata.partial`` exists.
    """

    returncode: int
    log: str
    metadata: t.Optional[str]
    unfinished_metadata: bool


def parse_version(output: str) -> Version:
    """Read ``mydumper --version``.

    :raises ProgramMissing: for a version whose options this collection does not know (0.11 to 0.19, and before 0.10)
    """
    found = _VERSION.search(output)
    if not found:
        raise ProgramMissing(
            f"mydumper --version printed {output.strip()[:200]!r}, which holds no version; "
            "install MyDumper 0.10.x, or 0.20 or later"
        )
    major, minor, _patch = (int(part) for part in found.groups())
    text = ".".join(found.groups())
    if (major, minor) == (0, 10):
        return Version(text, MyDumper010())
    if (major, minor) >= (0, 20):
        return Version(text, MyDumper1())
    raise ProgramMissing(
        f"mydumper {text} is not supported: its options differ from those before and after; "
        "install 0.10.x, or 0.20 or later"
    )


def environment() -> t.Dict[str, str]:
    """Return the environment variables with which MyDumper accepts names that are not ASCII in its option file.

    0.10.x uses GLib's ``CHARSET``, 1.x the locale (observed with 0.10.1 and 1.0.1).
    """
    return {"CHARSET": "UTF-8", "LC_ALL": "C.UTF-8"}


def failures(driver: Driver, evidence: Evidence) -> t.List[str]:
    """Return the reasons why the dump is not complete or not of one snapshot, an empty list if it is."""
    lines = parse_log(evidence.log)
    found = [line.message for line in lines if _is_failure(driver, line)]
    if evidence.returncode < 0 or evidence.returncode > 128:
        number = -evidence.returncode if evidence.returncode < 0 else evidence.returncode - 128
        found.append(f"MyDumper was ended by signal {number}")
    cancelled = [line.message for line in lines if line.cancelled]
    if cancelled:
        found.append(f"MyDumper stopped before the end: {cancelled[0]}")
    found.extend(_incomplete(evidence, lines))
    if found and not lines and evidence.log.strip():
        found.insert(0, evidence.log.strip())
    if evidence.returncode != 0 and not found:
        found = [f"MyDumper exited with {evidence.returncode} and printed no reason"]
    return found


def _is_failure(driver: Driver, line: Line) -> bool:
    if line.is_error:
        return True
    return line.level == "WARNING" and not any(pattern.match(line.message) for pattern in driver.harmless)


def _incomplete(evidence: Evidence, lines: t.Sequence[Line]) -> t.List[str]:
    if evidence.unfinished_metadata or evidence.metadata is None:
        state = "is still metadata.partial" if evidence.unfinished_metadata else "was not written"
        return [f"the dump is not complete: its metadata {state}"]
    if not _FINISHED_METADATA.search(evidence.metadata):
        return ["the dump is not complete: its metadata has no 'Finished dump'"]
    # Only the log shows that a dump was cancelled, so a log without its end proves nothing.
    if not any(_FINISHED.match(line.message) for line in lines):
        return ["the dump is not complete: its log has no 'Finished dump'"]
    return []
