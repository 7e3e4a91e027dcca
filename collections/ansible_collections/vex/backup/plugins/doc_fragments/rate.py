# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option of modules that upload files."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of modules that upload files."""

    DOCUMENTATION = r"""
options:
  rate:
    description:
      - Bytes a second that all parts of the upload together are sent at, at least 65536. V(0) for no limit.
      - What is sent again after a failure counts again. Downloads are not limited.
    type: int
    default: 0
"""
