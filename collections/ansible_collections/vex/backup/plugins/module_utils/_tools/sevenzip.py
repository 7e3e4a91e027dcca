# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""7-Zip, the program: its switches, its password on standard input, what it says of what it read."""

from __future__ import annotations

import contextlib
import os
import re
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import (
    Completed,
    Running,
    find_program,
    running,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveFailed,
    CommandTimeout,
    NotEnoughSpace,
    PasswordRefused,
    UnpackFailed,
)

# Distributions name the program differently; the first is 7-Zip's own name for it.
PROGRAMS = ("7zz", "7z", "7za")
REMEDY = "install the package 7zip (Debian, Ubuntu) or p7zip (EPEL)"

ENCRYPTION = {"zip": ("-mem=AES256", "-p"), "7z": ("-mhe=on", "-p")}

_SUMMARY = re.compile(
    r"^Folders: (\d+)\nFiles: (\d+)\nSize: +(\d+)\n.*^CRC32 +for data and names: +(\S+)$", re.MULTILINE | re.DOTALL
)
_ENTRY_LINE = re.compile(r"([A-Z][\w ]*) = ?(.*)")
_MODE = re.compile(r"(?:^| )([-a-z])[-rwxsStT]{9}$")
# Some 400 bytes a path: half a million of them.
LIST_LIMIT = 200 * 1024 * 1024
_UNCOMPRESSED = re.compile(r"Store|Copy|AES-256|7zAES\S*")


class Contents(t.NamedTuple):
    """What 7-Zip read in a directory or an archive; ``checksum`` covers every path and every byte."""

    folders: int
    files: int
    size: int
    checksum: str


class Entry(t.NamedTuple):
    """One path of an archive, as 7-Zip lists it: ``kind`` is ``-`` a file, ``d`` a directory, or what ``ls`` shows."""

    path: str
    kind: str
    size: int


class SevenZip:
    """The program, with its password and its deadline.

    :param password: goes to standard input, never to the arguments
    :param timeout: seconds that all runs together may take
    """

    def __init__(self, archive_format: str, password: t.Optional[str], timeout: t.Optional[int]) -> None:
        self._program = find_program(PROGRAMS, REMEDY)
        self._format = archive_format
        # Twice: p7zip asks for it again when it packs. Without a password, standard input is empty: never wait there.
        self._answer = f"{password}\n".encode("utf-8", "surrogateescape") * 2 if password is not None else b""
        self._encryption = ENCRYPTION[archive_format] if password is not None else ()
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout if timeout else None
        self.version = ""

    def add(self, source: str, partial: str, level: int) -> None:
        """Pack the directory *source* into the new file *partial*."""
        folder, name = os.path.split(source)
        done = self._run("a", [f"-t{self._format}", f"-mx={level}", *self._encryption], [partial, name], folder)
        if done.returncode != 0:
            self._fail(done, f"7-Zip could not pack {source}", partial)

    @contextlib.contextmanager
    def reading(self, archive: str) -> t.Iterator[t.Callable[[], Contents]]:
        """Start to read the whole of *archive*, its checksums included; what is given waits for the end of it."""
        with self._started("t", [f"-t{self._format}", "-scrcCRC32"], [archive]) as program:
            damaged = f"7-Zip found that {archive} is damaged, or encrypted with another password"
            yield lambda: self._contents(self._done(program), damaged, archive)

    @contextlib.contextmanager
    def reading_directory(self, source: str) -> t.Iterator[t.Callable[[], Contents]]:
        """Start to read the whole of the directory *source*; what is given waits for the end of it."""
        folder, name = os.path.split(source)
        with self._started("h", ["-scrcCRC32"], [name], folder) as program:
            yield lambda: self._contents(self._done(program), f"7-Zip could not read {source}", source)

    def describe(self, archive: str) -> t.Tuple[bool, bool]:
        """Whether the files in *archive* are encrypted, and whether they are only stored.

        Judged by the end of the list, which is what is kept of a long output.
        """
        done = self._run("l", [f"-t{self._format}", "-slt", "-ba"], [archive])
        if done.returncode != 0:
            self._fail(done, f"7-Zip could not list {archive}", archive)
        methods = {word for line in re.findall(r"^Method = (.*)$", done.stdout, re.MULTILINE) for word in line.split()}
        return "\nEncrypted = +\n" in done.stdout, all(_UNCOMPRESSED.fullmatch(word) for word in methods)

    def entries(self, archive: str) -> t.List[Entry]:
        """Everything that *archive* holds.

        :raises PasswordRefused: where even the list is encrypted
        """
        with self._started("l", [f"-t{self._format}", "-slt", "-ba"], [archive], piped=True) as program:
            output = b""
            for piece in program.output(self._remaining()):
                output += piece
                if len(output) > LIST_LIMIT:
                    raise UnpackFailed(f"{archive} holds more than half a million paths: it is none of ours")
            done = self._done(program)
        if done.returncode != 0:
            self._fail(done, f"7-Zip could not list {archive}", archive)
        return entries_of(output.decode("utf-8", "surrogateescape"))

    def extract(self, archive: str, folder: str) -> None:
        """Unpack *archive* into *folder*, which must be new.

        :raises PasswordRefused: when it is encrypted with another password
        """
        done = self._run("x", [f"-t{self._format}", "-y", f"-o{folder}"], [archive])
        if done.returncode != 0:
            self._fail(done, f"7-Zip could not unpack {archive}", folder)

    def _contents(self, done: Completed, failure: str, path: str) -> Contents:
        if done.returncode != 0:
            self._fail(done, failure, path)
        return contents_of(done.stdout)

    def _run(self, verb: str, switches: t.List[str], names: t.List[str], folder: t.Optional[str] = None) -> Completed:
        with self._started(verb, switches, names, folder) as program:
            return self._done(program)

    def _started(
        self,
        verb: str,
        switches: t.List[str],
        names: t.List[str],
        folder: t.Optional[str] = None,
        piped: bool = False,
    ) -> t.ContextManager[Running]:
        # -spd: a name is a name, whatever wildcards it holds; "--": whatever it starts with.
        argv = [self._program, verb, "-bd", "-spd", *switches, "--", *names]
        self._remaining()
        environment = {"LC_ALL": "C.UTF-8"}
        return running(argv, cwd=folder, environment=environment, stdin=self._answer, piped=piped)

    def _done(self, program: Running) -> Completed:
        done = program.wait(self._remaining())
        banner = re.search(r"^7-Zip.*?(\d+\.\d+)", done.stdout, re.MULTILINE)
        if banner:
            self.version = f"7-Zip {banner.group(1)}"
        return done

    def _remaining(self) -> t.Optional[float]:
        if self._deadline is None:
            return None
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise CommandTimeout(f"7-Zip took longer than {self._timeout} seconds: raise timeout")
        return remaining

    def _fail(self, done: Completed, failure: str, path: str) -> t.NoReturn:
        said = " ".join(f"{done.stderr} {done.stdout[-500:]}".split())
        if "No space left on device" in said:
            raise NotEnoughSpace(
                f"{failure}: the disk of {os.path.dirname(path)} is full; free space there or put dest elsewhere"
            )
        # The second is what it says when it asked and nobody answered.
        refused = "Wrong password" in said or "Break signaled" in said
        error = PasswordRefused if refused else ArchiveFailed
        raise error(f"{failure} (exit status {done.returncode}): {said[:1000]}")


def contents_of(output: str) -> Contents:
    """Read the summary that ends the output of ``t`` and ``h`` with ``-scrcCRC32``.

    :raises ArchiveFailed: when there is none
    """
    found = _SUMMARY.search(output)
    if found is None:
        raise ArchiveFailed(f"7-Zip's summary was not understood: {' '.join(output[-500:].split())}")
    folders, files, size, checksum = found.groups()
    return Contents(int(folders), int(files), int(size), checksum)


def entries_of(output: str) -> t.List[Entry]:
    """Read the output of ``l -slt -ba``: a block of ``Name = value`` for each path.

    :raises UnpackFailed: for a list that cannot be trusted to show every path
    """
    entries: t.List[Entry] = []
    for block in output.split("\n\n"):
        values: t.Dict[str, str] = {}
        for line in block.split("\n"):
            found = _ENTRY_LINE.fullmatch(line)
            # What it asks and warns stands before the first path. A line break in a path would show another's values.
            if (found[1] in values) if found else values:
                raise UnpackFailed(f"the archive holds a path that breaks 7-Zip's list: {line[:200]!r}")
            if found is not None and (values or found[1] == "Path"):
                values[found[1]] = found[2]
        if values:
            entries.append(_entry(values))
    return entries


def _entry(values: t.Mapping[str, str]) -> Entry:
    attributes = values.get("Attributes", "")
    mode = _MODE.search(attributes)
    kind = mode.group(1) if mode else "d" if attributes.startswith("D") else "-"
    if values.get("Symbolic Link") or values.get("Hard Link"):
        kind = "l"
    return Entry(values["Path"], kind, int(values.get("Size") or 0))
