# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the login to an object store, named as in amazon.aws."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the login to an object store, named as in amazon.aws."""

    DOCUMENTATION = r"""
options:
  access_key:
    description: Access key. Without it, boto3 uses the environment, a profile or the role of the instance.
    type: str
  secret_key:
    description: Secret key that belongs to O(access_key).
    type: str
  session_token:
    description: Session token of temporary credentials.
    type: str
  profile:
    description: Named profile of the AWS configuration files. Mutually exclusive with O(access_key).
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
    description:
      - V(when_supported) lets boto3 add its own checksums to every request, V(when_required) only where required.
      - Use V(when_required) with S3-compatible servers. The archive's checksums are sent in both cases.
      - A server that refuses checksum headers gets an MD5 with every request that writes.
    type: str
    choices: [when_supported, when_required]
    default: when_required
  addressing_style:
    description:
      - Where the name of the bucket is in addresses. V(path) is C(https://store/bucket/key), V(virtual) is
        C(https://bucket.store/key), which some stores demand.
      - V(auto) is V(virtual) at AWS and V(path) at other stores.
    type: str
    choices: [auto, path, virtual]
    default: auto
requirements:
  - boto3 >= 1.36
"""
