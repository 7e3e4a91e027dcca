# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option that names a store and says how to reach it."""

from __future__ import annotations


class ModuleDocFragment:
    """The option that names a store and says how to reach it."""

    DOCUMENTATION = r"""
options:
  destination:
    description:
      - Where the backups are, and how to reach it. Required, but for retention on a host alone. The roles make it of
        their own variables.
      - An option of another type is an error.
    type: dict
    suboptions:
      name:
        description: Your word for it. Without it, the type.
        type: str
      type:
        description: The type of store.
        type: str
        choices: [s3, gcs, azure, directory]
        default: s3
      storage_class:
        description:
          - Storage class of archives, such as V(STANDARD_IA), or access tier, such as V(Cool). Other objects get
            the store's default.
        type: str
      bucket:
        description: An existing bucket. Required with O(destination.type=s3) and O(destination.type=gcs).
        type: str
      container:
        description: An existing container. Required with O(destination.type=azure).
        type: str
      path:
        description:
          - Absolute path of an existing directory, such as one on another disk or on a mounted share. Required with
            O(destination.type=directory).
          - It is never made. Give one below the mount point, which is not there while the share is not mounted.
        type: path
      access_key:
        description: Access key. Without it, boto3 uses the environment, a profile or the role of the instance.
        type: str
      secret_key:
        description: Secret key that belongs to O(destination.access_key).
        type: str
      session_token:
        description: Session token of temporary credentials.
        type: str
      profile:
        description: Named profile of the AWS configuration files. Mutually exclusive with O(destination.access_key).
        type: str
      region:
        description: Region of the bucket.
        type: str
      endpoint_url:
        description: Address of an S3-compatible server, without it AWS; another address of Google Cloud Storage.
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
      auth_kind:
        description: See M(vex.backup.gcs_upload). Without it, V(application).
        type: str
        choices: [application, serviceaccount]
      service_account_file:
        description: File with the JSON key of a Google service account, for O(destination.auth_kind=serviceaccount).
        type: path
      service_account_contents:
        description: The JSON key itself, in place of O(destination.service_account_file).
        type: jsonarg
      project:
        description: See M(vex.backup.gcs_upload). Without it, the project of the credentials.
        type: str
      kms_key_name:
        description: Key in Google's Cloud KMS that encrypts the written objects. Without it, the bucket's default.
        type: str
      connection_string:
        description:
          - Connection string of a storage account of Azure, with its key or a shared access signature.
          - Of this, O(destination.account_key), O(destination.sas_token), O(destination.client_id) and
            O(destination.auth_source=msi), exactly one is given.
        type: str
      account_name:
        description: Name of the storage account.
        type: str
      account_url:
        description: Address of the account's blob service, where it is not C(https://ACCOUNT.blob.core.windows.net).
        type: str
      account_key:
        description: Key of the storage account.
        type: str
      sas_token:
        description: Shared access signature for the container, see M(vex.backup.azure_upload).
        type: str
      auth_source:
        description: V(msi) logs in as the managed identity of this host. Without it, V(auto).
        type: str
        choices: [auto, msi]
      client_id:
        description: Application of a service principal, or the managed identity that is meant.
        type: str
      secret:
        description: Secret of the service principal.
        type: str
      tenant:
        description: Tenant of the service principal.
        type: str
      encryption_scope:
        description: Encryption scope of the storage account, whose key encrypts what is written.
        type: str
requirements:
  - boto3 >= 1.36, for O(destination.type=s3)
  - google-cloud-storage, for O(destination.type=gcs)
  - azure-storage-blob, for O(destination.type=azure)
  - azure-identity, for a service principal or a managed identity of Azure
"""
