# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client of an S3 server: its settings, and its requests, each of which is one attempt."""

from __future__ import annotations

import dataclasses
import traceback
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3_answers import require_whole
from ansible_collections.vex.backup.plugins.module_utils._store.s3_refusal import explain_refusal, explain_unreachable

try:
    # Botocore alone: the rest of boto3, with its transfers in threads of its own, takes longer to import.
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
    from botocore.parsers import ResponseParserError
    from botocore.session import Session
except ImportError:
    BOTO3_FAILURE: t.Optional[str] = traceback.format_exc()
else:
    # Older versions have neither conditional writes nor the choice of checksums, and fail in the middle of an upload.
    old = tuple(int(part) for part in botocore.__version__.split(".")[:2]) < (1, 36)
    BOTO3_FAILURE = f"botocore {botocore.__version__} is installed" if old else None

Answer = t.Dict[str, t.Any]

CONNECT_SECONDS = 10
READ_SECONDS = 60
# Signing needs a region. Servers other than AWS's accept any.
DEFAULT_REGION = "us-east-1"


@dataclasses.dataclass(frozen=True)
class S3Settings:
    """The ``S3`` and ``ENCRYPTION`` options of a module, by their names; ``None`` where one is not set."""

    access_key: t.Optional[str] = dataclasses.field(default=None, repr=False)
    secret_key: t.Optional[str] = dataclasses.field(default=None, repr=False)
    session_token: t.Optional[str] = dataclasses.field(default=None, repr=False)
    profile: t.Optional[str] = None
    region: t.Optional[str] = None
    endpoint_url: t.Optional[str] = None
    ca_bundle: t.Optional[str] = None
    request_checksum_calculation: t.Literal["when_supported", "when_required"] = "when_required"
    addressing_style: t.Literal["auto", "path", "virtual"] = "auto"
    server_side_encryption: t.Optional[str] = None
    kms_key_id: t.Optional[str] = None

    def __post_init__(self) -> None:
        if self.kms_key_id is not None and not (self.server_side_encryption or "").startswith("aws:kms"):
            raise OptionError("kms_key_id needs server_side_encryption aws:kms or aws:kms:dsse: set that too")

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> S3Settings:
        """Take the settings from a module's options.

        :param options: a value for the name of each field, ``None`` for one that is not given
        :raises OptionError: for a key without the encryption that it is for
        """
        return cls(**{name: value for name, value in options.items() if value is not None})

    @property
    def encryption(self) -> t.Dict[str, str]:
        """The parameters of a request that writes an encrypted object; none for what is ``None``."""
        given = {"ServerSideEncryption": self.server_side_encryption, "SSEKMSKeyId": self.kms_key_id}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def addressing(self) -> t.Literal["auto", "path", "virtual"]:
        """Botocore's addressing style: its ``auto`` is for AWS, other stores often know no host of a bucket's name."""
        return "path" if self.addressing_style == "auto" and self.endpoint_url else self.addressing_style


def make_client(settings: S3Settings, config: Config) -> t.Any:
    """Make a client of botocore.

    :raises OptionError: for credentials that cannot be found, or an option that botocore refuses
    """
    try:
        session = Session(profile=settings.profile)
        if settings.access_key is not None and settings.secret_key is not None:
            session.set_credentials(settings.access_key, settings.secret_key, settings.session_token)
        return session.create_client(
            "s3",
            region_name=settings.region or session.get_config_variable("region") or DEFAULT_REGION,
            endpoint_url=settings.endpoint_url,
            verify=settings.ca_bundle,
            config=config,
        )
    except (ProfileNotFound, PartialCredentialsError) as error:
        raise OptionError(
            f"no usable credentials: {error}; correct profile, or set access_key and secret_key"
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise OptionError(f"boto3 refuses the options: {error}") from error


class Client:
    """The client of one bucket.

    Botocore's own retries are off: :class:`Patience` is the only one that repeats a request.

    :param timeout: seconds for all requests together; 0 or ``None`` for no limit
    :param parallel: requests at a time
    :param deadline: returns the time limit at this moment
    :raises OptionError: for credentials that cannot be found, or an option that boto3 refuses
    """

    def __init__(
        self,
        settings: S3Settings,
        bucket: str,
        *,
        timeout: t.Optional[int],
        parallel: int,
        deadline: t.Callable[[], Deadline],
    ) -> None:
        config = Config(
            connect_timeout=min(CONNECT_SECONDS, timeout or CONNECT_SECONDS),
            read_timeout=min(READ_SECONDS, timeout or READ_SECONDS),
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=parallel,
            request_checksum_calculation=settings.request_checksum_calculation,
            response_checksum_validation="when_required",
            s3={"addressing_style": settings.addressing},
        )
        self._deadline = deadline
        self._bucket = bucket
        self._client = make_client(settings, config)
        self._client.meta.events.register("before-send.s3", self._prepare)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def url(self, key: str) -> str:
        """Return ``s3://bucket/key``."""
        return f"s3://{self._bucket}/{key}"

    def send(self, operation: str, **params: t.Any) -> Answer:
        """Make one request once, from within one of the store's threads.

        :param operation: boto3's name for it, such as ``head_object``
        :raises Refused: when the server refuses it
        :raises StoreFailed: when the server cannot be reached; with ``may_pass`` when that may pass
        """
        url = self.url(params.get("Key", ""))
        endpoint = self._client.meta.endpoint_url
        if hasattr(params.get("Body"), "seek"):
            # An attempt that failed has read a part of it.
            params["Body"].seek(0)
        if isinstance(params.get("Body"), Part):
            # Botocore reads the body for the signature first, where the connection is not encrypted.
            params["Body"].is_sent = False
        try:
            with failpoint(f"store:{operation}"):
                answer: Answer = getattr(self._client, operation)(Bucket=self._bucket, **params)
        except ParamValidationError as error:
            raise OptionError(f"boto3 refuses the options: {error}") from error
        except NoCredentialsError as error:
            raise StoreFailed(f"no credentials for {endpoint}: set access_key and secret_key, or profile") from error
        except ClientError as error:
            refused = explain_refusal(error, url, endpoint)
            raise self._named(refused, operation, params) from error
        except (BotoCoreError, ResponseParserError) as error:
            # Botocore wraps the error of a body whose reading finds that no time is left.
            self._deadline().check()
            raise explain_unreachable(error, url, endpoint) from error
        require_whole(operation, answer, url, endpoint)
        return answer

    def _prepare(self, request: t.Any, **_: t.Any) -> None:
        # Botocore sends a request again after a redirection to another region.
        self._deadline().check()
        # When the answer to "Expect: 100-continue" is cut off, botocore reads its headers for ever.
        request.headers.pop("Expect", None)
        if isinstance(request.body, Part):
            request.body.is_sent = True

    def _named(self, refused: Refused, operation: str, params: t.Mapping[str, t.Any]) -> Refused:
        """Return the refusal with its reason: the answer to HEAD has no body, so another request asks for it."""
        if refused.may_pass or refused.code == "404" or not refused.code.isdigit():
            return refused
        try:
            if operation == "head_object":
                self.send("get_object", Key=params["Key"], Range="bytes=0-0")["Body"].close()
            elif operation == "head_bucket":
                self.send("list_objects_v2", MaxKeys=1)
        except Refused as named:
            return refused if named.is_missing else named
        return refused
