"""The web app's wheel has the files that scripts/assets makes and git does not have."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRANSLATE = "from webstatus.i18n import ENGLISH, translations; print(translations(ENGLISH).gettext('Sucesso'))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel; return the folder where it is unpacked."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = directory.glob("vex_webstatus-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def test_an_installed_app_speaks_english(installed: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TRANSLATE], cwd=installed, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Success\n", "")


def test_an_installed_app_has_its_style_sheets_and_scripts(installed: Path) -> None:
    vendor = installed / "webstatus/static/vendor"
    assert {"bootstrap.min.css", "bootstrap.bundle.min.js", "chart.umd.js"} <= {path.name for path in vendor.iterdir()}
