"""Act as the MyDumper 1.0.1 that made the recorded dumps: ``recorded_mydumper.py FOLDER… -- ARGUMENTS``.

It writes the data files of the tables that the arguments ask for, as they were recorded, and a log and a ``metadata``
as MyDumper writes them when it locks nothing. A folder holds ``tables/`` and ``mydumper.log``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

VERSION = "mydumper v1.0.1-3, built against MariaDB 10.11.18 with SSL support"
_DATA = re.compile(r"(.+)\.\d{5}\.sql")
_SECTION = re.compile(r"\n(?=\[|# Finished)")
_TABLE = re.compile(r"\[`(.+)`\.`(.+)`\]")
_CHECKSUM = re.compile(r"\n\w+_checksum = \w+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
# Lines about locks and definitions. The product asks for neither.
_NOT_ASKED_FOR = re.compile(r"(?i)lock|flush|thread \d+: dumping (schema|store|triggers|view)|omit list|executing in")
_CONSISTENT = "Backup will be consistent"
_STARTED = "[INFO] - Transactions started, unlocking tables"


def main(folders: list[Path], arguments: list[str]) -> int:
    """Write the dump; return the exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--version", action="store_true")
    for name in ("--outputdir", "--logfile", "--omit-from-file"):
        parser.add_argument(name, type=Path)
    for name in ("--database", "--regex"):
        parser.add_argument(name)
    given, _others = parser.parse_known_args(arguments)
    if given.version:
        sys.stdout.write(f"{VERSION}\n")
        return 0
    given.outputdir.mkdir(exist_ok=True)
    omitted = set(given.omit_from_file.read_text("utf-8").splitlines()) if given.omit_from_file else set()
    log: list[str] = []
    metadata: list[str] = []
    for folder in folders:
        sections = _SECTION.split((folder / "tables/metadata").read_text("utf-8"))
        tables = {name for name in map(_table_of, sections) if name}
        wanted = {name for name in tables - omitted if _is_wanted(given, name)}
        for file in (folder / "tables").iterdir():
            if (found := _DATA.fullmatch(file.name)) and found[1] in wanted:
                shutil.copyfile(file, given.outputdir / file.name)
        log += _log_lines(folder / "mydumper.log", wanted)
        metadata += [_CHECKSUM.sub("", one) for one in sections if one[:2] != "[`" or _table_of(one) in wanted]
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    given.logfile.write_text("".join(_TIME.sub(now, f"{line}\n") for line in log), "utf-8")
    given.outputdir.joinpath("metadata").write_text(_TIME.sub(now, "\n".join(metadata)), "utf-8")
    return 0


def _table_of(section: str) -> str | None:
    """Return the table of a section of the metadata, ``None`` for a view and for other sections."""
    found = _TABLE.match(section)
    return f"{found[1]}.{found[2]}" if found and "is_view" not in section else None


def _is_wanted(given: argparse.Namespace, name: str) -> bool:
    if given.database and name.partition(".")[0] not in given.database.split(","):
        return False
    # Python writes the end of the text in another way than PCRE.
    return given.regex is None or re.search(given.regex.replace(r"\z", r"\Z"), name, re.IGNORECASE) is not None


def _log_lines(log: Path, wanted: set[str]) -> Iterator[str]:
    for line in log.read_text("utf-8").splitlines():
        named = re.search(r"- (?:Thread \d+: )?`?(\w+)`?\.`?(\w+)`? (?:has|\[)", line)
        if _NOT_ASKED_FOR.search(line) or (named and f"{named[1]}.{named[2]}" not in wanted):
            continue
        yield line
        if _CONSISTENT in line:
            yield f"{line.partition('[')[0]}{_STARTED}"


if __name__ == "__main__":
    split = sys.argv.index("--")
    sys.exit(main([Path(name) for name in sys.argv[1:split]], sys.argv[split + 1 :]))
