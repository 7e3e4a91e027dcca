# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the login to Azure Blob Storage, named as in azure.azcollection."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the login to Azure Blob Storage, named as in azure.azcollection."""

    DOCUMENTATION = r"""
options:
  connection_string:
    description:
      - Connection string of the storage account, with its key or a shared access signature.
      - Of this option, O(account_key), O(sas_token), O(client_id) and O(auth_source=msi), exactly one is given.
    type: str
  account_name:
    description: Name of the storage account. Needed with O(account_key), and unless O(account_url) is given.
    type: str
  account_url:
    description:
      - Address of the account's blob service, where it is not C(https://ACCOUNT.blob.core.windows.net), as in a
        sovereign cloud.
    type: str
  account_key:
    description: Key of the storage account.
    type: str
  sas_token:
    description:
      - Shared access signature for the container, with the permissions C(r), C(c), C(w), C(d) and C(l). An upload alone
        needs C(r), C(c), C(w), C(l) and, to remove what a failed one has sent, C(d).
    type: str
  auth_source:
    description:
      - V(msi) logs in as the managed identity of this host, with O(client_id) as one that a user assigned.
      - V(auto) takes what the other options give.
    type: str
    choices: [auto, msi]
    default: auto
  client_id:
    description: Application of a service principal; with O(auth_source=msi), the managed identity that is meant.
    type: str
  secret:
    description: Secret of the service principal.
    type: str
  tenant:
    description: Tenant of the service principal.
    type: str
  ca_bundle:
    description: File with the certificates of the authorities that may have signed the server's certificate.
    type: path
  encryption_scope:
    description:
      - Encryption scope of the storage account, whose key encrypts what is written. That is how Azure takes a
        customer-managed key for some blobs; a key for the whole account needs no option.
    type: str
requirements:
  - azure-storage-blob
  - azure-identity, for a service principal or a managed identity
"""
