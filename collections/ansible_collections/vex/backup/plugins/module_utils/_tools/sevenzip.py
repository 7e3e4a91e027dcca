# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""7-Zip: its switches, the password on its standard input, and the results in its output."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import (
    Completed,
    Running,
    find_program,
    running,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveFailed,
    NotEnoughSpace,
    PasswordRefused,
    UnpackFailed,
)

# Distributions give the program different names; the first is the one 7-Zip itself uses.
PROGRAMS = ("7zz", "7z", "7za")
REMEDY = "install the package 7zip (Debian, Ubuntu) or p7zip (EPEL)"

ENCRYPTION = {"zip": ("-mem=AES256", "-p"), "7z": ("-mhe=on", "-p")}

_SUMMARY = re.compile(
    r"^Folders: (\d+)\nFiles: (\d+)\nSize: +(\d+)\n.*^CRC32 +for data and names: +(\S+)$", re.MULTILINE | re.DOTALL
)
_ENTRY_LINE = re.compile(r"([A-Z][\w ]*) = ?(.*)")
_MODE = re.compile(r"(?:^| )([-a-z])[-rwxsStT]{9}$")
# About 400 bytes a path, so half a million paths.
LIST_LIMIT = 200 * 1024 * 1024
_UNCOMPRESSED = re.compile(r"Store|Copy|AES-256|7zAES\S*")


class Contents(t.NamedTuple):
    """The contents of a directory or an archive, read by 7-Zip; ``checksum`` covers every path and every byte."""

    folders: int
    files: int
    size: int
    checksum: str


class Entry(t.NamedTuple):
    """A path of an archive: ``kind`` is ``-`` for a file, ``d`` for a directory, else the letter that ``ls`` shows."""

    path: str
    kind: str
    size: int


class SevenZip:
    """The program, with a password and a deadline.

    :param archive_format: ``zip`` or ``7z``
    :param password: passed on standard input, never in the arguments
    :param deadline: of all runs together
    :raises ProgramMissing: when 7-Zip is not on this host
    """

    def __init__(self, archive_format: str, password: t.Optional[str], deadline: Deadline) -> None:
        self._program = find_program(PROGRAMS, REMEDY)
        self._format = archive_format
        # Twice: p7zip asks for it again when it packs. Without a password, standard input is empty, so that 7-Zip does
        # not wait for one.
        self._answer = f"{password}\n".encode("utf-8", "surrogateescape") * 2 if password is not None else b""
        self._encryption = ENCRYPTION[archive_format] if password is not None else ()
        self._deadline = deadline
        self.version = ""

    def add(self, source: str, partial: str, level: int) -> None:
        """Pack the directory *source* into the new file *partial*."""
        folder, name = os.path.split(source)
        done = self._run("a", [f"-t{self._format}", f"-mx={level}", *self._encryption], [partial, name], folder)
        if done.returncode != 0:
            self._fail(done, f"7-Zip could not pack {source}", partial)

    @contextlib.contextmanager
    def reading(self, archive: str) -> t.Iterator[t.Callable[[], Contents]]:
        """Start to read a whole archive, with its checksums; yield a function that waits and returns the contents."""
        with self._started("t", [f"-t{self._format}", "-scrcCRC32"], [archive]) as program:
            damaged = f"7-Zip found that {archive} is damaged, or encrypted with another password"
            yield lambda: self._contents(self._done(program), damaged, archive)

    @contextlib.contextmanager
    def reading_directory(self, source: str) -> t.Iterator[t.Callable[[], Contents]]:
        """Start to read a whole directory; yield a function that waits and returns the contents."""
        folder, name = os.path.split(source)
        with self._started("h", ["-scrcCRC32"], [name], folder) as program:
            yield lambda: self._contents(self._done(program), f"7-Zip could not read {source}", source)

    def describe(self, archive: str) -> t.Tuple[bool, bool]:
        """Return whether the files in *archive* are encrypted, and whether they are only stored.

        Decided by the end of the list: of a long output, only the end is kept.
        """
        done = self._run("l", [f"-t{self._format}", "-slt", "-ba"], [archive])
        if done.returncode != 0:
            self._fail(done, f"7-Zip could not list {archive}", archive)
        methods = {word for line in re.findall(r"^Method = (.*)$", done.stdout, re.MULTILINE) for word in line.split()}
        return "\nEncrypted = +\n" in done.stdout, all(_UNCOMPRESSED.fullmatch(word) for word in methods)

    def entries(self, archive: str) -> t.List[Entry]:
        """Return every path in *archive*.

        :raises PasswordRefused: when the list itself is encrypted, with another password
        :raises UnpackFailed: when there are too many paths, or the list cannot be trusted
        """
        with self._started("l", [f"-t{self._format}", "-slt", "-ba"], [archive], piped=True) as program:
            output = b""
            for chunk in program.output(self._deadline.remaining()):
                output += chunk
                if len(output) > LIST_LIMIT:
                    raise UnpackFailed(
                        f"{archive} holds more than half a million paths, so it is not an archive of a backup: "
                        "choose another"
                    )
            done = self._done(program)
        if done.returncode != 0:
            self._fail(done, f"7-Zip could not list {archive}", archive)
        return entries_of(output.decode("utf-8", "surrogateescape"))

    def extract(self, archive: str, folder: str) -> None:
        """Unpack *archive* into a new *folder*.

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
        # -spd: wildcards in names are literal. "--": names that begin with a hyphen are names.
        argv = [self._program, verb, "-bd", "-spd", *switches, "--", *names]
        self._deadline.check()
        environment = {"LC_ALL": "C.UTF-8"}
        return running(argv, cwd=folder, environment=environment, stdin=self._answer, piped=piped)

    def _done(self, program: Running) -> Completed:
        done = program.wait(self._deadline.remaining())
        banner = re.search(r"^7-Zip.*?(\d+\.\d+)", done.stdout, re.MULTILINE)
        if banner:
            self.version = f"7-Zip {banner.group(1)}"
        return done

    def _fail(self, done: Completed, failure: str, path: str) -> t.NoReturn:
        output = " ".join(f"{done.stderr} {done.stdout[-500:]}".split())
        if "No space left on device" in output:
            raise NotEnoughSpace(
                f"{failure}: the disk of {os.path.dirname(path)} is full; free space there or put dest elsewhere"
            )
        # "Break signaled" is its message when it asks for a password and standard input is empty.
        refused = "Wrong password" in output or "Break signaled" in output
        error = PasswordRefused if refused else ArchiveFailed
        raise error(f"{failure} (exit status {done.returncode}): {output[:1000]}")


def contents_of(output: str) -> Contents:
    """Parse the summary at the end of the output of ``7zz t`` and ``7zz h`` with ``-scrcCRC32``.

    :raises ArchiveFailed: when there is no summary
    """
    found = _SUMMARY.search(output)
    if found is None:
        raise ArchiveFailed(
            "7-Zip's summary was not understood; report it with the version of 7-Zip: "
            + " ".join(output[-500:].split())
        )
    folders, files, size, checksum = found.groups()
    return Contents(int(folders), int(files), int(size), checksum)


def entries_of(output: str) -> t.List[Entry]:
    """Parse the output of ``7zz l -slt -ba``: a block of ``Name = value`` lines for each path.

    :raises UnpackFailed: for a list that may hide a path
    """
    entries: t.List[Entry] = []
    for block in output.split("\n\n"):
        values: t.Dict[str, str] = {}
        for line in block.split("\n"):
            found = _ENTRY_LINE.fullmatch(line)
            # Prompts and warnings come before the first path. A path with a line break could imitate another's values.
            if (found[1] in values) if found else values:
                raise UnpackFailed(
                    f"the archive holds a path that breaks 7-Zip's list: {line[:200]!r}; choose another backup"
                )
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
