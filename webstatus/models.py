"""The mapped view of the SQL schema; ``roles/log_schema`` owns it, and a test compares the two.

Attributes are named as the columns. Times are UTC without a zone; sizes are megabytes (10^6 bytes).
Statuses are 0 running, 1 success, 2 warning, 3 error.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Annotated, Any

from sqlalchemy import JSON, Computed, ForeignKey, Index, MetaData, String, UniqueConstraint, text
from sqlalchemy.dialects.mysql import BIGINT, BOOLEAN, CHAR, DATETIME, DECIMAL, INTEGER, MEDIUMTEXT, TEXT, TINYINT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

BigInteger = Annotated[int, mapped_column(BIGINT(unsigned=True))]
UnsignedInteger = Annotated[int, mapped_column(INTEGER(unsigned=True))]
Time = Annotated[datetime.datetime, mapped_column(DATETIME)]
Megabytes = Annotated[decimal.Decimal, mapped_column(DECIMAL(18, 2))]
LongText = Annotated[str, mapped_column(TEXT)]
# Logs: read when they are asked for, not with every row.
Log = Annotated[str, mapped_column(MEDIUMTEXT, deferred=True)]
Text45 = Annotated[str, mapped_column(String(45))]
Text50 = Annotated[str, mapped_column(String(50))]
Text100 = Annotated[str, mapped_column(String(100))]
Text120 = Annotated[str, mapped_column(String(120))]
Text255 = Annotated[str, mapped_column(String(255))]
Hash = Annotated[str, mapped_column(CHAR(64))]


class Base(DeclarativeBase):
    """Every table has a key and the time its row was made."""

    metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})

    id: Mapped[int] = mapped_column(BIGINT(unsigned=True), primary_key=True, autoincrement=True, sort_order=-1)
    data_criacao: Mapped[datetime.datetime] = mapped_column(
        DATETIME, server_default=text("CURRENT_TIMESTAMP"), index=True, sort_order=1
    )


class SchemaVersion(Base):
    """A step of the schema that the database has had."""

    __tablename__ = "versao_esquema"
    __table_args__ = (UniqueConstraint("numero", name="uq_versao_esquema_numero"),)

    numero: Mapped[UnsignedInteger]
    nome: Mapped[Text120]
    sha256: Mapped[Hash]
    aplicada_em: Mapped[Time]


class Server(Base):
    """A server that is expected to run backups."""

    __tablename__ = "servidor"
    __table_args__ = (UniqueConstraint("hostname", name="uq_servidor_hostname"),)

    hostname: Mapped[Text100]
    versao_servidor: Mapped[Text50 | None]
    agenda: Mapped[Text120 | None]
    fuso: Mapped[str] = mapped_column(String(64), server_default="UTC")
    tolerancia_minutos: Mapped[int] = mapped_column(INTEGER(unsigned=True), server_default=text("60"))
    ativo: Mapped[bool] = mapped_column(BOOLEAN, server_default=text("1"))
    avisado_em: Mapped[Time | None]


class Backup(Base):
    """A run."""

    __tablename__ = "backup_log"
    __table_args__ = (
        UniqueConstraint("run_uuid", name="uq_backup_log_run_uuid"),
        Index(None, "hostname", "data_inicio"),
        Index(None, "hostname", "status_backup", "data_inicio"),
        Index(None, "tamanho_arquivo", "data_inicio"),
        Index(None, "segundo_inicio", "data_inicio"),
        Index("ix_backup_log_segundo_encerramento", "segundo_encerramento", "data_encerramento", "data_inicio"),
        Index("ix_backup_log_duracao", "duracao_segundos", "data_encerramento", "data_inicio"),
        Index(
            "ix_backup_log_ordem",
            *("data_inicio", "id", "data_encerramento", "hostname", "status_backup", "tamanho_arquivo"),
        ),
    )

    run_uuid: Mapped[str] = mapped_column(CHAR(36))
    hostname: Mapped[Text100]
    nome_database: Mapped[LongText | None]
    nome_arquivo: Mapped[str | None] = mapped_column(String(64))
    tamanho_arquivo: Mapped[Megabytes | None]
    status_backup: Mapped[int] = mapped_column(TINYINT, server_default=text("0"), index=True)
    etapa: Mapped[str | None] = mapped_column(String(20))
    versao_servidor: Mapped[Text50 | None]
    ferramenta: Mapped[Text50 | None]
    observacao: Mapped[LongText | None]
    log_execucao: Mapped[Log | None]
    log_dump: Mapped[Log | None]
    inicio_dump: Mapped[Time | None]
    fim_dump: Mapped[Time | None]
    inicio_compactacao: Mapped[Time | None]
    fim_compactacao: Mapped[Time | None]
    coordenadas_binlog: Mapped[str | None] = mapped_column(String(512))
    data_inicio: Mapped[datetime.datetime] = mapped_column(DATETIME, index=True)
    data_encerramento: Mapped[Time | None]
    # Of the day, UTC: what the history is searched by where nothing but a time of day is known.
    segundo_inicio: Mapped[int | None] = mapped_column(Computed("time_to_sec(data_inicio)", persisted=True))
    segundo_encerramento: Mapped[int | None] = mapped_column(Computed("time_to_sec(data_encerramento)", persisted=True))
    duracao_segundos: Mapped[int | None] = mapped_column(
        BIGINT, Computed("timestampdiff(second, data_inicio, data_encerramento)", persisted=True)
    )

    upload: Mapped[Upload | None] = relationship(back_populates="backup", viewonly=True)


class Upload(Base):
    """The upload of a run's archive."""

    __tablename__ = "upload_s3_log"
    __table_args__ = (UniqueConstraint("backup_id", name="uq_upload_s3_log_backup_id"),)

    backup_id: Mapped[int] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("backup_log.id", name="fk_upload_s3_log_backup")
    )
    nome_arquivo: Mapped[str | None] = mapped_column(String(64))
    tamanho_arquivo: Mapped[Megabytes | None]
    caminho_arquivo: Mapped[str | None] = mapped_column(String(1024))
    bucket: Mapped[str | None] = mapped_column(String(512))
    sha256: Mapped[Hash | None]
    status_upload: Mapped[int] = mapped_column(TINYINT, server_default=text("0"), index=True)
    observacao: Mapped[LongText | None]
    data_inicio: Mapped[Time]
    data_encerramento: Mapped[Time | None]
    removido_em: Mapped[Time | None]

    backup: Mapped[Backup] = relationship(back_populates="upload", viewonly=True)


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
    servidor: Mapped[Text100 | None]
    hostname: Mapped[Text100]
    tipo: Mapped[str] = mapped_column(String(20))
    status: Mapped[int] = mapped_column(TINYINT, server_default=text("0"), index=True)
    tabelas: Mapped[UnsignedInteger | None]
    linhas: Mapped[BigInteger | None]
    bytes: Mapped[BigInteger | None]
    observacao: Mapped[LongText | None]
    data_inicio: Mapped[Time]
    restaurado_em: Mapped[Time | None]
    data_encerramento: Mapped[Time | None]


class User(Base):
    """Somebody who uses the web app."""

    __tablename__ = "usuario"
    __table_args__ = (UniqueConstraint("login", name="uq_usuario_login"),)

    nome: Mapped[Text120]
    login: Mapped[Text50]
    senha: Mapped[Text255]
    ativo: Mapped[bool] = mapped_column(BOOLEAN, server_default=text("1"))
    trocar_senha: Mapped[bool] = mapped_column(BOOLEAN, server_default=text("0"))
    ultimo_acesso: Mapped[Time | None]

    privilegios: Mapped[list[Privilege]] = relationship(secondary="usuario_privilegio", viewonly=True)


class Privilege(Base):
    """What people may do."""

    __tablename__ = "privilegio"
    __table_args__ = (UniqueConstraint("nome", name="uq_privilegio_nome"),)

    nome: Mapped[str] = mapped_column(String(13))
    descricao: Mapped[str] = mapped_column(String(90))


class UserPrivilege(Base):
    """Who has which privilege."""

    __tablename__ = "usuario_privilegio"
    __table_args__ = (UniqueConstraint("usuario_id", "privilegio_id", name="uq_usuario_privilegio"),)

    usuario_id: Mapped[int] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("usuario.id", name="fk_usuario_privilegio_usuario", ondelete="CASCADE")
    )
    privilegio_id: Mapped[int] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("privilegio.id", name="fk_usuario_privilegio_privilegio"), index=True
    )


class LoginSession(Base):
    """A session: of its token, only the hash."""

    __tablename__ = "sessao"
    __table_args__ = (UniqueConstraint("token_hash", name="uq_sessao_token_hash"),)

    token_hash: Mapped[Hash]
    usuario_id: Mapped[int] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("usuario.id", name="fk_sessao_usuario", ondelete="CASCADE"), index=True
    )
    ultimo_uso: Mapped[Time]
    expira_em: Mapped[datetime.datetime] = mapped_column(DATETIME, index=True)
    revogada_em: Mapped[Time | None]
    ip: Mapped[Text45 | None]
    agente: Mapped[Text255 | None]


class AuditEntry(Base):
    """Who did what, on whom, when, from where."""

    __tablename__ = "auditoria"
    __table_args__ = (Index(None, "login", "data_criacao"),)

    usuario_id: Mapped[int | None] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("usuario.id", name="fk_auditoria_usuario", ondelete="SET NULL"), index=True
    )
    login: Mapped[Text50]
    acao: Mapped[Text50]
    alvo: Mapped[Text120 | None]
    detalhe: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    ip: Mapped[Text45 | None]


class LoginAttempt(Base):
    """A login that was tried."""

    __tablename__ = "tentativa_login"
    __table_args__ = (Index(None, "login", "data_criacao"), Index(None, "ip", "data_criacao"))

    login: Mapped[Text50]
    ip: Mapped[Text45]
    sucesso: Mapped[bool] = mapped_column(BOOLEAN, server_default=text("0"))


class ApiToken(Base):
    """A token with which programs read the API in a user's name: only its hash."""

    __tablename__ = "token_api"
    __table_args__ = (UniqueConstraint("token_hash", name="uq_token_api_token_hash"),)

    usuario_id: Mapped[int] = mapped_column(
        BIGINT(unsigned=True), ForeignKey("usuario.id", name="fk_token_api_usuario", ondelete="CASCADE"), index=True
    )
    nome: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[Hash]
    escopo: Mapped[str] = mapped_column(String(20), server_default="leitura")
    ultimo_uso: Mapped[Time | None]
    expira_em: Mapped[Time | None]
