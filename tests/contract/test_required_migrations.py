"""The collection and the web app each name the migration of the log database that they need."""

from __future__ import annotations

from types import ModuleType

import pytest

from ansible_collections.vex.backup.plugins.module_utils._log_db import connection as collection
from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import read_migrations
from tests.integration.log_db import MIGRATIONS
from webstatus import database as web_app


@pytest.mark.parametrize("side", [collection, web_app], ids=["collection", "web app"])
def test_the_required_migration_exists(side: ModuleType) -> None:
    titles = {step.number: step.title for step in read_migrations(str(MIGRATIONS))}
    assert titles.get(side.REQUIRED_VERSION) == side.REQUIRED_MIGRATION
