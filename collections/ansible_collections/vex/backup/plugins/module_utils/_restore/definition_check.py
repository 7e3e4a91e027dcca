# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The comparison of restored definitions with those of the dumped server, by their digests."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import (
    DATABASE,
    EVENT,
    TABLE,
    TRIGGER,
    VIEW,
    DefinitionReader,
    digest,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import label_of
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import shortened
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target

# Their texts name the database where the server, or who made them, wrote its name.
_WITH_NAME = (VIEW, TRIGGER, EVENT)


class DefinitionCheck(t.NamedTuple):
    """The number of compared definitions, a sentence for each difference and each warning."""

    compared: int
    differences: t.Sequence[str]
    warnings: t.Sequence[str]


def compare_definitions(target: Target, plan: RestorePlan, failed: t.AbstractSet[str]) -> DefinitionCheck:
    """Compare the definition of each restored object that the server has.

    :param failed: the labels of objects whose failure is known already

    Another product or version may show the same object in other words: then a difference is a warning.
    """
    digests: t.Dict[str, t.Tuple[str, t.Optional[str]]] = {}
    hidden: t.List[str] = []
    for one in plan.databases:
        with contextlib.closing(target.connect(raw=True)) as connection:
            reader = DefinitionReader(connection, one.target)
            for kind, name in _comparable(one):
                target.deadline.check()
                label = label_of(one, kind, name)
                if label in failed:
                    continue
                try:
                    digests[label] = one.digests[kind, name], _digest(reader, one, kind, name)
                except DumpFailed:
                    hidden.append(label)
    warnings = []
    if hidden:
        warnings.append(f"the account must not see the text of {shortened(hidden)}, so it was not compared")
    different = [label for label, (expected, found) in digests.items() if found not in (None, expected)]
    if different and not _shows_the_same(target, plan):
        warnings.append(
            f"the definitions of {shortened(different)} differ from the dumped ones; {plan.source.version} was dumped, "
            f"and {target.server.version} may show them in other words"
        )
        different = []
    return DefinitionCheck(len(digests), [f"{label} has another definition" for label in different], warnings)


def _comparable(one: DatabaseRestore) -> t.Iterator[t.Tuple[str, str]]:
    """Return kind and name of the definitions to compare."""
    for kind, name in one.digests:
        # The server may have had the database before, and keeps its own definition then.
        is_kept = kind == DATABASE or (one.is_renamed and kind in _WITH_NAME)
        if not is_kept and (one.table is None or (kind, name) == (TABLE, one.table)):
            yield kind, name


def _digest(reader: DefinitionReader, one: DatabaseRestore, kind: str, name: str) -> t.Optional[str]:
    """Return the digest of a restored object, ``None`` when it is missing, which is a difference already."""
    found = reader.read(kind, name)
    return None if found is None else digest(found, one.target)


def _shows_the_same(target: Target, plan: RestorePlan) -> bool:
    """Return whether the servers are of one product and release series, and write names in the same way."""
    source, server = plan.source, target.server
    dumped = tuple(map(int, source.version.split("-")[0].split(".")[:2]))
    return (source.product, dumped, source.lower_case_table_names) == (
        server.product,
        server.numbers[:2],
        server.lower_case_table_names,
    )
