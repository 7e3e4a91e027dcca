# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that builds the key of an archive."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.filter.backup_key import FilterModule

NAME = "backup_20250720_161523"


def test_filter_builds_a_key() -> None:
    backup_key = FilterModule().filters()["backup_key"]
    assert backup_key(NAME, "db 1", prefix="mysql") == f"mysql/db%201/2025/07/{NAME}.zip"
    assert backup_key(NAME, "db1", "", "7z") == f"db1/2025/07/{NAME}.7z"
    with pytest.raises(AnsibleFilterError, match=r"vex\.backup\.backup_key: 'x' is not the name of a run"):
        backup_key("x", "db1")
    with pytest.raises(AnsibleFilterError, match="the hostname is empty"):
        backup_key(NAME, "")
    with pytest.raises(AnsibleFilterError, match="needs the name of a run and a hostname"):
        backup_key(NAME, None)


def test_filter_accepts_numbers() -> None:
    """YAML reads a prefix or a hostname such as 2025 as a number."""
    backup_key = FilterModule().filters()["backup_key"]
    assert backup_key(NAME, 7, 2025) == f"2025/7/2025/07/{NAME}.zip"
    assert backup_key(NAME, "db1", None) == f"db1/2025/07/{NAME}.zip"
