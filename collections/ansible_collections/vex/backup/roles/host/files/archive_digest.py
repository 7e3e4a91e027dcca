# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Print a digest of the files in a collection's archive. Archives of the same files differ in their time stamps."""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
import typing as t


def digest(archive: t.BinaryIO) -> str:
    """Return the SHA-256, in hexadecimal, of the names and checksums in the archive's ``FILES.json``.

    :raises KeyError: when the archive is not a collection's
    :raises tarfile.TarError: when the file is not an archive
    """
    with tarfile.open(fileobj=archive) as members:
        listed = members.extractfile("FILES.json")
        if listed is None:
            raise KeyError("FILES.json is not a file")
        entries = json.load(listed)["files"]
    files = sorted((entry["name"], entry["chksum_sha256"]) for entry in entries if entry["ftype"] == "file")
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def main() -> None:
    """Print the digest of the archive that the first argument names."""
    with open(sys.argv[1], "rb") as archive:
        sys.stdout.write(digest(archive) + "\n")


if __name__ == "__main__":
    main()
