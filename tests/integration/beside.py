"""The local connection under another name: the roles run long stages in the background, as over SSH."""

from __future__ import annotations

from typing import Any

from ansible.plugins.connection import local

DOCUMENTATION = """
name: beside
short_description: The local connection under another name
description: [For tests.]
"""


class Connection(local.Connection):
    """The connection."""

    transport = "beside"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
