# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The decision which sizes of a backup are alarming, from the sizes of the last backups of its server."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.table_filter import TableFilter
from ansible_collections.vex.backup.plugins.module_utils._log_db.size_history import PastBackup
from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import Size, Sizes

# A server, a database and a vanished table have no alarm unless this many of the last backups have them.
LEAST_BACKUPS = 5
# Fewer rows, and fewer bytes of a dump, change by large fractions every day.
SMALL_ROWS = 100
SMALL_BYTES = 1_000_000


class Settings(t.NamedTuple):
    """The choice of what is alarming.

    ``drop_percent``: a table may lose this part of its rows. ``silenced``: tables without alarms; the configuration
    leaves them out of the backup, or a person has silenced them. ``databases`` and ``exclude_databases``: the choice of
    databases, as in the options of ``mysql_dump``.
    """

    drop_percent: int
    silenced: TableFilter
    databases: t.Sequence[str] = ()
    exclude_databases: t.Sequence[str] = ()


def find_alarms(history: t.Sequence[PastBackup], sizes: Sizes, settings: Settings) -> t.List[str]:
    """Return a sentence for each alarming size of a backup, the gravest first.

    :param history: the last complete backups of the server, newest first
    :param sizes: of this backup
    """
    if len(history) < LEAST_BACKUPS:
        return []
    earlier = [one._replace(sizes=_audible(one.sizes, settings.silenced)) for one in history]
    comparison = _Comparison(earlier, _audible(sizes, settings.silenced), settings)
    return [
        *comparison.vanished_databases(),
        *comparison.dump_size(),
        *comparison.vanished_tables(),
        *comparison.shrunk_tables(),
    ]


@dataclasses.dataclass(frozen=True)
class _Comparison:
    """The comparison of a backup with the last ones, newest first, all without the silenced tables."""

    history: t.Sequence[PastBackup]
    sizes: Sizes
    settings: Settings

    def vanished_databases(self) -> t.Iterator[str]:
        """Return a sentence for each database that is not in the backup any more."""
        excluded = {name.lower() for name in self.settings.exclude_databases}
        gone = {name for one in self.history for name in one.sizes} - set(self.sizes)
        # A database that was chosen by name and does not exist makes the dump fail.
        for database in () if self.settings.databases else sorted(gone):
            having = self._having(database)
            tables = having[0].sizes[database]
            if tables and database.lower() not in excluded and len(having) >= LEAST_BACKUPS:
                rows = sum(size.rows or 0 for size in tables.values())
                yield (
                    f"database {database} is no longer in the backup; the newest one with it is {having[0].name}: "
                    f"{len(tables)} tables, {rows} rows"
                )

    def dump_size(self) -> t.Iterator[str]:
        """Return a sentence when this dump is half or twice as large as usual, as far as it can be compared."""
        databases = [name for name in self.sizes if len(self._having(name)) >= LEAST_BACKUPS]
        compared = [one.sizes for one in self.history if set(databases) <= set(one.sizes)]
        # The configuration decides about the rows of these tables, or decided for one of the backups.
        uncounted = {
            (database, name)
            for one in (self.sizes, *compared)
            for database in databases
            for name, size in one[database].items()
            if size.rows is None
        }
        if not databases or len(compared) < LEAST_BACKUPS:
            return
        now, *earlier = (_bytes(one, databases, uncounted) for one in (self.sizes, *compared))
        usual = int(statistics.median(earlier))
        if max(now, usual) >= SMALL_BYTES and not usual < 2 * now < 4 * usual:
            yield (
                f"the dump has {'at most half' if now < usual else 'at least twice'} its usual size: the compared "
                f"tables have {now} bytes, and the median of the last {len(compared)} backups is {usual} bytes"
            )

    def vanished_tables(self) -> t.List[str]:
        """Return a sentence for each table that is not in the backup any more, while its database is."""
        found = []
        for database, tables in self.sizes.items():
            having = self._having(database)
            for name in {name for one in having for name in one.sizes[database]} - set(tables):
                with_it = [one for one in having if name in one.sizes[database]]
                if len(with_it) >= LEAST_BACKUPS:
                    rows = with_it[0].sizes[database][name].rows or 0
                    found.append((-rows, database, name, self._vanished(database, name, with_it[0])))
        return [sentence for *_order, sentence in sorted(found)]

    def shrunk_tables(self) -> t.List[str]:
        """Return a sentence for each table that has lost too many of its rows."""
        found = []
        for database, tables in self.sizes.items():
            having = [one.sizes[database] for one in self._having(database)]
            for name, size in tables.items():
                # A table that was not there yet had no rows.
                earlier = [one.get(name, Size(0, 0)) for one in having]
                lost = _loss(size, earlier, self.settings.drop_percent)
                if lost:
                    found.append((-lost.rows, database, name, f"table {database}.{name} has lost {lost.text}"))
        return [sentence for *_order, sentence in sorted(found)]

    def _vanished(self, database: str, name: str, newest: PastBackup) -> str:
        """Return the sentence on a vanished table, with a new one of about as many rows, which may be the same."""
        tables, rows = newest.sizes[database], newest.sizes[database][name].rows
        text = f"table {database}.{name} is no longer in the backup; the newest one with it is {newest.name}"
        if not rows:
            return text if rows is None else f"{text}: empty"
        alike = [
            (abs(size.rows - rows), other)
            for other, size in self.sizes[database].items()
            if other not in tables
            and size.rows is not None
            and abs(size.rows - rows) * 100 <= rows * self.settings.drop_percent
        ]
        renamed = f"; {database}.{min(alike)[1]} is new, with about as many: a new name?" if alike else ""
        return f"{text}: {rows} rows{renamed}"

    def _having(self, database: str) -> t.List[PastBackup]:
        """Return the last backups that have a database."""
        return [one for one in self.history if database in one.sizes]


class _Loss(t.NamedTuple):
    """The loss of a table: its rows, and the end of a sentence on it."""

    rows: float
    text: str


def _loss(now: Size, earlier: t.Sequence[Size], drop_percent: int) -> t.Optional[_Loss]:
    """Return the loss of a table whose size was *earlier*; ``None`` for one that frightens nobody."""
    counts = [size.rows for size in earlier if size.rows is not None]
    if now.rows is None or len(counts) < LEAST_BACKUPS:
        return None
    usual = statistics.median(counts)
    if usual < SMALL_ROWS or now.rows * 100 >= usual * (100 - drop_percent):
        return None
    usual_bytes = int(statistics.median(size.bytes for size in earlier if size.rows is not None))
    return _Loss(
        usual - now.rows,
        f"{int((usual - now.rows) * 100 / usual)} % of its rows: it has {now.rows} ({now.bytes} bytes), and the median "
        f"of the last {len(counts)} backups is {int(usual)} ({usual_bytes} bytes)",
    )


def _audible(sizes: Sizes, silenced: TableFilter) -> Sizes:
    """Return sizes without the silenced tables."""
    left_out = {database: set(silenced.chosen(database, tables)) for database, tables in sizes.items()}
    return {
        database: {name: size for name, size in tables.items() if name not in left_out[database]}
        for database, tables in sizes.items()
    }


def _bytes(sizes: Sizes, databases: t.Iterable[str], left_out: t.Container[t.Tuple[str, str]]) -> int:
    """Return the bytes of the tables of some databases together."""
    return sum(
        size.bytes
        for database in databases
        for name, size in sizes[database].items()
        if (database, name) not in left_out
    )
