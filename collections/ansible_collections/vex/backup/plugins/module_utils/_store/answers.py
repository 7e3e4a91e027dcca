# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The answers of an S3 server: what each must have, because botocore takes one that was cut off for a whole one."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed

# By boto3's name of the operation. A list of objects without IsTruncated has no end: more could follow.
NEEDED = {
    "complete_multipart_upload": ("ETag",),
    "create_multipart_upload": ("UploadId",),
    "head_object": ("ContentLength", "ETag"),
    "list_objects_v2": ("IsTruncated",),
    "list_parts": ("UploadId",),
    "put_object": ("ETag",),
    "upload_part": ("ETag",),
}


def require_whole(operation: str, answer: t.Mapping[str, t.Any], url: str, endpoint: str) -> None:
    """Check that an answer was not cut off.

    :param url: ``s3://bucket/key`` of the request
    :param endpoint: the server's address
    :raises StoreFailed: when it lacks what the operation returns; the same request may succeed later
    """
    lacking = [name for name in NEEDED.get(operation, ()) if name not in answer]
    if lacking:
        failed = StoreFailed(
            f"{endpoint} gave an incomplete answer for {url}, without {', '.join(lacking)}: check that endpoint_url "
            "is the address of an S3 server, and the network"
        )
        failed.may_pass = True
        raise failed
