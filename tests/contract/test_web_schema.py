"""The models equal the SQL schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.playbook import LogDatabase
from webstatus.models import Base


def test_the_models_equal_the_schema(log_database: LogDatabase) -> None:
    address = sqlalchemy.URL.create(
        "mysql+pymysql",
        username="root",
        database=log_database.name,
        query={"unix_socket": log_database.server.socket, "charset": "utf8mb4"},
    )
    engine = sqlalchemy.create_engine(address)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    # The models have no column comments.
    assert [change for change in flat(differences) if change[0] != "modify_comment"] == []


def flat(differences: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Flatten the differences: Alembic puts those of one column into a list."""
    return [change for found in differences for change in (found if isinstance(found, list) else [found])]
