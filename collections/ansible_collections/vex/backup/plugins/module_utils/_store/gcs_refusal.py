# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The failures of Google Cloud Storage: the remedy for each, and which of them may pass."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused

# Without them the store refuses to start: see GCS_FAILURE in gcs_client.py.
with contextlib.suppress(ImportError):
    import requests
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError, TransportError
    from urllib3.exceptions import HTTPError

KMS_DENIED = (
    "Cloud Storage's own service agent may not use the key: grant it the role Cloud KMS CryptoKey Encrypter/Decrypter "
    "(roles/cloudkms.cryptoKeyEncrypterDecrypter) on the key"
)
CHANGED = (
    "an object with this key exists, and these credentials may not read it: grant storage.objects.get, or correct key; "
    "or an object that was being read was replaced: repeat"
)
REMEDIES = {
    401: (Reason.PLACE, "the server does not accept the credentials: give others, or correct this host's clock"),
    404: (Reason.MISSING, "the object is not there"),
    412: (Reason.CHANGED, CHANGED),
}
# Google's reasons for a 403 of a project that made too many requests.
TOO_MANY = frozenset(("rateLimitExceeded", "userRateLimitExceeded"))
# Python's names for the errors of a certificate that is not trusted, and of a server without TLS.
WRONG_TLS = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")

_UPLOAD_ID = re.compile(r"upload_id=[^\s&)'\"]+")


class Request(t.NamedTuple):
    """A request, for messages.

    :param name: such as ``the upload``
    :param url: ``gs://bucket/key``
    :param endpoint: the server's address
    :param permissions: what the credentials need, by Google's names
    """

    name: str
    url: str
    endpoint: str
    permissions: str


class _Answer(t.NamedTuple):
    """A refusal as the server gives it: HTTP status, Google's name for the reason, and a text."""

    status: int
    reason: str
    message: str


@contextlib.contextmanager
def explained(request: Request) -> t.Iterator[None]:
    """Turn the errors of Google's libraries into those of the port.

    :raises Refused: when the server refuses the request
    :raises StoreFailed: when the server cannot be reached; with ``may_pass`` when that may pass
    """
    try:
        yield
    except GoogleAPICallError as error:
        raise explain_answer(error.response, request, f"{error.message}") from error
    except GoogleAuthError as error:
        raise _explain_login(error, request) from error
    except (requests.RequestException, HTTPError) as error:
        # The former does not wrap the errors of a body that is read as it comes.
        raise _explain_unreachable(error, request) from error


def explain_answer(response: t.Optional[requests.Response], request: Request, message: str = "") -> StoreFailed:
    """Return the error for an answer that is a refusal: the request, its address, the reason and the remedy.

    :param message: the reason, for an answer that gives none
    """
    answer = _read(response, message)
    reason, remedy, may_pass = _judge(answer, request)
    text = f"{request.name} of {request.url} at {request.endpoint}: {remedy} ({answer.status}: {answer.message})"
    if answer.status == 400 and "crc32c" in answer.message.lower():
        return UploadFailed(text)
    refused = Refused(text, reason, answer.reason)
    refused.may_pass = may_pass
    return refused


def _judge(answer: _Answer, request: Request) -> t.Tuple[Reason, str, bool]:
    """Return the reason of a refusal, the remedy, and whether it may pass."""
    status, text = answer.status, answer.message.lower()
    if status >= 500 or status in (408, 429) or answer.reason in TOO_MANY:
        return Reason.OTHER, f"the server answered {status}: repeat when it works again", True
    if status == 403:
        return (*_judge_403(text, request), False)
    if status == 404 and "bucket does not exist" in text:
        return Reason.PLACE, "the bucket does not exist: create it, or correct bucket", False
    return (*REMEDIES.get(status, (Reason.OTHER, _judge_400(text))), False)


def _judge_403(text: str, request: Request) -> t.Tuple[Reason, str]:
    if " hold" in text or "retention" in text:
        return Reason.OTHER, "the bucket locks the object: wait for the end of the lock, or release the hold"
    if "kms" in text:
        return Reason.DENIED, KMS_DENIED
    return Reason.DENIED, f"these credentials may not do that: grant them {request.permissions} on the bucket"


def _judge_400(text: str) -> str:
    if "crc32c" in text:
        return "the server received other bytes than were sent: check the disk and the network, and repeat"
    return (
        "the key of the encryption cannot be used: correct kms_key_name" if "kms" in text else "the server refused it"
    )


def _read(response: t.Optional[requests.Response], message: str) -> _Answer:
    if response is None:
        return _Answer(500, "", message)
    try:
        error = response.json()["error"]
        reason = str(error["errors"][0]["reason"])
        return _Answer(response.status_code, reason, str(error["message"]))
    except (ValueError, LookupError, TypeError):
        # Of a proxy, or of a request on the contents of an object.
        return _Answer(response.status_code, "", " ".join((response.text or message).split())[:200])


def _explain_login(error: GoogleAuthError, request: Request) -> StoreFailed:
    reason = error.args[0] if error.args else error
    if isinstance(error, TransportError) or error.retryable:
        failed = StoreFailed(
            f"{request.name} of {request.url}: the server that gives access tokens could not be reached: {reason}; "
            "check the network"
        )
        failed.may_pass = not any(words in str(reason) for words in WRONG_TLS)
        return failed
    return Refused(
        f"{request.name} of {request.url}: Google refused the login: {reason}; correct auth_kind and the service "
        "account's key, or check this host's clock",
        Reason.PLACE,
    )


def _explain_unreachable(error: t.Union[requests.RequestException, HTTPError], request: Request) -> StoreFailed:
    # Whoever knows the id of an upload may write.
    reason = _UPLOAD_ID.sub("upload_id=...", str(error))
    failed = StoreFailed(
        f"{request.endpoint} could not be reached for {request.name} of {request.url}: {reason}; check endpoint_url "
        "and the network"
    )
    # A request that cannot be made at all is a ValueError too; so is an answer that was cut off.
    is_wrong = isinstance(error, ValueError) and not isinstance(error, requests.exceptions.JSONDecodeError)
    failed.may_pass = not is_wrong and not any(words in reason for words in WRONG_TLS)
    return failed
