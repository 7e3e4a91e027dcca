# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the messages about the log database."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import explain


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Exception(1045, "Access denied"), "Access denied"),
        (Exception(0, ""), "the connection was lost"),
        (Exception("Already closed"), "the connection was lost"),
        (Exception(), "the connection was lost"),
    ],
)
def test_explain_uses_the_servers_words(error: Exception, words: str) -> None:
    assert words in explain(error)
