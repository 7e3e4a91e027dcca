# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option that names a second store."""

from __future__ import annotations


class ModuleDocFragment:
    """The option that names a second store."""

    DOCUMENTATION = r"""
options:
  target:
    description: Where the copy goes, in the form of O(destination).
    type: dict
    suboptions:
      name:
        description: Your word for it. Without it, the type.
        type: str
      type:
        description: The type of store.
        type: str
        choices: [s3, directory]
        default: s3
      storage_class:
        description: Storage class of archives, such as V(STANDARD_IA). Other objects get the store's default.
        type: str
      bucket:
        description: An existing bucket. Required with O(target.type=s3).
        type: str
      path:
        description:
          - Absolute path of an existing directory, such as one on another disk or on a mounted share. Required with
            O(target.type=directory).
          - It is never made. Give one below the mount point, which is not there while the share is not mounted.
        type: path
      access_key:
        description: Access key. Without it, boto3 uses the environment, a profile or the role of the instance.
        type: str
      secret_key:
        description: Secret key that belongs to O(target.access_key).
        type: str
      session_token:
        description: Session token of temporary credentials.
        type: str
      profile:
        description: Named profile of the AWS configuration files. Mutually exclusive with O(target.access_key).
        type: str
      region:
        description: Region of the bucket.
        type: str
      endpoint_url:
        description: Address of an S3-compatible server. Without it, AWS.
        type: str
      ca_bundle:
        description: File with the certificates of the authorities that may have signed the server's certificate.
        type: path
      request_checksum_calculation:
        description: See M(vex.backup.s3_upload). Without it, V(when_required).
        type: str
        choices: [when_supported, when_required]
      addressing_style:
        description: See M(vex.backup.s3_upload). Without it, V(auto).
        type: str
        choices: [auto, path, virtual]
      server_side_encryption:
        description: Encryption that the server applies to the objects. Without it, the bucket's default.
        type: str
        choices: [AES256, aws:kms, aws:kms:dsse]
      kms_key_id:
        description: Key of the encryption V(aws:kms) or V(aws:kms:dsse). Without it, the account's default key.
        type: str
"""
