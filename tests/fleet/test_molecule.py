"""Molecule's scenarios, run by ``molecule test``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.playbook import environment

SCENARIOS = Path(__file__).parent / "molecule"
TAKES = 2700


@pytest.mark.parametrize("scenario", sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml")))
def test_scenario(scenario: str, inventory_directory: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("containers that have an address which this machine reaches need root")
    changes = {
        "MOLECULE_EPHEMERAL_DIRECTORY": str(inventory_directory),
        # Molecule finds ansible-playbook on PATH.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(inventory_directory / "cp"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "molecule", "test", "--scenario-name", scenario],
        cwd=SCENARIOS.parent,
        env=environment(changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TAKES,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
