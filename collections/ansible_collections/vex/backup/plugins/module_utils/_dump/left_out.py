# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sentences on what a dump leaves out, and marks of the views that cannot be used without it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import VIEW, Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quoted
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import SEQUENCE

LEFT_OUT = "it uses a table that is not in the dump"
# A table in the text of a view, as servers write it: after FROM or JOIN, with its database if that is another one.
_TABLE = re.compile(rb"\b(?:from|join) \(*((?:`(?:[^`]|``)+`\.)?`(?:[^`]|``)+`)", re.IGNORECASE)


def describe_left_out(databases: t.Sequence[DatabasePlan], most: t.Optional[int] = None) -> t.List[str]:
    """Return a sentence for each kind of objects that a dump leaves out, with the option that does it.

    :param most: the number of names that a sentence shows, ``None`` for all
    """
    excluded = [f"{one.name}.{name}" for one in databases for name in one.left_out]
    tables = [(f"{one.name}.{plan.table.name}", plan) for one in databases for plan in one.tables]
    schema_only = [name for name, plan in tables if plan.schema_only]
    elsewhere = [name for name, plan in tables if plan.table.kind != SEQUENCE and not plan.table.has_own_rows]
    return [
        f"{text}: {', '.join(names[:most])}{_more(len(names), most)}"
        for text, names in (
            ("left out by exclude_tables", excluded),
            ("without rows by schema_only_tables", schema_only),
            ("without rows, which their engines keep elsewhere", elsewhere),
        )
        if names
    ]


def _more(count: int, most: t.Optional[int]) -> str:
    return f" and {count - most} more" if most is not None and count > most else ""


def describe_broken(one: DatabasePlan, *, is_lost: bool) -> t.List[str]:
    """Return a sentence for each table that cannot be read; for those with rows of their own, or the others."""
    return [
        f"{one.name}.{name} is not in the dump, because it cannot be read: {broken.reason}. Repair, exclude or drop it"
        for name, broken in one.broken.items()
        if broken.is_lost == is_lost
    ]


def mark_views(databases: t.Sequence[DatabaseDump]) -> t.List[DatabaseDump]:
    """Return the databases with those views marked as unusable that need an absent table, also by other views."""
    gone = {(one.plan.name, name) for one in databases for name in (*one.plan.left_out, *one.plan.broken)}
    count = -1
    while count < len(gone):
        count = len(gone)
        gone |= {
            (one.plan.name, view.name)
            for one in databases
            for view in one.definitions
            if view.kind == VIEW and _uses_any(view, one.plan.name, gone)
        }
    return [
        dataclasses.replace(
            one, definitions=[_marked(definition, one.plan.name, gone) for definition in one.definitions]
        )
        for one in databases
    ]


def _uses_any(view: Definition, database: str, gone: t.AbstractSet[t.Tuple[str, str]]) -> bool:
    found = set(_TABLE.findall(view.texts[0].partition(b" AS ")[2]))
    names = {b"%s.%s" % (quoted(other), quoted(name)) for other, name in gone}
    names |= {quoted(name) for other, name in gone if other == database}
    return not found.isdisjoint(names)


def _marked(definition: Definition, database: str, gone: t.AbstractSet[t.Tuple[str, str]]) -> Definition:
    if definition.kind != VIEW or definition.unusable or (database, definition.name) not in gone:
        return definition
    return definition._replace(unusable=LEFT_OUT)
