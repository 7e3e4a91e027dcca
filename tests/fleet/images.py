"""The hosts' images: Debian root file systems made by mmdebstrap, which Podman keeps under the recipe's digest."""

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

from tests.fleet.podman import podman, remove_container, start_container
from tests.servers.cache import cache_directory

ROOT = Path(__file__).parents[2]
RECIPES = Path(__file__).parent / "recipes"
MIRROR = "http://deb.debian.org/debian"
# The libraries of the modules' Python, in the versions of requirements/.
LIBRARIES = ("PyMySQL", "boto3")
BUILD_TAKES = 2700

_BARE = "openssh-server cron passwd sudo python3 ca-certificates tzdata iproute2 procps".split()
_FILES = (
    ("init", "/usr/local/sbin/init"),
    ("setup", "/root/setup"),
    ("database.cnf", "/etc/mysql/conf.d/database.cnf"),
)


class Recipe(NamedTuple):
    """One kind of host: server, Debian release and packages; ``equipped`` with the needs of playbooks/backup.yml."""

    product: str
    suite: str
    packages: tuple[str, ...]
    equipped: bool = False

    @property
    def name(self) -> str:
        """Return the name of the image."""
        return f"{self.product}{'' if self.equipped else '-bare'}"


BARE_MYSQL = Recipe("mysql", "sid", ("mysql-server-core", "mysql-client-core", *_BARE))
BARE_MARIADB = Recipe("mariadb", "trixie", ("mariadb-server-core", "mariadb-client", *_BARE))
MYSQL = BARE_MYSQL._replace(equipped=True)
MARIADB = BARE_MARIADB._replace(equipped=True)


def image(recipe: Recipe) -> str:
    """Return the name of the recipe's image; build it, in a minute or two, when Podman does not have it.

    :raises AssertionError: with the end of what mmdebstrap said, when it fails
    """
    name = f"localhost/vex-backup-{recipe.name}:{_digest(recipe)}"
    with _one_at_a_time(recipe.name):
        if podman("image", "exists", name, check=False).returncode != 0:
            with tempfile.TemporaryDirectory(prefix="vex-image-") as folder:
                if recipe.equipped:
                    _equip(image(recipe._replace(equipped=False)), name, Path(folder))
                else:
                    _build(recipe, name, Path(folder) / "root.tar")
            _forget_others(name)
    return name


def _digest(recipe: Recipe) -> str:
    parts = [repr(recipe), *(_libraries() if recipe.equipped else [])]
    files = [file for file, _place in _FILES] + (["equip", "mydumper-from-sid"] if recipe.equipped else [])
    parts += [(RECIPES / file).read_text(encoding="utf-8") for file in files]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _libraries() -> list[str]:
    runtime = (ROOT / "requirements/runtime.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in runtime if line.partition("==")[0] in LIBRARIES]


def _build(recipe: Recipe, name: str, root: Path) -> None:
    # These files must exist before the packages are installed; their directories do not exist yet.
    early = [f'install -D {RECIPES / file} "$1"{place}' for file, place in _FILES]
    _run(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=apt", f"--include={','.join(recipe.packages)}"),
        # A caching mirror may serve lists that are older than the archive allows.
        *('--aptopt=Acquire::Check-Valid-Until "false"',),
        *(f"--setup-hook={command}" for command in early),
        '--customize-hook=chroot "$1" sh /root/setup',
        *(recipe.suite, str(root), f"deb {MIRROR} {recipe.suite} main"),
    )
    podman("import", str(root), name, timeout=BUILD_TAKES)


def _equip(bare: str, name: str, wheelhouse: Path) -> None:
    """Add the needs of playbooks/backup.yml to a bare host, as an administrator does by hand."""
    _run(
        sys.executable,
        *("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"),
        *("--dest", str(wheelhouse), "--constraint", str(ROOT / "requirements/constraints.txt")),
        *_libraries(),
    )
    volumes = {f"{RECIPES}": "/recipes:ro", f"{wheelhouse}": "/wheelhouse:ro"}
    container = start_container(bare, "equip", volumes, command=("sh", "/recipes/equip"))
    try:
        status = podman("wait", container, timeout=BUILD_TAKES).stdout.strip()
        assert status == "0", podman("logs", "--tail", "40", container).stderr
        podman("commit", "--quiet", container, name, timeout=BUILD_TAKES)
    finally:
        remove_container(container)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TAKES, check=False)
    assert done.returncode == 0, f"{command[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}"


def _forget_others(name: str) -> None:
    """Remove images of earlier versions of the recipe, except those that a container uses."""
    kept = podman("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={name.rpartition(':')[0]}")
    for other in set(kept.stdout.split()) - {name}:
        podman("rmi", other, check=False)


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    with (cache_directory() / f"fleet-{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
