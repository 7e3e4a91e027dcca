"""Check which part of the product imports which: the layers of module_utils, its modules, and the web app."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

COLLECTION = "ansible_collections.vex.backup"
PLUGINS = f"{COLLECTION}.plugins"
UTILS = f"{PLUGINS}.module_utils"
MODULES = f"{PLUGINS}.modules"
# The layers of module_utils, the lowest first. A layer imports only itself and those before it.
LAYERS = (
    *("_errors", "_common", "_mysql", "_tools", "_log_db", "_notify", "_hooks", "_dump", "_alarm", "_archive"),
    *("_store", "_repository", "_restore", "_verify", "_arguments"),
)


class Source(NamedTuple):
    """A Python file: its ``path``, which messages name, its dotted ``module`` name, and its ``text``."""

    path: str
    module: str
    text: str


def sources(root: Path, package: str) -> list[Source]:
    """Read every Python file below *root*/*package*, where *package* is a path such as ``collections/vex``.

    The dotted name begins at *root*.
    """
    files = sorted((root / package).rglob("*.py"))
    names = [path.relative_to(root).with_suffix("") for path in files]
    return [
        Source(str(path.relative_to(root)), ".".join(name.parts).removesuffix(".__init__"), path.read_text("utf-8"))
        for path, name in zip(files, names, strict=True)
    ]


def imports_of(source: Source) -> Iterator[str]:
    """Yield the absolute dotted name of everything that a file imports, imports inside functions included.

    ``from a import b`` yields ``a.b``, because ``b`` may be a module.
    """
    # Of an __init__.py, the package is the module itself.
    is_package = source.path.endswith("__init__.py")
    package = source.module.split(".") if is_package else source.module.split(".")[:-1]
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def wrong_imports(source: Source) -> list[str]:
    """Return one message for each import of a file that its place in the product forbids."""
    found = [(name, _reason(source.module, name)) for name in imports_of(source)]
    return [f"{source.path} imports {name}: {reason}" for name, reason in found if reason]


def extra_functions(source: Source) -> list[str]:
    """Return one message for each function or class of an Ansible module besides ``main``."""
    if not _is_in(source.module, MODULES):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [node.name for node in ast.walk(ast.parse(source.text)) if isinstance(node, kinds)]
    return [f"{source.path} defines {name}: a module has only main()" for name in names if name != "main"]


def _reason(importer: str, imported: str) -> str:
    """Return why *importer* must not import *imported*; empty when it may."""
    if _is_in(importer, COLLECTION):
        if _is_in(imported, "webstatus"):
            return "the collection knows nothing of the web app"
        if not _is_in(imported, COLLECTION):
            return ""
    if _is_in(importer, "webstatus"):
        return "the web app never imports the collection" if _is_in(imported, COLLECTION) else ""
    if _is_in(importer, MODULES) and not _is_in(imported, UTILS):
        return "a module imports only module_utils"
    if _is_in(importer, UTILS):
        return _reason_between_layers(importer, imported)
    return ""


def _reason_between_layers(importer: str, imported: str) -> str:
    if not _is_in(imported, UTILS):
        return "module_utils imports only module_utils"
    here, there = _layer(importer), _layer(imported)
    unknown = [layer for layer in (here, there) if layer not in LAYERS]
    if unknown:
        return f"module_utils has no layer {unknown[0]!r} (LAYERS in {Path(__file__).name})"
    if LAYERS.index(there) > LAYERS.index(here):
        return f"{here} is below {there}"
    return ""


def _layer(module: str) -> str:
    return module.removeprefix(f"{UTILS}.").split(".")[0]


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
