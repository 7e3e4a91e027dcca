"""Write the parts of the reference that the code knows best: settings, routes, metrics, commands and errors.

Usage: python -m scripts.reference DIRECTORY. Each part is a Markdown file, which a page under docs/reference includes.
"""

from __future__ import annotations

import ast
import contextlib
import datetime
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from pydantic_core import PydanticUndefined
from starlette.routing import Route

from ansible_collections.vex.backup.roles.host.files.vex_backup_host import cli as host_cli
from ansible_collections.vex.backup.roles.host.files.vex_backup_host import places
from tests.catalogue import outcomes
from tests.catalogue.databases import CHARACTER_SETS, COLLATIONS, GROUPS
from tests.catalogue.named import NAMED
from tests.faults import outcomes as fault_outcomes
from webstatus import cli as web_cli
from webstatus.access import ACCESS
from webstatus.app import ROUTES
from webstatus.settings import Settings
from webstatus.views.machines import Fleet

COLLECTION = Path(__file__).parent.parent / "collections/ansible_collections/vex/backup"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def default_of(field: Any) -> str:
    """Return a setting's default as Markdown: ``required``, ``none`` or the value."""
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if value is None or value in ("", []):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def settings() -> str:
    """Describe every setting of the web app."""
    return table(
        ("Setting", "Default", "Meaning"),
        ((f"`{name}`", default_of(field), field.description or "") for name, field in Settings.model_fields.items()),
    )


def routes() -> str:
    """Describe every address of the web app and who may use it."""
    return table(
        ("Address", "Methods", "Name", "Access"),
        (
            (
                f"`{re.sub(r':[a-z]+}', '}', route.path)}`",
                ", ".join(sorted((route.methods or set()) - {"HEAD"})),
                f"`{route.name}`",
                ACCESS[route.name].value,
            )
            for route in ROUTES
            if isinstance(route, Route)
        ),
    )


def metrics() -> str:
    """Describe every metric of the web app."""
    families = Fleet([], datetime.datetime(2026, 1, 1), {}).collect()  # the values do not matter
    return table(("Metric", "Type", "Meaning"), ((f"`{one.name}`", one.type, one.documentation) for one in families))


def errors() -> str:
    """Describe every named failure of the collection's modules, as `plugins/module_utils/_errors.py` declares them."""
    tree = ast.parse((COLLECTION / "plugins/module_utils/_errors.py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name != "BackupError"]
    return table(
        ("Error", "Meaning"),
        ((f"`{one.name}`", (ast.get_docstring(one) or "").split("\n\n")[0].replace("\n", " ")) for one in classes),
    )


def contents() -> str:
    """List what the tests' catalogue holds, with the outcome of backup and restore for each server and MyDumper."""
    known = outcomes.recorded()
    stacks = sorted({stack for found in known.values() for stack in found})
    groups = {group: [one.name for one in listed] for group, listed in GROUPS.items()}
    groups["Types"] += [CHARACTER_SETS, COLLATIONS]
    groups["Contents that are named"] = [one.name for one in NAMED]
    head = ("Content", *(stack.replace(", ", ",<br>") for stack in stacks))
    return "\n".join(
        f"## {group}\n\n{table(head, ((name, *_outcomes(known[name], stacks)) for name in names))}"
        for group, names in groups.items()
    )


def faults() -> str:
    """List the faults of the suite, what is expected of a run with each, what was seen, and what it says."""
    head = ("Fault", "Expected", "Seen", "The message says")
    return "\n".join(f"## {group}\n\n{table(head, listed)}" for group, listed in fault_outcomes.rows())


def _outcomes(found: dict[str, str], stacks: list[str]) -> list[str]:
    shown = {outcomes.BY_MYDUMPER: "exact", outcomes.BY_CLIENT: "exact, by the client"}
    return [shown.get(found[stack], found[stack]) if stack in found else "" for stack in stacks]


def help_of(command: Callable[[list[str]], int], arguments: list[str]) -> str:
    """Return what *command* prints for ``--help`` after *arguments*."""
    output = io.StringIO()
    width = mock.patch.dict(os.environ, {"COLUMNS": "100"})
    with width, contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        command([*arguments, "--help"])
    return output.getvalue()


def host_help(*arguments: str) -> str:
    """Return the help of ``vex-backup`` or of one of its commands."""
    version = yaml.safe_load((COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    with tempfile.TemporaryDirectory() as release:
        manifest = Path(release) / places.COLLECTION / "MANIFEST.json"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(json.dumps({"collection_info": {"version": version}}))
        return help_of(lambda given: host_cli.main(release, given), list(arguments))


def web_help(*arguments: str) -> str:
    """Return the help of ``vex-webstatus`` or of one of its commands."""
    return help_of(web_cli.main, list(arguments))


def web_commands() -> list[str]:
    """Return the commands of ``vex-webstatus``."""
    listed = re.search(r"\{([\w,-]+)\}", web_help())
    return listed[1].split(",") if listed else []


def _command(program: str, commands: Iterable[str], described: Callable[..., str]) -> str:
    parts = [f"## `{program}`\n\n```text\n{described()}```\n"]
    parts += [f"## `{program} {name}`\n\n```text\n{described(name)}```\n" for name in commands]
    return "\n".join(parts)


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "routes": routes,
    "metrics": metrics,
    "errors": errors,
    "contents": contents,
    "faults": faults,
    "vex-backup": lambda: _command("vex-backup", host_cli.ACTIONS, host_help),
    "vex-webstatus": lambda: _command("vex-webstatus", web_commands(), web_help),
}


def main(directory: Path) -> None:
    """Write every part into *directory*, as ``<part>.md``."""
    for name, part in PARTS.items():
        (directory / f"{name}.md").write_text(part(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
