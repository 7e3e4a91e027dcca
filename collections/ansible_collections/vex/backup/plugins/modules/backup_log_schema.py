#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply the log database's migrations."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_log_schema
short_description: Bring the log database to the current schema
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Applies, in order, the numbered migrations that were not applied to the log database yet.
  - Refuses to run when a number is missing, when a migration was edited or renamed after it was applied, or when a
    migration was applied that is not in O(migrations).
  - Refuses a database that has tables of these names but no table C(versao_esquema), which this module makes.
  - Of two calls at once, the second waits for the first.
  - Runs on the control node, with the account of the migrator. Hosts never apply migrations.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
  - vex.backup.patience
attributes:
  check_mode:
    support: full
    details: Lists the pending migrations, and checks order and checksums.
  diff_mode:
    support: full
    details: Shows the names of the applied migrations before and after.
  idempotent:
    support: full
options:
  migrations:
    description:
      - Directory of the migrations, files named like V(0001_versao_esquema.sql).
      - The role P(vex.backup.log_schema#role) ships them in C(files/migrations).
    type: path
    required: true
  create_database:
    description: Create O(login_database) when it does not exist.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Bring the log database to the current schema
  vex.backup.backup_log_schema:
    login_host: log.example.com
    login_user: vex_backup_migrator
    login_password: "{{ vault_vex_backup_log_db_migrator_password }}"
    ca_cert: /etc/ssl/certs/ca-certificates.crt
    login_database: vex_backup
    migrations: "{{ role_path }}/files/migrations"
"""

RETURN = r"""
applied:
  description: The migrations that were applied, in order. After a failure, the migrations before the failed one.
  returned: always
  type: list
  elements: str
  sample: [0001_versao_esquema, 0002_servidor]
pending:
  description: The migrations that would be applied. Empty outside check mode.
  returned: success
  type: list
  elements: str
created:
  description: Whether the database was created, or would be.
  returned: success
  type: bool
version:
  description: Number of the last applied migration; 0 for none.
  returned: success
  type: int
  sample: 11
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    LOG_DB,
    PATIENCE,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import SchemaRequest, bring_up_to_date
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE, resolve_login


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOG_DB,
            **PATIENCE,
            "migrations": {"type": "path", "required": True},
            "create_database": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: bring_up_to_date(
            request(SchemaRequest, module.params, login=resolve_login(module.params), patience=patience_of(module)),
            module.check_mode,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
