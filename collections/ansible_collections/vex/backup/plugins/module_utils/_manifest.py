# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest: what a backup holds and how to bring it back."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._sevenzip import PROGRAMS

Manifest = t.Mapping[str, t.Any]

# Where it is unpacked is not where it was packed: the name is looked for there.
_UNPACK = f'"$({" || ".join(f"command -v {program}" for program in PROGRAMS)})" x'


class Archive(t.NamedTuple):
    """An archive as its manifest describes it: ``size`` in bytes, ``level`` 0 (stored) to 9."""

    name: str
    size: int
    sha256: str
    format: str
    encrypted: bool
    level: int


def with_archive(manifest: Manifest, archive: Archive) -> t.Dict[str, t.Any]:
    """A copy of a dump's *manifest* that says which archive holds the dump, under the key ``archive``.

    Its ``restore`` commands, where it has them, then begin with the one that unpacks the archive.
    """
    described = {**manifest, "archive": archive._asdict()}
    if "restore" in manifest:
        described["restore"] = [f"{_UNPACK} {shlex.quote(archive.name)}", *manifest["restore"]]
    return described
