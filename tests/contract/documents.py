"""Names in a Markdown document that do not exist in the code."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ansible_collections.vex.backup.roles.host.files.vex_backup_host import cli as host_cli
from scripts.reference import host_help, web_commands, web_help
from webstatus.settings import FILE_VARIABLE, PREFIX, Settings

ROOT = Path(__file__).parents[2]
COLLECTION = ROOT / "collections/ansible_collections/vex/backup"
COMMANDS = {"vex-backup": tuple(host_cli.ACTIONS), "vex-webstatus": tuple(web_commands())}
# The folders of the code. Tests and documents do not count: a name that only they have no longer exists.
CODE = [ROOT / name for name in ("playbooks", "inventories", "webstatus", "scripts", "env")]
CODE += [COLLECTION / name for name in ("plugins", "roles", "meta")]
CODE_FILES = [ROOT / name for name in ("Makefile", "execution-environment.yml", "ansible.cfg", "pyproject.toml")]
# CONTRIBUTING.md names its variable.
CODE_FILES.append(ROOT / "tests/restore/test_random_tables.py")
SKIPPED = ("webstatus/static/vendor/", "/__pycache__/", "/README.md")
FOLDERS = (
    "playbooks",
    "scripts",
    "docs",
    "inventories",
    "requirements",
    "tests",
    "webstatus",
    "roles",
    "plugins",
    "env",
)
# Folders of the reader, and files that the product creates.
MADE_BY_THE_READER = (
    "inventories/yours",
    "inventories/seu",
    "env/passwords",
    "env/cmdline",
    "env/ssh_key",
    "env/extravars",
)
# Names of other products: Ansible, AWX, ansible-runner, MyDumper, MySQL, S3, nginx, Apache.
FOREIGN = set(
    """ansible_host ansible_connection ansible_become ansible_become_user ansible_python_interpreter ansible_ssh_retries
    async_status set_stats host_pinned module_utils plugin_utils additional_build_steps private_data_dir known_hosts
    group_vars runner_on_unreachable ssl_cert ssl_key upload_file check_constraint_checks mysql_tzinfo_to_sql
    NoncurrentVersionExpiration MySQL MyDumper MariaDB CONTROLLER_OAUTH_TOKEN CONTROLLER_HOST
    ANSIBLE_HOST_KEY_CHECKING CRON_TZ mod_proxy_http mod_headers""".split()
)

FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\(\s*([^)\s]+)\s*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PATH = re.compile(rf"(?<![\w./@-])(?:collections/ansible_collections/vex/backup/)?(?:{'|'.join(FOLDERS)})/[\w./*-]*\w")
VARIABLE = re.compile(r"(?<![\w-])vex_backup_\w*\w(?![\w*…]|_\*)")
SETTING = re.compile(r"(?<!\w)VEX_[A-Z_]*[A-Z]\b(?!_)")
PLUGIN = re.compile(r"(?<![\w./-])vex\.backup\.(\w+)")
TARGET = re.compile(r"(?<![\w-])make ([a-z][\w-]*)")
COMMAND = re.compile(r"(?<![\w/.-])(?:[\w./-]*/)?(vex-backup|vex-webstatus)((?: +[\w.'\"/:\[-]+)*)")
TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|(?:[A-Z][a-z]+){2,}")


class Missing(NamedTuple):
    """A name in a document that nothing in the code has."""

    kind: str
    name: str


def missing(document: Path) -> list[Missing]:
    """Return the names in *document* that the code does not have."""
    text = document.read_text(encoding="utf-8")
    return [*_missing_links(document, text), *missing_names(text)]


def missing_names(text: str) -> list[Missing]:
    """Return the names in the code spans and code blocks of *text* that the code does not have."""
    spans = list(_spans(text))
    code = "\n".join(spans + FENCE.findall(text))
    found = [Missing("path", path) for path in PATH.findall(code) if not _exists(path)]
    found += [Missing("variable", name) for name in VARIABLE.findall(code) if name not in words()]
    found += [Missing("setting", name) for name in SETTING.findall(code) if not _is_setting(name)]
    found += [Missing("plugin or role", name) for name in PLUGIN.findall(code) if not _is_plugin(name)]
    found += [Missing("make target", name) for name in TARGET.findall(code) if name not in _targets()]
    for program, arguments in COMMAND.findall(code):
        found += [Missing(program, name) for name in _unknown_arguments(program, arguments)]
    found += [Missing("test", "::".join(test)) for test in TEST.findall(code) if not _is_test(*test)]
    for span in spans:
        if IDENTIFIER.fullmatch(span) and span not in words() and span not in FOREIGN:
            found.append(Missing("identifier", span))
    return found


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub and MyST make them."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@functools.cache
def words() -> set[str]:
    """Return every word in the code."""
    found: set[str] = set()
    for path in _code_files():
        found.update(WORD.findall(path.read_text(encoding="utf-8", errors="replace")))
    return found


def _code_files() -> Iterator[Path]:
    yield from CODE_FILES
    for folder in CODE:
        for path in folder.rglob("*"):
            name = path.as_posix()
            if path.is_file() and not any(part in name for part in SKIPPED):
                yield path


def _spans(text: str) -> Iterator[str]:
    for _ticks, span in SPAN.findall(FENCE.sub("", text)):
        yield " ".join(span.split())


def _missing_links(document: Path, text: str) -> Iterator[Missing]:
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        if not path.exists():
            yield Missing("link", target)
        elif anchor and anchor not in anchors(path.read_text(encoding="utf-8")):
            yield Missing("anchor", target)


def _exists(path: str) -> bool:
    if path.startswith(MADE_BY_THE_READER):
        return True
    return any(any(True for _ in base.glob(path)) for base in (ROOT, COLLECTION))


def _is_setting(name: str) -> bool:
    if name.startswith(PREFIX):
        return name == FILE_VARIABLE or name.removeprefix(PREFIX).lower() in Settings.model_fields
    return name in words() or name == PREFIX.rstrip("_")


def _is_plugin(name: str) -> bool:
    plugins = (COLLECTION / "plugins" / kind / f"{name}.py" for kind in ("modules", "filter", "callback"))
    return any(path.exists() for path in plugins) or (COLLECTION / "roles" / name).is_dir()


def _is_test(path: str, name: str) -> bool:
    file = ROOT / path
    return file.exists() and f"\ndef {name}(" in file.read_text(encoding="utf-8")


@functools.cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _unknown_arguments(program: str, arguments: str) -> list[str]:
    """Return the command and the options in *arguments* that *program* does not have."""
    given = arguments.replace("[", " ").split()
    named = [word for word in given if re.fullmatch("[a-z][a-z-]+", word)]
    command = next((word for word in named if word in COMMANDS[program]), None)
    if named and command is None:
        return named[:1]
    known = _help(program) + (_help(program, command) if command else "")
    options = [word for word in given if word.startswith("--")]
    return [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", known)]


@functools.cache
def _help(program: str, *command: str) -> str:
    return host_help(*command) if program == "vex-backup" else web_help(*command)
