# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that makes a name safe."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.filter.safe_name import FilterModule


def test_filter_accepts_what_a_string_option_accepts() -> None:
    safe_name = FilterModule().filters()["safe_name"]
    assert (safe_name("db 1"), safe_name(2025)) == ("db%201", "2025")
    with pytest.raises(AnsibleFilterError, match="needs a name"):
        safe_name(None)
