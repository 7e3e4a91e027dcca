"""Where downloads and prepared data are kept between runs, outside the checkout."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """``~/.cache/vex-backup`` (or under ``XDG_CACHE_HOME``), made when absent."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(home) / "vex-backup"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory
