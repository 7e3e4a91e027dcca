# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest beside an archive: what the backup holds and how to restore it."""

from __future__ import annotations

import json
import shlex
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import SIGNATURE
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable
from ansible_collections.vex.backup.plugins.module_utils._mysql.needs import ENCRYPTION
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import PROGRAMS

Manifest = t.Mapping[str, t.Any]

# The host that unpacks may know 7-Zip by another name than the host that packed.
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
    """Return a copy of a dump's *manifest* that describes the dump's archive under the key ``archive``.

    Its ``restore`` commands, if there are any, then begin with the command that unpacks the archive.
    """
    described = {**manifest, "archive": archive._asdict()}
    if "restore" in manifest:
        described["restore"] = [f"{_UNPACK} {shlex.quote(archive.name)}", *manifest["restore"]]
    return described


def parse_manifest(content: bytes, where: str) -> t.Dict[str, t.Any]:
    """Parse the manifest beside an archive.

    :param where: its path or address, for the errors
    :raises ManifestUnusable: when it is not JSON, or does not describe an archive
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
    """Return the archive that *manifest* describes."""
    described = manifest["archive"]
    return Archive(**{name: kind(described[name]) for name, kind in t.get_type_hints(Archive).items()})


def without_archive(manifest: Manifest) -> t.Dict[str, t.Any]:
    """Return the manifest inside the archive, computed from the one beside it: no archive, no signature."""
    inner = {name: value for name, value in manifest.items() if name not in ("archive", SIGNATURE)}
    if "restore" in inner:
        inner["restore"] = inner["restore"][1:]
    return inner


def summary_of(manifest: Manifest) -> t.Dict[str, t.Any]:
    """Return the facts about a backup that matter before a restore: JSON types, sizes in bytes, times in UTC."""
    plain = ("name", "run_uuid", "hostname", "server", "started", "status", "mode", "consistent")
    return {
        **{key: manifest.get(key) for key in plain},
        "bytes": sum(file["size"] for file in manifest.get("files", [])),
        "dump_bytes": manifest.get("dump_bytes"),
        "encryption_key_ids": _encryption_key_ids(manifest),
        "encrypted": archive_of(manifest).encrypted,
        "archive_bytes": archive_of(manifest).size,
        "databases": [
            {"name": one["name"], **{kind: len(one[kind]) for kind in ("tables", "views", "programs")}}
            for one in manifest.get("databases", [])
        ],
    }


def _encryption_key_ids(manifest: Manifest) -> t.List[int]:
    """Return the numbers of the keys that tables need; manifests of earlier pre-releases have none."""
    definitions = [found for one in manifest.get("databases", []) for found in one.get("definitions", [])]
    numbers = {number for found in definitions for number in found.get("needs", {}).get(ENCRYPTION, [])}
    return sorted(int(number) for number in numbers if number.isdecimal())
