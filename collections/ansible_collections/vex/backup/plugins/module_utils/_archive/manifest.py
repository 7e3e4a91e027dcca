# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest: what a backup holds and how to bring it back."""

from __future__ import annotations

import json
import shlex
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import SIGNATURE
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import PROGRAMS

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


def parse_manifest(content: bytes, where: str) -> t.Dict[str, t.Any]:
    """Read a manifest that lies beside an archive.

    :param where: it is, for the errors
    :raises ManifestUnusable: when it is none, or does not say which archive it is of
    """
    try:
        manifest = json.loads(content.decode("utf-8"))
        archive_of(manifest)
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise ManifestUnusable(
            f"{where} is not the manifest of an archive ({error!r}): it is damaged, choose another backup"
        ) from error
    return t.cast("t.Dict[str, t.Any]", manifest)


def archive_of(manifest: Manifest) -> Archive:
    """The archive that *manifest* lies beside."""
    described = manifest["archive"]
    return Archive(**{name: kind(described[name]) for name, kind in t.get_type_hints(Archive).items()})


def inner_of(manifest: Manifest) -> t.Dict[str, t.Any]:
    """What the manifest within the archive must be, by the one beside it: neither archive nor signature, as packed."""
    bare = {name: value for name, value in manifest.items() if name not in ("archive", SIGNATURE)}
    if "restore" in bare:
        bare["restore"] = bare["restore"][1:]
    return bare


def summary_of(manifest: Manifest) -> t.Dict[str, t.Any]:
    """What a person wants to know of a backup before restoring it: JSON types, sizes in bytes, times in UTC."""
    plain = ("name", "run_uuid", "hostname", "server", "started", "status", "consistent")
    return {
        **{key: manifest.get(key) for key in plain},
        "bytes": sum(file["size"] for file in manifest.get("files", [])),
        "dump_bytes": manifest.get("dump_bytes"),
        "encrypted": archive_of(manifest).encrypted,
        "archive_bytes": archive_of(manifest).size,
        "databases": [
            {"name": one["name"], **{kind: len(one[kind]) for kind in ("tables", "views", "programs")}}
            for one in manifest.get("databases", [])
        ],
    }
