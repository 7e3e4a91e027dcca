# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option of the extent of a comparison, for the modules that record it."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of the extent of a comparison, for the modules that record it."""

    DOCUMENTATION = r"""
options:
  compared:
    description:
      - Extent of the comparison with the fingerprint of the dumped server, from the result of
        M(vex.backup.mysql_restore).
    type: dict
    suboptions:
      columns:
        description: Number of columns.
        type: int
        required: true
      definitions:
        description: Number of definitions of tables, views, stored programs, triggers and events.
        type: int
        required: true
      sampled_rows:
        description: Number of rows whose values were compared. V(0) for a backup without row checksums.
        type: int
        required: true
      tables_sampled:
        description: Number of the tables of these rows.
        type: int
        required: true
"""
