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
# reference/generated/*.md are included by the pages beside that folder; STATUS.md is for developers.
exclude_patterns = ["_build", "STATUS.md", "reference/generated/*.md"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Every link leads somewhere, except to modules of Ansible itself: its documentation is not fetched.
nitpicky = True
nitpick_ignore_regex = [("std:ref", r"ansible_collections\.ansible\..*")]
pygments_style = "ansible"

html_theme = "furo"
html_title = f"Vex Backup {release}"
html_show_copyright = False
html_copy_source = False
# antsibull-docs colours its tables for a white page. Furo's own colours follow the reader's theme.
table_colours = {
    "antsibull-table-background-odd": "var(--color-background-primary)",
    "antsibull-table-background-even": "var(--color-background-secondary)",
    "antsibull-table-border": "var(--color-background-border)",
    "antsibull-narrowtable-background": "var(--color-background-secondary)",
    "antsibull-option-default": "var(--color-brand-content)",
    "antsibull-option-sample": "var(--color-brand-content)",
    "antsibull-option-sample-header": "inherit",
    "antsibull-option-type": "var(--color-foreground-secondary)",
    "antsibull-option-elements": "var(--color-foreground-secondary)",
}
html_theme_options = {
    "light_css_variables": table_colours,
    "dark_css_variables": {**table_colours, "antsibull-option-required": "#ff6b6b"},
}
