"""The mapped view of the SQL schema. ``roles/log_schema`` owns the schema; a test compares the two.

Attributes are English; the column names are the data dictionary's. Times are UTC without a zone, sizes are megabytes
(10^6 bytes), statuses are 0 running, 1 success, 2 warning, 3 error.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable
from typing import Annotated, Any

from sqlalchemy import JSON, ForeignKey, Index, MetaData, String, UniqueConstraint, text
from sqlalchemy.dialects.mysql import BIGINT, BOOLEAN, CHAR, DATETIME, DECIMAL, INTEGER, MEDIUMTEXT, TEXT, TINYINT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

BigInteger = Annotated[int, mapped_column(BIGINT(unsigned=True))]
UnsignedInteger = Annotated[int, mapped_column(INTEGER(unsigned=True))]
Status = Annotated[int, mapped_column(TINYINT, server_default=text("0"), index=True)]
Time = Annotated[datetime.datetime, mapped_column(DATETIME)]
Megabytes = Annotated[decimal.Decimal, mapped_column(DECIMAL(18, 2))]
LongText = Annotated[str, mapped_column(TEXT)]
Log = Annotated[str, mapped_column(MEDIUMTEXT)]
Text45 = Annotated[str, mapped_column(String(45))]
Text50 = Annotated[str, mapped_column(String(50))]
Text100 = Annotated[str, mapped_column(String(100))]
Text120 = Annotated[str, mapped_column(String(120))]
Text255 = Annotated[str, mapped_column(String(255))]
Hash = Annotated[str, mapped_column(CHAR(64))]


class Base(DeclarativeBase):
    """The columns of every table: its key, and the time when the row was made."""

    metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})

    id: Mapped[int] = mapped_column(BIGINT(unsigned=True), primary_key=True, autoincrement=True, sort_order=-1)
    created_at: Mapped[datetime.datetime] = mapped_column(
        "data_criacao", DATETIME, server_default=text("CURRENT_TIMESTAMP"), index=True, sort_order=1
    )


class SchemaVersion(Base):
    """A migration that was applied to the database."""

    __tablename__ = "versao_esquema"
    __table_args__ = (UniqueConstraint("numero", name="uq_versao_esquema_numero"),)

    number: Mapped[UnsignedInteger] = mapped_column("numero")
    name: Mapped[Text120] = mapped_column("nome")
    sha256: Mapped[Hash]
    applied_at: Mapped[Time] = mapped_column("aplicada_em")


class Server(Base):
    """A server that is expected to run backups."""

    __tablename__ = "servidor"
    __table_args__ = (UniqueConstraint("hostname", name="uq_servidor_hostname"),)

    hostname: Mapped[Text100]
    server_version: Mapped[Text50 | None] = mapped_column("versao_servidor")
    schedule: Mapped[Text120 | None] = mapped_column("agenda")
    time_zone: Mapped[str] = mapped_column("fuso", String(64), server_default="UTC")
    tolerance_minutes: Mapped[int] = mapped_column(
        "tolerancia_minutos", INTEGER(unsigned=True), server_default=text("60")
    )
    active: Mapped[bool] = mapped_column("ativo", BOOLEAN, server_default=text("1"))
    alerted_at: Mapped[Time | None] = mapped_column("avisado_em")


class Backup(Base):
    """A run."""

    __tablename__ = "backup_log"
    __table_args__ = (
        UniqueConstraint("run_uuid", name="uq_backup_log_run_uuid"),
        Index(None, "hostname", "data_inicio"),
        Index(None, "hostname", "status_backup", "data_inicio"),
        Index(None, "status_backup", "data_inicio"),
        Index(
            "ix_backup_log_ordem",
            *("data_inicio", "id", "data_encerramento", "hostname", "status_backup", "tamanho_arquivo"),
        ),
    )

    run_uuid: Mapped[str] = mapped_column(CHAR(36))
    hostname: Mapped[Text100]
    database_text: Mapped[LongText | None] = mapped_column("nome_database")
    database_names: Mapped[list[str] | None] = mapped_column("bancos", JSON)
    file_name: Mapped[str | None] = mapped_column("nome_arquivo", String(64))
    size: Mapped[Megabytes | None] = mapped_column("tamanho_arquivo")
    # Only the modules read it.
    table_sizes: Mapped[str | None] = mapped_column("tabelas", MEDIUMTEXT(charset="ascii"), deferred=True)
    size_alarms: Mapped[UnsignedInteger | None] = mapped_column("alarmes")
    status: Mapped[Status] = mapped_column("status_backup")
    stage: Mapped[str | None] = mapped_column("etapa", String(20))
    server_version: Mapped[Text50 | None] = mapped_column("versao_servidor")
    tool: Mapped[Text50 | None] = mapped_column("ferramenta")
    notes: Mapped[LongText | None] = mapped_column("observacao")
    # Logs are large: a query reads them only when it names them.
    run_log: Mapped[Log | None] = mapped_column("log_execucao", deferred=True)
    dump_log: Mapped[Log | None] = mapped_column("log_dump", deferred=True)
    dump_started_at: Mapped[Time | None] = mapped_column("inicio_dump")
    dump_ended_at: Mapped[Time | None] = mapped_column("fim_dump")
    pack_started_at: Mapped[Time | None] = mapped_column("inicio_compactacao")
    pack_ended_at: Mapped[Time | None] = mapped_column("fim_compactacao")
    binlog_position: Mapped[str | None] = mapped_column("coordenadas_binlog", String(512))
    started_at: Mapped[datetime.datetime] = mapped_column("data_inicio", DATETIME, index=True)
    ended_at: Mapped[Time | None] = mapped_column("data_encerramento")

    uploads: Mapped[list[Upload]] = relationship(back_populates="backup", order_by="Upload.id", viewonly=True)

    @property
    def databases(self) -> list[str]:
        """The names of the databases: exact, or split at commas in a row that an older release wrote."""
        if self.database_names is not None:
            return self.database_names
        return self.database_text.split(", ") if self.database_text else []

    @property
    def upload_status(self) -> int | None:
        """The status of all uploads together; ``None`` without one."""
        return combined_status(upload.status for upload in self.uploads)


class Upload(Base):
    """The upload of a run's archive to one destination."""

    __tablename__ = "upload_s3_log"
    __table_args__ = (UniqueConstraint("backup_id", "destino", name="uq_upload_s3_log_backup_id_destino"),)

    backup_id: Mapped[int] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("backup_log.id", name="fk_upload_s3_log_backup")
    )
    destination: Mapped[str] = mapped_column("destino", String(64), server_default="s3")
    destination_type: Mapped[str] = mapped_column("tipo_destino", String(16), server_default="s3")
    file_name: Mapped[str | None] = mapped_column("nome_arquivo", String(64))
    size: Mapped[Megabytes | None] = mapped_column("tamanho_arquivo")
    key: Mapped[str | None] = mapped_column("caminho_arquivo", String(1024))
    bucket: Mapped[str | None] = mapped_column(String(512))
    sha256: Mapped[Hash | None]
    status: Mapped[Status] = mapped_column("status_upload")
    notes: Mapped[LongText | None] = mapped_column("observacao")
    started_at: Mapped[Time] = mapped_column("data_inicio")
    ended_at: Mapped[Time | None] = mapped_column("data_encerramento")
    removed_at: Mapped[Time | None] = mapped_column("removido_em")

    backup: Mapped[Backup] = relationship(back_populates="uploads", viewonly=True)


def combined_status(statuses: Iterable[int]) -> int | None:
    """Return the status of several uploads of one archive together; ``None`` without one.

    It is 0 while one of them runs, and 2 when some succeeded and some did not.
    """
    different = set(statuses)
    if not different:
        return None
    return different.pop() if len(different) == 1 else 0 if 0 in different else 2


class Restore(Base):
    """A restore, or a proof of restore."""

    __tablename__ = "restauracao_log"
    __table_args__ = (
        Index(None, "hostname", "data_inicio"),
        Index("ix_restauracao_log_prova", "tipo", "status", "servidor", "data_encerramento"),
        UniqueConstraint("run_uuid", name="uq_restauracao_log_run_uuid"),
    )

    run_uuid: Mapped[str | None] = mapped_column(CHAR(36))
    backup_id: Mapped[int | None] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("backup_log.id", name="fk_restauracao_log_backup"), index=True
    )
    source_server: Mapped[Text100 | None] = mapped_column("servidor")
    hostname: Mapped[Text100]
    kind: Mapped[str] = mapped_column("tipo", String(20))
    status: Mapped[Status]
    tables: Mapped[UnsignedInteger | None] = mapped_column("tabelas")
    rows: Mapped[BigInteger | None] = mapped_column("linhas")
    bytes: Mapped[BigInteger | None]
    compared: Mapped[dict[str, int] | None] = mapped_column("comparado", JSON)
    notes: Mapped[LongText | None] = mapped_column("observacao")
    started_at: Mapped[Time] = mapped_column("data_inicio")
    restored_at: Mapped[Time | None] = mapped_column("restaurado_em")
    ended_at: Mapped[Time | None] = mapped_column("data_encerramento")


class User(Base):
    """A user of the web app."""

    __tablename__ = "usuario"
    __table_args__ = (UniqueConstraint("login", name="uq_usuario_login"),)

    name: Mapped[Text120] = mapped_column("nome")
    login: Mapped[Text50]
    password_hash: Mapped[Text255] = mapped_column("senha")
    active: Mapped[bool] = mapped_column("ativo", BOOLEAN, server_default=text("1"))
    must_change_password: Mapped[bool] = mapped_column("trocar_senha", BOOLEAN, server_default=text("0"))
    password_expires_at: Mapped[Time | None] = mapped_column("senha_expira_em")
    last_login_at: Mapped[Time | None] = mapped_column("ultimo_acesso")

    privileges: Mapped[list[Privilege]] = relationship(secondary="usuario_privilegio", viewonly=True)


class Privilege(Base):
    """A set of rights in the web app."""

    __tablename__ = "privilegio"
    __table_args__ = (UniqueConstraint("nome", name="uq_privilegio_nome"),)

    name: Mapped[str] = mapped_column("nome", String(13))
    description: Mapped[str] = mapped_column("descricao", String(90))


class UserPrivilege(Base):
    """A privilege of one user."""

    __tablename__ = "usuario_privilegio"
    __table_args__ = (UniqueConstraint("usuario_id", "privilegio_id", name="uq_usuario_privilegio"),)

    user_id: Mapped[int] = mapped_column(
        "usuario_id",
        BIGINT(unsigned=True),
        ForeignKey("usuario.id", name="fk_usuario_privilegio_usuario", ondelete="CASCADE"),
    )
    privilege_id: Mapped[int] = mapped_column(
        "privilegio_id",
        BIGINT(unsigned=True),
        ForeignKey("privilegio.id", name="fk_usuario_privilegio_privilegio"),
        index=True,
    )


class LoginSession(Base):
    """A session, with the hash of its token."""

    __tablename__ = "sessao"
    __table_args__ = (UniqueConstraint("token_hash", name="uq_sessao_token_hash"),)

    token_hash: Mapped[Hash]
    user_id: Mapped[int] = mapped_column(
        "usuario_id",
        BIGINT(unsigned=True),
        ForeignKey("usuario.id", name="fk_sessao_usuario", ondelete="CASCADE"),
        index=True,
    )
    last_used_at: Mapped[Time] = mapped_column("ultimo_uso")
    expires_at: Mapped[datetime.datetime] = mapped_column("expira_em", DATETIME, index=True)
    revoked_at: Mapped[Time | None] = mapped_column("revogada_em")
    ip: Mapped[Text45 | None]
    agent: Mapped[Text255 | None] = mapped_column("agente")


class AuditEntry(Base):
    """An action of a user: who did what, to whom, when and from where."""

    __tablename__ = "auditoria"
    __table_args__ = (Index(None, "login", "data_criacao"),)

    user_id: Mapped[int | None] = mapped_column(
        "usuario_id",
        BIGINT(unsigned=True),
        ForeignKey("usuario.id", name="fk_auditoria_usuario", ondelete="SET NULL"),
        index=True,
    )
    login: Mapped[Text50]
    action: Mapped[Text50] = mapped_column("acao")
    target: Mapped[Text120 | None] = mapped_column("alvo")
    detail: Mapped[dict[str, Any] | None] = mapped_column("detalhe", JSON)
    ip: Mapped[Text45 | None]


class LoginAttempt(Base):
    """One attempt to log in."""

    __tablename__ = "tentativa_login"
    __table_args__ = (Index(None, "login", "data_criacao"), Index(None, "ip", "data_criacao"))

    login: Mapped[Text50]
    ip: Mapped[Text45]
    device: Mapped[Hash | None] = mapped_column("dispositivo")
    succeeded: Mapped[bool] = mapped_column("sucesso", BOOLEAN, server_default=text("0"))


class ApiToken(Base):
    """A token with which a program reads the API in a user's name; only its hash is stored."""

    __tablename__ = "token_api"
    __table_args__ = (UniqueConstraint("token_hash", name="uq_token_api_token_hash"),)

    user_id: Mapped[int] = mapped_column(
        "usuario_id",
        BIGINT(unsigned=True),
        ForeignKey("usuario.id", name="fk_token_api_usuario", ondelete="CASCADE"),
        index=True,
    )
    name: Mapped[str] = mapped_column("nome", String(80))
    token_hash: Mapped[Hash]
    scope: Mapped[str] = mapped_column("escopo", String(20), server_default="leitura")
    last_used_at: Mapped[Time | None] = mapped_column("ultimo_uso")
    expires_at: Mapped[Time | None] = mapped_column("expira_em")
