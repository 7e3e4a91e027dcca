"""Refuse long files, long functions and docstrings that open with a clause, in the Python files that git knows.

Ruff checks parameters (PLR0913), nesting (PLR1702) and the imperative mood (D401). Run by scripts/lint.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
FUNCTION_LINES = 60
# Words that make a clause of a docstring's first line ("What is left ...") where a verb or a noun is wanted.
CLAUSE_WORDS = frozenset("what who whether that those which how where when why be".split())

Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    """Print every finding; return the exit status, 1 when there are any."""
    found = [message for path in tracked_files() for message in findings(path, (ROOT / path).read_text("utf-8"))]
    sys.stdout.writelines(f"{message}\n" for message in found)
    return 1 if found else 0


def tracked_files() -> list[str]:
    """Return the paths of the Python files that git tracks or would track, relative to the checkout."""
    # The checkout may be another user's, as it is in some containers.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run([*command, "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # A file that was deleted and not yet committed is still listed.
    return sorted(path for path in set(listed.split("\0")) if path and (ROOT / path).exists())


def findings(path: str, text: str) -> Iterator[str]:
    """Yield one message, ``path:line: text``, for each broken rule of a file."""
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield f"{path}:1: {lines} lines; a file has at most {FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, Definition):
            continue
        line, name = (1, "the file") if isinstance(node, ast.Module) else (node.lineno, node.name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or line) - line + 1
            if length > FUNCTION_LINES:
                yield f"{path}:{line}: {name} has {length} lines; a function has at most {FUNCTION_LINES}"
        word = _first_word(ast.get_docstring(node))
        if word.lower() in CLAUSE_WORDS:
            yield f"{path}:{line}: the docstring of {name} begins with {word!r}; begin with a verb or a noun"


def _first_word(docstring: str | None) -> str:
    word = (docstring or "").split(maxsplit=1)[:1]
    return "".join(word).rstrip(".,:;!?")


if __name__ == "__main__":
    sys.exit(main())
