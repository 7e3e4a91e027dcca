"""The hosts' images: a Debian root file system each, made by mmdebstrap, kept by Podman under the recipe's digest."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.fleet.podman import podman
from tests.servers.cache import cache_directory

ROOT = Path(__file__).parents[2]
RECIPES = Path(__file__).parent / "recipes"
MIRROR = "http://deb.debian.org/debian"
# What the modules' Python on a host holds, at the versions of requirements/.
LIBRARIES = ("PyMySQL", "boto3")
BUILD_TAKES = 900

_COMMON = """
    mydumper 7zip zstd openssh-server cron logrotate passwd sudo python3 python3-venv ca-certificates tzdata iproute2
    procps
""".split()


class Recipe(NamedTuple):
    """One kind of host: its Debian, its packages, and files of ``recipes/`` with their place in the root."""

    name: str
    suite: str
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


_FILES = (
    ("init", "/usr/local/sbin/init"),
    ("setup", "/root/setup"),
    ("database.cnf", "/etc/mysql/conf.d/database.cnf"),
)
MYSQL = Recipe(
    "mysql",
    "sid",
    (f"deb {MIRROR} sid main",),
    ("mysql-server-core", "mysql-client-core", *_COMMON),
    _FILES,
)
MARIADB = Recipe(
    "mariadb",
    "trixie",
    (f"deb {MIRROR} trixie main", f"deb {MIRROR} sid main"),
    ("mariadb-server-core", "mariadb-client", *_COMMON),
    (*_FILES, ("mydumper-from-sid", "/etc/apt/preferences.d/mydumper")),
)


def image(recipe: Recipe) -> str:
    """The name of the recipe's image, which is made when Podman does not have it: a minute or two.

    :raises AssertionError: with the end of what mmdebstrap said, when it fails
    """
    name = f"localhost/vex-backup-{recipe.name}:{_digest(recipe)}"
    with _one_at_a_time(recipe.name):
        if podman("image", "exists", name, check=False).returncode != 0:
            with tempfile.TemporaryDirectory(prefix="vex-image-") as folder:
                root = Path(folder) / "root.tar"
                _build(recipe, root, Path(folder) / "wheelhouse")
                podman("import", str(root), name, timeout=BUILD_TAKES)
            _forget_others(name)
    return name


def _digest(recipe: Recipe) -> str:
    parts = [repr(recipe), *_libraries()]
    parts += [(RECIPES / file).read_text(encoding="utf-8") for file, _place in recipe.files]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _libraries() -> list[str]:
    runtime = (ROOT / "requirements/runtime.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in runtime if line.partition("==")[0] in LIBRARIES]


def _build(recipe: Recipe, root: Path, wheelhouse: Path) -> None:
    _run(
        sys.executable,
        *("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"),
        *("--dest", str(wheelhouse), "--constraint", str(ROOT / "requirements/constraints.txt")),
        *_libraries(),
    )
    # Before the packages: what they start with, apt's preferences among it. The directories are not there yet.
    early = [f'install -D {RECIPES / file} "$1"{place}' for file, place in recipe.files]
    _run(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=apt", f"--include={','.join(recipe.packages)}"),
        # What a mirror that is itself a cache serves may be older than the archive allows.
        *('--aptopt=Acquire::Check-Valid-Until "false"',),
        *(f"--setup-hook={command}" for command in early),
        f'--customize-hook=cp -r {wheelhouse} "$1/opt/wheelhouse"',
        '--customize-hook=chroot "$1" sh /root/setup',
        *(recipe.suite, str(root), *recipe.sources),
    )


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TAKES, check=False)
    assert done.returncode == 0, f"{command[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}"


def _forget_others(name: str) -> None:
    """Remove images of the recipe's earlier forms, but those of a container."""
    kept = podman("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={name.rpartition(':')[0]}")
    for other in set(kept.stdout.split()) - {name}:
        podman("rmi", other, check=False)


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    with (cache_directory() / f"fleet-{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
