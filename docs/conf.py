"""Settings of the documentation site, which scripts/docs builds."""  # noqa: INP001 - Sphinx reads it as a file

from __future__ import annotations

from pathlib import Path

import yaml

GALAXY = Path(__file__).parent.parent / "collections/ansible_collections/vex/backup/galaxy.yml"

project = "Vex Backup"
author = "Vex Backup contributors"
release = version = yaml.safe_load(GALAXY.read_text(encoding="utf-8"))["version"]
language = "en"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
# reference/generated/*.md are included by the pages beside that folder.
exclude_patterns = ["_build", "reference/generated/*.md"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
pygments_style = "ansible"

html_theme = "furo"
html_title = f"Vex Backup {release}"
html_show_copyright = False
html_copy_source = False
