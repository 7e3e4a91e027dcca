# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The failures of an S3 server: the remedy for each, and which of them may pass."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused

# Without it the modules refuse to start: see BOTO3_FAILURE in s3_client.py.
with contextlib.suppress(ImportError):
    from botocore.exceptions import ConnectionError as ConnectionFailed
    from botocore.exceptions import HTTPClientError

if t.TYPE_CHECKING:
    from botocore.exceptions import ClientError

DENIED = "these credentials may not do that: grant them {} there"
# The rights that each reading operation needs, by S3's names. The rights to write are needed together.
RIGHTS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    # Without s3:ListBucket, the server answers 403 for an object that does not exist.
    "GetObject": "s3:GetObject and s3:ListBucket",
    "RestoreObject": "s3:RestoreObject",
    "DeleteObject": "s3:DeleteObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListParts": "s3:ListMultipartUploadParts",
}
RIGHTS_TO_WRITE = "s3:PutObject, s3:GetObject and s3:AbortMultipartUpload"
NO_BUCKET = "the bucket does not exist: create it, or correct bucket"
REMEDIES = {
    "NoSuchBucket": NO_BUCKET,
    # The answer to HeadBucket has no body with a code. A missing object is never reported with this remedy.
    "404": NO_BUCKET,
    "NoSuchKey": "the object is not there",
    "AccessDenied": DENIED,
    "403": DENIED,
    "InvalidAccessKeyId": "the server does not know the access key: correct access_key",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key: correct secret_key",
    "ExpiredToken": "the session token has expired: renew session_token",
    "InvalidToken": "the server does not know the session token: renew session_token",
    "RequestTimeTooSkewed": "this host's clock is wrong: set it",
    "PermanentRedirect": "the bucket is in another region: correct region",
    "301": "the bucket is in another region: correct region",
    "AuthorizationHeaderMalformed": "the bucket is in another region: correct region",
    "PreconditionFailed": (
        "an object with this key exists, and these credentials may not read it: grant s3:GetObject, or correct key"
    ),
    "BadDigest": "the server received other bytes than were sent: check the disk and the network, and repeat",
    "KMS.NotFoundException": "the key of the encryption does not exist: correct kms_key_id",
    "KMS.DisabledException": "the key of the encryption is disabled: enable it, or give another kms_key_id",
}
# The names with which servers refuse a header that they do not know; HEAD has only the status.
UNSUPPORTED = frozenset(("NotImplemented", "InvalidArgument", "InvalidRequest", "400"))

# The names of a server that has too much to do, or whose connection was too slow.
BUSY = frozenset(
    """BandwidthLimitExceeded ConditionalRequestConflict OperationAborted PriorRequestNotComplete RequestLimitExceeded
    RequestThrottled RequestThrottledException RequestTimeout RequestTimeoutException SlowDown SlowDownRead
    SlowDownWrite ThrottledException Throttling ThrottlingException TooManyRequests TooManyRequestsException""".split()
)
# Python's names for the errors of a certificate that is not trusted, and of a server without TLS.
WRONG_TLS = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")


# Refusals that every other request would get too.
OF_ALL = frozenset(
    """301 AuthorizationHeaderMalformed ExpiredToken InvalidAccessKeyId InvalidToken NoSuchBucket PermanentRedirect
    RequestTimeTooSkewed SignatureDoesNotMatch""".split()
)


# What they mean to the commands. A 403 whose reason no other request tells is none of these.
REASONS = {
    "NoSuchKey": Reason.MISSING,
    "404": Reason.PLACE,
    "AccessDenied": Reason.DENIED,
    "PreconditionFailed": Reason.CHANGED,
    "412": Reason.CHANGED,
    "NoSuchUpload": Reason.ENDED,
    "InvalidObjectState": Reason.COLD,
    **dict.fromkeys(UNSUPPORTED, Reason.UNSUPPORTED),
    **dict.fromkeys(OF_ALL, Reason.PLACE),
}


def explain_refusal(error: ClientError, url: str, endpoint: str) -> Refused:
    """Return the error for a refused request: the request, its address, the reason and the remedy.

    :param url: ``s3://bucket/key`` of the request
    :param endpoint: the server's address
    """
    answer = error.response["Error"]
    code = answer.get("Code", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status >= 500 and code != "NotImplemented":
        remedy = f"the server answered {status}: repeat when it works again"
    else:
        rights = RIGHTS.get(error.operation_name, RIGHTS_TO_WRITE)
        remedy = REMEDIES.get(code, "the server refused it").format(rights)
    refused = Refused(
        f"{error.operation_name} of {url} at {endpoint}: {remedy} ({code}: {answer.get('Message', '')})",
        REASONS.get(code, Reason.OTHER),
        code,
    )
    refused.may_pass = status == 429 or code in BUSY or (status >= 500 and code != "NotImplemented")
    return refused


def explain_unreachable(error: Exception, url: str, endpoint: str) -> StoreFailed:
    """Return the error for a request that got no whole answer, with the options to check."""
    failed = StoreFailed(
        f"{endpoint} could not be reached for {url}: {error}; check endpoint_url, ca_bundle and the network"
    )
    failed.may_pass = isinstance(error, (HTTPClientError, ConnectionFailed)) and not any(
        words in str(error) for words in WRONG_TLS
    )
    return failed
