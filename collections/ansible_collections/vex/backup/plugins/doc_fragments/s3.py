# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How modules reach an object store, as in amazon.aws."""

from __future__ import annotations


class ModuleDocFragment:
    """How modules reach an object store, as in amazon.aws."""

    DOCUMENTATION = r"""
options:
  access_key:
    description: Access key. Without it, boto3 looks where it always does (environment, profile, instance role).
    type: str
  secret_key:
    description: Secret key that goes with O(access_key).
    type: str
  session_token:
    description: Session token of temporary credentials.
    type: str
  profile:
    description: Named profile of the AWS configuration files. Excludes O(access_key).
    type: str
  region:
    description: Region of the bucket.
    type: str
  endpoint_url:
    description: Address of an S3-compatible server; AWS when absent.
    type: str
  ca_bundle:
    description: File with the certificate authorities that the server's certificate must come from.
    type: path
  request_checksum_calculation:
    description:
      - Whether boto3 adds its own checksums to every request, or only to those that require one.
      - V(when_required) is right for S3-compatible servers; the archive's checksums are sent in both cases.
    type: str
    choices: [when_supported, when_required]
    default: when_required
requirements:
  - boto3 >= 1.36
"""
