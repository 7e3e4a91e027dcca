"""The directory for downloads and prepared data that later runs use again, outside the checkout."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """Return ``~/.cache/vex-backup`` (or below ``XDG_CACHE_HOME``), created when absent."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(home) / "vex-backup"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory
