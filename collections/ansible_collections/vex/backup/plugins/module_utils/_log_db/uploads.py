# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The uploads that the log tables know, for retention and audit."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.status import SUCCESS
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import commit

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class Uploaded(t.NamedTuple):
    """An upload in the log tables; ``status`` is the value of ``status_upload``."""

    run_uuid: str
    sha256: t.Optional[str]
    status: int
    removed: bool


def uploads_to(connection: Connection[Cursor], destination: str, bucket: str, prefix: str) -> t.Dict[str, Uploaded]:
    """Return the uploads to a destination, into a bucket, whose keys start with *prefix*, by key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT caminho_arquivo, run_uuid, sha256, status_upload, removido_em IS NOT NULL"
            " FROM upload_s3_log u JOIN backup_log b ON b.id = u.backup_id"
            " WHERE destino = %s AND bucket = %s AND LEFT(caminho_arquivo, CHAR_LENGTH(%s)) = %s",
            (destination, bucket, prefix, prefix),
        )
        # The collation of the tables compares some different keys as equal.
        return {
            str(key): Uploaded(run, sha256, status, bool(removed))
            for key, run, sha256, status, removed in cursor.fetchall()
            if str(key).startswith(prefix)
        }


def mark_removed(connection: Connection[Cursor], run_uuid: str, destination: str, key: str, moment: str) -> None:
    """Record that the archive of a run was removed from a destination, and commit; a run without a row gets none.

    :param key: the archive's key; the row of an upload to another key is left alone
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE upload_s3_log u JOIN backup_log b ON b.id = u.backup_id SET u.removido_em = %s"
            " WHERE b.run_uuid = %s AND u.destino = %s AND u.caminho_arquivo = %s AND u.removido_em IS NULL",
            (moment, run_uuid, destination, key),
        )
    commit(connection)


class Copied(t.NamedTuple):
    """The copy of an archive at a destination; ``size`` is in bytes."""

    destination: str
    type: str
    bucket: str
    key: str
    sha256: str
    size: int


def record_copy(connection: Connection[Cursor], run_uuid: str, copied: Copied, times: t.Tuple[str, str]) -> bool:
    """Record that a destination has the archive of a run, and commit.

    :param times: start and end of the upload, UTC
    :returns: whether the log tables know the run
    """
    columns = {
        "destino": copied.destination,
        "tipo_destino": copied.type,
        "nome_arquivo": copied.key.rpartition("/")[2],
        "tamanho_arquivo": f"{copied.size / 1e6:.2f}",
        "caminho_arquivo": copied.key,
        "bucket": copied.bucket,
        "sha256": copied.sha256,
        "status_upload": SUCCESS,
        "observacao": "[INFO] copied from another destination",
        "data_inicio": times[0],
        "data_encerramento": times[1],
        "removido_em": None,
    }
    marks, changes = ", ".join(["%s"] * len(columns)), ", ".join(f"{name} = %s" for name in columns)
    values = tuple(columns.values())
    with connection.cursor() as cursor:
        found = cursor.execute("SELECT id FROM backup_log WHERE run_uuid = %s", (run_uuid,))
        if found:
            (identity,) = t.cast("t.Tuple[int]", cursor.fetchone())
            cursor.execute(
                f"INSERT INTO upload_s3_log (backup_id, {', '.join(columns)}) VALUES (%s, {marks})"
                f" ON DUPLICATE KEY UPDATE {changes}",
                (identity, *values, *values),
            )
    commit(connection)
    return bool(found)
