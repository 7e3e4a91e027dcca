# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The failures of Azure Blob Storage: the remedy for each, and which of them may pass."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused

DENIED = (
    "these credentials may not do that: give the identity the role Storage Blob Data Contributor on the container, or "
    "the shared access signature the permissions r, c, w, d and l"
)
NO_ACCOUNT = (
    "there is no such storage account, or the request had no credentials: correct account_name, account_url or "
    "connection_string"
)
NO_LOGIN = "the server got no credentials: set account_key, sas_token, client_id or auth_source"
WRONG_NAME = "a container cannot have that name: correct container"
SCOPE = "correct encryption_scope, or enable that scope in the storage account"
VAULT = "the key of the encryption cannot be used: check the key vault and the storage account's access to it"
# By Azure's names: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
REMEDIES = {
    "AccountIsDisabled": "the storage account is disabled: enable it",
    "AuthenticationFailed": (
        "the server does not accept the credentials: correct account_key, connection_string or sas_token, renew a "
        "shared access signature that has expired, and check this host's clock"
    ),
    "AuthorizationFailure": (
        "the storage account refuses this host or these credentials: check its firewall and networks, and correct "
        "account_key or renew sas_token"
    ),
    "AuthorizationPermissionMismatch": DENIED,
    "BlobAccessTierNotSupportedForAccountType": "this kind of storage account has no access tiers: leave storage_class",
    "BlobAlreadyExists": (
        "an object with this key exists, and these credentials may not read it: grant reading, or correct key"
    ),
    "BlobArchived": "the object is in the Archive tier",
    "BlobBeingRehydrated": "the object is being thawed from the Archive tier",
    "BlobImmutableDueToPolicy": "a policy of the container or a legal hold protects the object: wait, or lift it",
    "BlobNotFound": "the object is not there",
    "BlockCountExceedsLimit": "blocks of too many unfinished uploads of this key are left: they end after a week",
    "ConditionNotMet": "the object was replaced or changed meanwhile: repeat",
    "ContainerBeingDeleted": "the container is being deleted: make it again when that has ended, or correct container",
    "ContainerDisabled": "the container is disabled: enable it",
    "ContainerNotFound": "the container does not exist: create it, or correct container",
    "InsufficientAccountPermissions": DENIED,
    "InvalidAuthenticationInfo": (
        "the server does not accept the token: check that tenant is the one of the storage account's subscription"
    ),
    "InvalidBlockList": "blocks of this upload are gone, because another process ended or aborted it: repeat",
    "InvalidResourceName": WRONG_NAME,
    "KeyBasedAuthenticationNotPermitted": (
        "the storage account takes no account keys: use a service principal or a managed identity"
    ),
    "KeyVaultAccessTokenCannotBeAcquired": VAULT,
    "KeyVaultEncryptionKeyNotFound": VAULT,
    "KeyVaultVaultNotFound": VAULT,
    "LeaseIdMissing": "somebody holds a lease on the object: break it",
    "Md5Mismatch": "the server received other bytes than were sent: check the disk and the network, and repeat",
    "NoAuthenticationInformation": NO_LOGIN,
    "OutOfRangeInput": WRONG_NAME,
    "PublicAccessNotPermitted": NO_LOGIN,
    "ResourceNotFound": NO_ACCOUNT,
    "SnapshotsPresent": "snapshots of the object exist, which are not this collection's: remove them",
    "UnsupportedHeader": SCOPE,
}
# What they mean to the commands. The first ones are those that every other request would get too.
REASONS = {
    **dict.fromkeys(
        """AccountIsDisabled AuthenticationFailed AuthorizationFailure ContainerBeingDeleted ContainerDisabled
        ContainerNotFound InvalidAuthenticationInfo InvalidResourceName KeyBasedAuthenticationNotPermitted
        NoAuthenticationInformation OutOfRangeInput PublicAccessNotPermitted ResourceNotFound""".split(),
        Reason.PLACE,
    ),
    "AuthorizationPermissionMismatch": Reason.DENIED,
    "BlobAlreadyExists": Reason.CHANGED,
    "BlobArchived": Reason.COLD,
    "BlobBeingRehydrated": Reason.COLD,
    "BlobNotFound": Reason.MISSING,
    "ConditionNotMet": Reason.CHANGED,
    "InsufficientAccountPermissions": Reason.DENIED,
    "InvalidBlockList": Reason.ENDED,
}
# Python's names for the errors of a certificate that is not trusted, and of a server without TLS.
WRONG_TLS = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")


class Asked(t.NamedTuple):
    """A request, for messages: the SDK's name for it, the object's URL, and the server's address."""

    request: str
    url: str
    endpoint: str


def explain_refusal(asked: Asked, code: str, status: int, message: str) -> Refused:
    """Return the error for a refused request: the request, its address, the reason and the remedy.

    :param code: Azure's name for the reason; empty where a proxy answered
    :param status: of HTTP
    """
    is_busy = status in (408, 429) or (status >= 500 and status != 501)
    if is_busy:
        remedy = f"the server answered {status}: repeat when it works again"
    else:
        remedy = REMEDIES.get(code, DENIED if status == 403 else "the server refused it")
    refused = Refused(
        f"{asked.request} of {asked.url} at {asked.endpoint}: {remedy} ({code or status}: {first_line(message)})",
        _reason(code, status),
        code,
    )
    refused.may_pass = is_busy
    return refused


def _reason(code: str, status: int) -> Reason:
    if code in REASONS:
        return REASONS[code]
    return {403: Reason.DENIED, 501: Reason.UNSUPPORTED}.get(status, Reason.OTHER)


def explain_no_token(asked: Asked, message: str, *, may_pass: bool) -> Refused:
    """Return the error for a service principal or a managed identity that gets no token.

    :param may_pass: whether the service that gives tokens could not be reached
    """
    refused = Refused(
        f"{asked.request} of {asked.url} at {asked.endpoint}: no token for these credentials: correct client_id, "
        f"secret and tenant, or give this host a managed identity ({first_line(message)})",
        Reason.PLACE,
    )
    refused.may_pass = may_pass
    return refused


def explain_unreachable(asked: Asked, message: str) -> StoreFailed:
    """Return the error for a request that got no whole answer, with the options to check."""
    failed = StoreFailed(
        f"{asked.endpoint} could not be reached for {asked.url}: {first_line(message)}; check account_name, "
        "account_url, ca_bundle and the network"
    )
    failed.may_pass = not any(words in message for words in WRONG_TLS)
    return failed


def first_line(message: str) -> str:
    """Return the first line of a message, without the signature of a request."""
    return re.sub(r"\bsig=[^&\s'\")]+", "sig=…", message.strip().partition("\n")[0])
