"""scripts/sizes.py refuses files, functions and docstrings that break the house's rules."""

from __future__ import annotations

import pytest

from scripts.sizes import CLAUSE_WORDS, FILE_LINES, FUNCTION_LINES, findings, tracked_files


def function(lines: int, indent: str = "") -> str:
    """Return a function of that many lines, its docstring among them."""
    body = [f'{indent}    """Return nothing."""', *[f"{indent}    value = 1"] * (lines - 2)]
    return "\n".join([f"{indent}def made_up():", *body, ""])


def test_a_file_may_be_as_long_as_the_bound() -> None:
    assert list(findings("a.py", "x = 1\n" * FILE_LINES)) == []
    (message,) = findings("a.py", "x = 1\n" * (FILE_LINES + 1))
    assert message == "a.py:1: 401 lines; a file has at most 400"


@pytest.mark.parametrize("prefix", ["", "@decorated\n", "async "])
def test_a_function_may_be_as_long_as_the_bound(prefix: str) -> None:
    assert list(findings("a.py", prefix + function(FUNCTION_LINES))) == []
    (message,) = findings("a.py", prefix + function(FUNCTION_LINES + 1))
    assert message.endswith("made_up has 61 lines; a function has at most 60")


def test_methods_and_nested_functions_are_measured() -> None:
    text = "class A:\n    def method(self):\n" + function(FUNCTION_LINES + 1, "        ")
    assert [message.partition(":")[2] for message in findings("a.py", text)] == [
        "2: method has 62 lines; a function has at most 60",
        "3: made_up has 61 lines; a function has at most 60",
    ]


@pytest.mark.parametrize("word", sorted(CLAUSE_WORDS))
@pytest.mark.parametrize("form", ['"""{}, it is."""', 'def f():\n    """{} it is."""', 'class A:\n    """{} it is."""'])
def test_a_docstring_does_not_begin_with_a_clause(word: str, form: str) -> None:
    (message,) = findings("a.py", form.format(word.capitalize()))
    assert f"begins with {word.capitalize()!r}" in message


@pytest.mark.parametrize("first", ["Return what is left.", "Whatever is left.", "``which`` is a program.", "Bean."])
def test_other_docstrings_are_left_alone(first: str) -> None:
    assert list(findings("a.py", f'def f():\n    """{first}"""\n')) == []


def test_every_part_of_the_repository_is_read() -> None:
    tops = {path.split("/")[0] for path in tracked_files()}
    assert {"collections", "scripts", "tests", "webstatus"} <= tops
