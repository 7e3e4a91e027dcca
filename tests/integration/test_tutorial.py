"""The tutorial, command by command, in a copy of the repository: `make demo`, a loss of data, a restore."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.playbook import ROOT

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
LAST_LINE = re.compile(
    r"demo: run=\S+ status=1 upload=1 mail=1 key=\S+ bytes=\d+ url=http://127\.0\.0\.1:\d+ user=admin "
)
# The commands that a checkout with an environment needs in another form.
REPLACED = {
    "git clone https://github.com/vex-backup/vex-backup && cd vex-backup": "true",
    "make demo": f"{sys.executable} scripts/demo.py up",
    "make demo-down": f"{sys.executable} scripts/demo.py down",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy the repository, with the files of the web app that are made, and stop the demo in the end."""
    folder = tmp_path_factory.mktemp("tutorial") / "vex-backup"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    made = [*ROOT.glob("webstatus/static/vendor/**/*"), *ROOT.glob("webstatus/locales/**/*.mo")]
    for path in [*(ROOT / name for name in files if name), *made]:
        if path.is_file():
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    (folder / ".venv").symlink_to(sys.prefix)
    yield folder
    execute(folder, "make demo-down")


def execute(folder: Path, command: str) -> str:
    """Run a command of the tutorial; return its output."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    environment.pop("ANSIBLE_COLLECTIONS_PATH", None)
    done = subprocess.run(
        ["bash", "-c", REPLACED.get(command, command)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2700,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def commands(heading: str) -> list[str]:
    """Return the commands of one section of the tutorial, without the comments behind them."""
    section = TUTORIAL.split(f". {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [
        one.replace("\\\n", "") for block in blocks for one in re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)
    ]


def count(folder: Path, table: str) -> int:
    client = "mariadb --socket=var/demo/mariadb/server.sock --user=root --skip-column-names"
    return int(execute(folder, f"{client} --execute='SELECT COUNT(*) FROM {table}'"))


def test_the_commands_do_what_the_tutorial_says(copy: Path) -> None:
    output = [execute(copy, one) for one in commands("Make a backup")]
    assert LAST_LINE.search(output[-1].splitlines()[-1]), output[-1]
    for path in set(re.findall(r"var/demo[\w./-]*", TUTORIAL)):
        assert (copy / path).exists(), path
    mail = (copy / "var/demo/mails/0001.eml").read_text()
    assert "Rotina de backup" in mail

    orders = count(copy, "vendas.pedido")
    for one in commands("Lose some data"):
        execute(copy, one)
    assert (count(copy, "vendas.pedido"), count(copy, "vendas.item")) == (0, 0)

    (plan,) = commands("Read the plan of a restore")
    shown = execute(copy, plan)
    assert "vendas_before" in shown
    restore, copy_back = f"{plan} -e vex_backup_restore_yes=true", commands("Restore")
    said = " ".join(execute(copy, restore).split())
    warning = re.search(r"^warning: .*", TUTORIAL, re.MULTILINE)
    ending = re.search(r"server\.sock: (3 tables, .*)", TUTORIAL)
    assert warning and ending
    assert warning[0] in said
    assert ending[1] in said
    for one in copy_back:
        execute(copy, one)
    assert count(copy, "vendas.pedido") == orders > 0
    for one in commands("Stop"):
        assert "stopped" in execute(copy, one)
