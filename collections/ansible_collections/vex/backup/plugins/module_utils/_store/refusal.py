# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The refusals of an S3 server, with the remedy for each."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed

if t.TYPE_CHECKING:
    from botocore.exceptions import ClientError

DENIED = "these credentials may not do that: grant them {} there"
# The rights that each reading operation needs, by S3's names. The rights to write are needed together.
RIGHTS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    # Without s3:ListBucket, the server answers 403 for an object that does not exist.
    "GetObject": "s3:GetObject and s3:ListBucket",
    "DeleteObject": "s3:DeleteObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
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
    "RequestTimeTooSkewed": "this host's clock is wrong: set it",
    "PermanentRedirect": "the bucket is in another region: correct region",
    "AuthorizationHeaderMalformed": "the bucket is in another region: correct region",
    "PreconditionFailed": (
        "an object with this key exists, and these credentials may not read it: grant s3:GetObject, or correct key"
    ),
    "BadDigest": "the server received other bytes than were sent: check the disk and the network, and repeat",
}


class Refused(StoreFailed):
    """A request that the server refused.

    :param code: S3's name for the reason, or the HTTP status of an answer without a body
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def explain_refusal(error: ClientError, url: str, endpoint: str, seconds: float) -> Refused:
    """Return the error for a refused request: the request, its address, the reason and the remedy.

    :param url: ``s3://bucket/key`` of the request
    :param endpoint: the server's address
    :param seconds: how long the request took, all attempts together
    """
    answer = error.response["Error"]
    metadata = error.response["ResponseMetadata"]
    code = answer.get("Code", "")
    status = metadata["HTTPStatusCode"]
    if status >= 500 and code != "NotImplemented":
        attempts = metadata.get("RetryAttempts", 0) + 1
        remedy = (
            f"the server answered {status} for {seconds:.0f} seconds ({attempts} attempts): "
            "repeat when the server works again, or raise retries"
        )
    else:
        rights = RIGHTS.get(error.operation_name, RIGHTS_TO_WRITE)
        remedy = REMEDIES.get(code, "the server refused it").format(rights)
    return Refused(
        f"{error.operation_name} of {url} at {endpoint}: {remedy} ({code}: {answer.get('Message', '')})", code
    )
