# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The repair of files that MyDumper 0.10 writes wrongly."""

from __future__ import annotations

import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper_0_10


def repair_files(folder: str, names: t.Sequence[str]) -> None:
    """Repair the schema files among *names*, and give chunks the header that they lack."""
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith("-schema.sql"):
            with open(path, "r+b") as stream:
                repaired = mydumper_0_10.repair_schema(stream.read())
                stream.seek(0)
                stream.write(repaired)
        elif mydumper_0_10.is_later_chunk(name):
            _add_header(path)


def _add_header(path: str) -> None:
    with open(path, "rb") as source:
        if source.read(6) != b"INSERT":
            return
        source.seek(0)
        with open(f"{path}.new", "wb") as target:
            target.write(mydumper_0_10.DATA_HEADER)
            shutil.copyfileobj(source, target)
    os.replace(f"{path}.new", path)
