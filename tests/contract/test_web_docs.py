"""The reference documents exactly the settings and the routes of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined
from starlette.routing import Route

from webstatus.access import ACCESS
from webstatus.app import ROUTES
from webstatus.settings import Settings

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def rows(name: str) -> list[tuple[str, ...]]:
    """Return the cells of each row of a document's tables, without the headings."""
    lines = (REFERENCE / name).read_text(encoding="utf-8").splitlines()
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("|")]
    return [row for row in cells if row[0].startswith("`")]


def default_of(field: Any) -> str:
    """Return a setting's default as the document writes it."""
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if value is None or value in ("", []):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_every_setting_is_in_the_reference() -> None:
    found = {row[0].strip("`"): (row[1], row[2]) for row in rows("webstatus-settings.md")}
    assert found == {name: (default_of(field), field.description) for name, field in Settings.model_fields.items()}


def test_every_route_is_in_the_reference() -> None:
    found = {(row[0].strip("`"), row[1], row[2].strip("`"), row[3]) for row in rows("webstatus-routes.md")}
    expected = set()
    for route in ROUTES:
        if isinstance(route, Route):
            methods = ", ".join(sorted((route.methods or set()) - {"HEAD"}))
            path = re.sub(r":\w+}", "}", route.path)
            expected.add((path, methods, route.name, ACCESS[route.name].value))
    assert found == expected
