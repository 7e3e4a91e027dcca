# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An object store: its client, its requests in threads and in time, its refusals in words."""

from __future__ import annotations

import concurrent.futures
import threading
import time
import traceback
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed

try:
    # All of boto3 that is needed here. The rest, transfers by threads of its own, takes longer to load than this.
    import botocore
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
        ProfileNotFound,
    )
    from botocore.session import Session
except ImportError:
    BOTO3_FAILURE: t.Optional[str] = traceback.format_exc()
else:
    # Older ones know neither conditional writes nor the choice of checksums, and fail in the midst of an upload.
    old = tuple(int(part) for part in botocore.__version__.split(".")[:2]) < (1, 36)
    BOTO3_FAILURE = f"botocore {botocore.__version__} is installed" if old else None

Answer = t.Dict[str, t.Any]
Requests = t.Sequence["concurrent.futures.Future[Answer]"]

CONNECT_SECONDS = 10
READ_SECONDS = 60
# Signing needs a region; servers other than AWS's take any, and this one by default.
ANY_REGION = "us-east-1"

DENIED = "these credentials may not do that: grant them {} there"
# What S3 calls the rights to read; those to write belong together.
RIGHTS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    # Without the second, what is not there looks forbidden.
    "GetObject": "s3:GetObject and s3:ListBucket",
    "DeleteObject": "s3:DeleteObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
}
RIGHTS_TO_WRITE = "s3:PutObject, s3:GetObject and s3:AbortMultipartUpload"
NO_BUCKET = "the bucket does not exist: create it, or correct bucket"
REMEDIES = {
    "NoSuchBucket": NO_BUCKET,
    # The answer to HeadBucket has no body that could say more; that an object is not there is never an error.
    "404": NO_BUCKET,
    "NoSuchKey": "the object is not there",
    "AccessDenied": DENIED,
    "403": DENIED,
    "InvalidAccessKeyId": "the server does not know the access key: correct access_key",
    "SignatureDoesNotMatch": "the secret key does not go with the access key: correct secret_key",
    "ExpiredToken": "the session token has expired: renew session_token",
    "RequestTimeTooSkewed": "this host's clock is wrong: set it",
    "PermanentRedirect": "the bucket is in another region: correct region",
    "AuthorizationHeaderMalformed": "the bucket is in another region: correct region",
    "PreconditionFailed": "the key is taken by what these credentials may not read: grant s3:GetObject, or correct key",
    "BadDigest": "what arrived is not what was sent: check the disk and the network, and repeat",
}


class Refused(StoreFailed):
    """The server refused a request; ``code`` is S3's name for the reason, or the HTTP status of an empty answer."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Bound:
    """How long requests may go on: until a deadline, if there is one, or until told to stop. Shared by threads.

    :param seconds: from now; ``None`` for no deadline
    :param work: what takes that long, for the errors
    """

    def __init__(self, seconds: t.Optional[float], work: str) -> None:
        self._work = work
        self._stopped = threading.Event()
        self.restart(seconds)

    def restart(self, seconds: t.Optional[float]) -> None:
        """Begin anew, with another deadline."""
        self._seconds = seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._stopped.clear()

    def stop(self) -> None:
        """Let every further :meth:`check` fail."""
        self._stopped.set()

    def remaining(self) -> t.Optional[float]:
        """Seconds until the deadline, at least 0."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def check(self) -> None:
        """Raise :class:`StoreFailed` when it is over."""
        if self._stopped.is_set():
            raise StoreFailed(f"another part of the {self._work} failed")
        if self.remaining() == 0:
            raise self.passed()

    def pause(self, seconds: float) -> None:
        """Wait, unless it is over meanwhile."""
        left = self.remaining()
        self._stopped.wait(seconds if left is None else min(seconds, left))
        self.check()

    def passed(self) -> StoreFailed:
        """The error that says that the deadline has passed."""
        return StoreFailed(f"the {self._work} took longer than {self._seconds:.0f} seconds: raise timeout")


class Store:
    """One bucket of an object store. A context: at its end no request goes on.

    Requests run in threads of their own and this one waits, because botocore takes an exception that a signal
    raises in the midst of a request for a failure of the network, and repeats the request.

    :param options: the ``S3`` options of a module
    :param retries: how often a request is repeated after a failure that may pass
    :param parallel: requests at a time
    :raises OptionError: for credentials that cannot be found, or an option that boto3 refuses
    """

    def __init__(
        self, options: t.Mapping[str, t.Any], bucket: str, *, bound: Bound, retries: int, parallel: int
    ) -> None:
        limit = bound.remaining()
        config = Config(
            connect_timeout=min(CONNECT_SECONDS, limit or CONNECT_SECONDS),
            read_timeout=min(READ_SECONDS, limit or READ_SECONDS),
            retries={"mode": "standard", "total_max_attempts": retries + 1},
            max_pool_connections=parallel,
            request_checksum_calculation=options["request_checksum_calculation"],
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if options["endpoint_url"] else "auto"},
        )
        try:
            session = Session(profile=options["profile"])
            if options["access_key"] is not None:
                session.set_credentials(options["access_key"], options["secret_key"], options["session_token"])
            self._client: t.Any = session.create_client(
                "s3",
                region_name=options["region"] or session.get_config_variable("region") or ANY_REGION,
                endpoint_url=options["endpoint_url"],
                verify=options["ca_bundle"],
                config=config,
            )
        except (ProfileNotFound, PartialCredentialsError) as error:
            raise OptionError(
                f"no usable credentials: {error}; correct profile, or set access_key and secret_key"
            ) from error
        except (BotoCoreError, ValueError) as error:
            raise OptionError(f"boto3 refuses the options: {error}") from error
        # Before each attempt, not each request: a request can be repeated past the deadline.
        self._client.meta.events.register("before-send.s3", lambda **_: bound.check())
        self._pool = Threads(parallel)
        self.parallel = parallel
        self.bucket = bucket
        self.bound = bound

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.bound.stop()
        self._pool.shutdown()
        self._client.close()

    def url(self, key: str) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{key}"

    def start(self, action: t.Callable[..., Answer], *arguments: t.Any) -> concurrent.futures.Future[Answer]:
        """Do *action*, which makes requests, in a thread."""
        return self._pool.submit(action, *arguments)

    def call(self, operation: str, **params: t.Any) -> Answer:
        """Make one request from this thread and wait for the answer.

        :param operation: boto3's name for it, ``head_object`` for one
        :raises Refused: when the server refuses it
        :raises StoreFailed: when the server cannot be reached, or not in time
        """
        return self.wait([self._pool.submit(lambda: self.request(operation, **params))])[0]

    def wait(self, requests: Requests) -> t.List[Answer]:
        """The answers to *requests*, in their order; raises what the first failing one raised, at once."""
        try:
            for request in concurrent.futures.as_completed(requests, self.bound.remaining()):
                request.result()
        except concurrent.futures.TimeoutError:
            raise self.bound.passed() from None
        return [request.result() for request in requests]

    def end(self) -> None:
        """Return when no request goes on any more; another may be made once the bound is restarted."""
        self.bound.stop()
        self._pool.shutdown(cancel_futures=True)
        self._pool = Threads(self.parallel)

    def request(self, operation: str, **params: t.Any) -> Answer:
        """Like :meth:`call`, within one of the threads."""
        began = time.monotonic()
        try:
            answer: Answer = getattr(self._client, operation)(Bucket=self.bucket, **params)
        except ParamValidationError as error:
            raise OptionError(f"boto3 refuses the options: {error}") from error
        except NoCredentialsError as error:
            raise StoreFailed(
                f"no credentials for {self._client.meta.endpoint_url}: set access_key and secret_key, or profile"
            ) from error
        except ClientError as error:
            raise self._refused(error, params, time.monotonic() - began) from error
        except BotoCoreError as error:
            # A read of the body that found the time to be over comes back wrapped.
            self.bound.check()
            raise StoreFailed(
                f"{self._client.meta.endpoint_url} could not be reached for {self.url(params.get('Key', ''))}: {error}"
                "; check endpoint_url, ca_bundle and the network"
            ) from error
        return answer

    def _refused(self, error: ClientError, params: t.Mapping[str, t.Any], seconds: float) -> Refused:
        answer = error.response["Error"]
        code = answer.get("Code", "")
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        attempts = error.response["ResponseMetadata"].get("RetryAttempts", 0) + 1
        if status >= 500 and code != "NotImplemented":
            remedy = (
                f"the server answered {status} for {seconds:.0f} seconds ({attempts} attempts): "
                "repeat when it is well, or raise retries"
            )
        else:
            rights = RIGHTS.get(error.operation_name, RIGHTS_TO_WRITE)
            remedy = REMEDIES.get(code, "the server refused it").format(rights)
        where = f"{error.operation_name} of {self.url(params.get('Key', ''))} at {self._client.meta.endpoint_url}"
        return Refused(f"{where}: {remedy} ({code}: {answer.get('Message', '')})", code)
