"""The documentation of modules, plugins and roles: versions that exist, and examples that would run."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

COLLECTION = Path(__file__).parents[2] / "collections/ansible_collections/vex/backup"
VERSION = yaml.safe_load((COLLECTION / "galaxy.yml").read_text("utf-8"))["version"]
MODULES = sorted((COLLECTION / "plugins/modules").glob("*.py"))
KINDS = ("callback", "filter", "lookup")
PLUGINS = [path for kind in KINDS for path in sorted((COLLECTION / "plugins" / kind).glob("*.py"))]
SPECS = sorted(COLLECTION.glob("roles/*/meta/argument_specs.yml"))


def constant(path: Path, name: str) -> Any:
    """Return the YAML that a plugin, or the class of a documentation fragment, assigns to *name*."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no {name}")


def options_of(path: Path) -> dict[str, Any]:
    """Return the documented options of a module, those of its fragments included."""
    documentation = constant(path, "DOCUMENTATION")
    options = dict(documentation.get("options", {}))
    for fragment in documentation.get("extends_documentation_fragment", []):
        source = COLLECTION / "plugins/doc_fragments" / f"{fragment.removeprefix('vex.backup.')}.py"
        options |= constant(source, "DOCUMENTATION").get("options", {})
    return options


def versions(value: Any) -> Iterator[str]:
    """Yield every ``version_added`` of a piece of documentation."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "version_added":
                yield one
            else:
                yield from versions(one)
    elif isinstance(value, list):
        for one in value:
            yield from versions(one)


def tasks(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the tasks of an example, those in blocks included."""
    for one in value if isinstance(value, list) else []:
        yield one
        for part in ("block", "rescue", "always", "tasks"):
            yield from tasks(one.get(part))


def as_tuple(version: str) -> tuple[int, ...]:
    """Return a version in a form that can be compared."""
    return tuple(map(int, version.split(".")))


@pytest.mark.parametrize("path", [*MODULES, *PLUGINS, *SPECS], ids=lambda path: str(path.relative_to(COLLECTION)))
def test_versions_exist(path: Path) -> None:
    """Nothing was added in a version later than the collection's own."""
    described = [constant(path, "DOCUMENTATION")] if path.suffix == ".py" else list(entry_points(path).values())
    assert [one["version_added"] for one in described]
    assert [one for one in versions(described) if as_tuple(one) > as_tuple(VERSION)] == []


def entry_points(path: Path) -> dict[str, Any]:
    """Return a role's entry points by name."""
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))["argument_specs"]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_examples_are_complete(path: Path) -> None:
    """Each example of a module gives what its module requires, and nothing that it does not know."""
    found = list(tasks(constant(path, "EXAMPLES")))
    assert any(f"vex.backup.{path.stem}" in task for task in found)
    for task, module in itertools.product(found, MODULES):
        given = task.get(f"vex.backup.{module.stem}")
        if given is not None:
            options = options_of(module)
            required = {name for name, option in options.items() if option.get("required")}
            assert required - given.keys() == set(), task
            assert given.keys() - options.keys() == set(), task
