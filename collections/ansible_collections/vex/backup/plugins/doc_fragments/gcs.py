# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the login to Google Cloud Storage, named as in google.cloud where that has them."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the login to Google Cloud Storage, named as in google.cloud where that has them."""

    DOCUMENTATION = r"""
options:
  auth_kind:
    description:
      - V(application) uses the application default credentials of the host, such as the service account of its machine,
        workload identity, or the file that C(GOOGLE_APPLICATION_CREDENTIALS) names.
      - V(serviceaccount) uses the key of a service account.
    type: str
    choices: [application, serviceaccount]
    default: application
  service_account_file:
    description: File with the JSON key of a service account, for O(auth_kind=serviceaccount).
    type: path
  service_account_contents:
    description: The JSON key itself, in place of O(service_account_file).
    type: jsonarg
  project:
    description:
      - Project whose quotas the requests use, and that pays where the bucket lets its readers pay. The credentials need
        C(serviceusage.services.use) there. Without it, the project of the credentials.
    type: str
  kms_key_name:
    description:
      - Key of your own in Cloud KMS that encrypts the written objects, as
        V(projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY). Without it, the bucket's default.
    type: str
  endpoint_url:
    description: Another address of Cloud Storage, such as that of Private Service Connect.
    type: str
requirements:
  - google-cloud-storage
"""
