"""Servers of other Debian releases, which run on this machine as plain processes, without a container."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.servers.cache import cache_directory
from tests.servers.process import ServerFailed

MIRROR = "http://deb.debian.org/debian"
TAKES = 2700
# A server looks for its messages below the directory that it was built for, which may hold another version's.
_OF_SERVERS = {
    "mysqld": "--basedir={root}/usr --secure-file-priv=NULL",
    "mariadbd": "--basedir={root}/usr",
    "mariadb-install-db": "--basedir={root}/usr",
}
# MySQL looks for a manifest of components by the name under which it was started.
_WRAPPER = '#!/bin/bash\nexec -a "$0" {program} "$@" {options}\n'
# A server with such files in its data directory has a keyring.
MANIFEST, KEYRING = "mysqld.my", "component_keyring_file"


class Release(NamedTuple):
    """A server in a Debian release: its packages, and the programs that are taken out of them."""

    suite: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    scripts: tuple[str, ...] = ()


MYSQL = Release(
    "sid",
    ("mysql-server-core", "mysql-client-core"),
    ("sbin/mysqld", "bin/mysql", "bin/mysqlbinlog"),
)
MARIADB = Release(
    "trixie",
    ("mariadb-server-core", "mariadb-client", "mariadb-server"),
    ("sbin/mariadbd", "bin/mariadb", "bin/mariadb-binlog", "bin/my_print_defaults"),
    ("bin/mariadb-install-db",),
)


def programs(release: Release) -> Path:
    """Return a folder, for ``PATH``, with the release's programs; fetch its packages the first time.

    :raises ServerFailed: with the end of what mmdebstrap said, when it fails
    """
    digest = hashlib.sha256(repr((release, _OF_SERVERS, _WRAPPER)).encode()).hexdigest()[:12]
    root = cache_directory() / f"debian-{release.suite}-{digest}"
    with (cache_directory() / f"{root.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "programs").exists():
            shutil.rmtree(root, ignore_errors=True)
            _extract(release, root)
            _make_programs(release, root)
    return root / "programs"


def _extract(release: Release, root: Path) -> None:
    _run(
        *("mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(release.packages)}"),
        # A caching mirror may serve lists that are older than the archive allows.
        *('--aptopt=Acquire::Check-Valid-Until "false"',),
        *(release.suite, str(root), f"deb {MIRROR} {release.suite} main"),
    )
    # A server's account must be able to enter it.
    root.chmod(0o755)


def _make_programs(release: Release, root: Path) -> None:
    """Make the programs run with the release's own libraries, whatever versions this machine has."""
    libraries = [str(path) for path in root.glob("usr/lib/*-linux-gnu*")]
    (loader,) = (str(path) for folder in libraries for path in Path(folder).glob("ld-linux-*.so.*"))
    partial = root / "programs.partial"
    partial.mkdir(exist_ok=True)
    for name in release.programs:
        program = root / "usr" / name
        _run("patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", ":".join(libraries), str(program))
    for name in (*release.programs, *release.scripts):
        program, wrapper = root / "usr" / name, partial / Path(name).name
        options = _OF_SERVERS.get(program.name, "").format(root=root)
        wrapper.write_text(_WRAPPER.format(program=program, options=options), encoding="utf-8")
        wrapper.chmod(0o755)
    for component in root.glob(f"usr/lib/mysql/plugin/{KEYRING}.so"):
        (partial / MANIFEST).write_text(json.dumps({"read_local_manifest": True}), encoding="ascii")
        component.with_suffix(".cnf").write_text(json.dumps({"read_local_config": True}), encoding="ascii")
    partial.rename(root / "programs")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TAKES, check=False)
    if done.returncode != 0:
        raise ServerFailed(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")
