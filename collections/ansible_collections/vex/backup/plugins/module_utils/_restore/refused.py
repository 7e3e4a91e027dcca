# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that cannot hold a backup: what its objects need, by the manifest, and what the server offers.

A view or a stored program that the server refuses costs that object. A table that it refuses would cost data, so the
restore does not begin.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import TargetUnfit
from ansible_collections.vex.backup.plugins.module_utils._mysql import needs
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import DATABASE, SEQUENCE, TABLE, VIEW
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import MOST_PACKET_BYTES, PACKET, packet_for
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import keeps_rows
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import label_of
from ansible_collections.vex.backup.plugins.module_utils._restore.offer import Offer, read_offer
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import shortened

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# Of the products, only MariaDB has these.
_MARIADB_KINDS = (SEQUENCE, "PACKAGE", "PACKAGE BODY")
# Labels of objects by the reason against them.
_Reasons = t.Dict[str, t.List[str]]


def refuse_unfit(
    connection: Connection[Cursor], server: Server, plan: RestorePlan, *, except_for: t.Container[str] = ()
) -> None:
    """Refuse a server that cannot hold all of the backup's tables.

    :param except_for: needs that the restore itself sees to
    :raises TargetUnfit: naming each reason, its objects and its remedy; nothing was changed
    """
    offer = read_offer(connection, server)
    reasons: _Reasons = {}
    for one, kind, name in _objects(plan):
        for reason in _reasons(offer, one.needs_of(kind, name), kind, except_for):
            reasons.setdefault(reason, []).append(_label(one, kind, name))
    reasons.update({} if needs.PACKET in except_for else _long_statements(offer, plan))
    reasons.update({reason: [] for reason in _of_server(offer)})
    reasons.update(_same_names(server, plan))
    if reasons:
        described = "; ".join(
            f"{reason} ({shortened(sorted(labels))})" if labels else reason for reason, labels in reasons.items()
        )
        raise TargetUnfit(
            f"{server.name} cannot hold the backup: {described}. Nothing was changed; change the server, or restore "
            "to another one, or other databases or tables of the backup"
        )


def _objects(plan: RestorePlan) -> t.Iterator[t.Tuple[DatabaseRestore, str, str]]:
    """Return the objects to restore by database, kind and name."""
    return ((one, kind, name) for one in plan.databases for kind, name in one.objects)


def _label(one: DatabaseRestore, kind: str, name: str) -> str:
    return f"database {one.target}" if kind == DATABASE else label_of(one, kind, name)


def _reasons(offer: Offer, wanted: needs.Needs, kind: str, except_for: t.Container[str]) -> t.Iterator[str]:
    """Return why a server cannot take an object."""
    if offer.server.product == "mysql" and kind in _MARIADB_KINDS:
        yield "it has no objects of this kind"
    for what, values in wanted.items():
        check = _CHECKS.get(what) if what not in except_for else None
        yield from filter(None, [check(offer, value) for value in values] if check else [])


def _of_server(offer: Offer) -> t.Iterator[str]:
    """Return why a server takes no data at all."""
    if offer.settings.get("innodb_read_only") == "ON":
        yield "its innodb_read_only is ON: start it without"
    yield from filter(None, [_setting(offer, "super_read_only", "ON", "OFF")])


def _long_statements(offer: Offer, plan: RestorePlan) -> _Reasons:
    """Return why a server does not take statements of the backup."""
    packet = int(offer.settings[PACKET])
    # No server takes a longer statement: such an object is named when it is loaded, and the rest is restored.
    longer = {
        _label(one, kind, name): needed
        for one, kind, name in _objects(plan)
        for needed in [packet_for(max(map(int, one.needs_of(kind, name)[needs.PACKET]), default=0))]
        if packet < needed <= MOST_PACKET_BYTES
    }
    if not longer:
        return {}
    most = max(longer.values())
    return {f"its {PACKET} is {packet} and must be {most}: SET GLOBAL {PACKET} = {most}": list(longer)}


def _same_names(server: Server, plan: RestorePlan) -> _Reasons:
    """Return why a server that does not tell capitals from small letters cannot take tables."""
    if not server.lower_case_table_names:
        return {}
    found: _Reasons = {}
    for one in plan.databases:
        found.setdefault(one.target.lower(), []).append(_label(one, DATABASE, one.name))
        # A view has the same names as tables.
        for kind, names in ((TABLE, one.tables), (VIEW, one.views)):
            for name in names:
                found.setdefault(f"{one.target}.{name}".lower(), []).append(_label(one, kind, name))
    same = [label for labels in found.values() if len(labels) > 1 for label in labels]
    reason = f"its lower_case_table_names is {server.lower_case_table_names}, so that these have the same name"
    return {reason: same} if same else {}


def _engine(offer: Offer, name: str) -> str:
    # A table of an engine that shows the rows of others costs no rows.
    if name.lower() not in offer.engines and keeps_rows("", name):
        return f"it has no engine {name}: install its plugin"
    if name.lower() in offer.disabled_engines:
        return f"its disabled_storage_engines names {name}: start it without"
    return ""


def _characters(offer: Offer, name: str) -> str:
    return "" if offer.knows_characters(name) else f"it has no collation {name}"


def _type(offer: Offer, name: str) -> str:
    return "" if name in offer.types else f"it has no type {name.upper()}"


def _partitions(offer: Offer, _value: str) -> str:
    return "" if offer.has_partitions else "it has no partitions: start it without skip_partition"


def _parser(offer: Offer, name: str) -> str:
    return "" if name.lower() in offer.parsers else f"it has no full-text parser {name}: install its plugin"


def _tablespace(offer: Offer, name: str) -> str:
    if offer.tablespaces is None or name in offer.tablespaces:
        return ""
    return f"it has no tablespace {name}: CREATE TABLESPACE {quote_identifier(name)}"


def _srid(offer: Offer, number: str) -> str:
    if offer.reference_systems is None or int(number) in offer.reference_systems:
        return ""
    return (
        f"it has no spatial reference system {number}: CREATE SPATIAL REFERENCE SYSTEM {number} as on the dumped server"
    )


def _encryption(offer: Offer, _value: str) -> str:
    return "it has no keys to encrypt tables: load its keyring or encryption plugin" if offer.lacks_encryption else ""


def _unencrypted(offer: Offer, _value: str) -> str:
    return _setting(offer, "innodb_encrypt_tables", "FORCE", "ON")


def _own_file(offer: Offer, _value: str) -> str:
    return _setting(offer, "innodb_file_per_table", "OFF", "ON")


def _compressed_rows(offer: Offer, _value: str) -> str:
    return _setting(offer, "innodb_read_only_compressed", "ON", "OFF")


def _keyless(offer: Offer, _value: str) -> str:
    return _setting(offer, "innodb_force_primary_key", "ON", "OFF")


def _row_format(offer: Offer, wanted: str) -> str:
    found = offer.settings.get("innodb_default_row_format", wanted)
    return "" if found == wanted else _setting(offer, "innodb_default_row_format", found, wanted)


def _history(offer: Offer, _value: str) -> str:
    if offer.server.product == "mysql":
        return "it keeps no history of rows"
    found = offer.settings.get("secure_timestamp")
    return f"its secure_timestamp is {found}: start it with NO" if found in ("YES", "REPLICATION") else ""


def _named_history(offer: Offer, _value: str) -> str:
    return _setting(offer, "mysql56_temporal_format", "OFF", "ON")


def _page(offer: Offer, size: str) -> str:
    found = int(offer.settings.get("innodb_page_size", size))
    return "" if found >= int(size) else f"its innodb_page_size is {found}, and keys or rows may need {size}"


def _setting(offer: Offer, name: str, wrong: str, right: str) -> str:
    return f"its {name} is {wrong}: SET GLOBAL {name} = {right}" if offer.settings.get(name) == wrong else ""


_CHECKS: t.Mapping[str, t.Callable[[Offer, str], str]] = {
    needs.ENGINE: _engine,
    needs.CHARACTERS: _characters,
    needs.TYPE: _type,
    needs.PARTITIONS: _partitions,
    needs.PARSER: _parser,
    needs.TABLESPACE: _tablespace,
    needs.SRID: _srid,
    needs.ENCRYPTION: _encryption,
    needs.UNENCRYPTED: _unencrypted,
    needs.OWN_FILE: _own_file,
    needs.COMPRESSED_ROWS: _compressed_rows,
    needs.KEYLESS: _keyless,
    needs.ROW_FORMAT: _row_format,
    needs.PAGE: _page,
    # The rows of a history come with their times.
    needs.HISTORY: _history,
    needs.NAMED_HISTORY: _named_history,
}
