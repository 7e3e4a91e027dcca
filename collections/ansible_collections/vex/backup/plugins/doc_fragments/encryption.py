# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of modules that write objects which the store encrypts."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of modules that write objects which the store encrypts."""

    DOCUMENTATION = r"""
options:
  server_side_encryption:
    description: Encryption of the written objects by the store. Without it, the bucket's default applies.
    type: str
    choices: [AES256, 'aws:kms', 'aws:kms:dsse']
  kms_key_id:
    description:
      - Key for O(server_side_encryption=aws:kms) and O(server_side_encryption=aws:kms:dsse).
      - Without it, the account's default key is used.
    type: str
"""
