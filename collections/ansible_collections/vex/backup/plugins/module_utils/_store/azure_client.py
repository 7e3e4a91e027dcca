# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client of one container of Azure Blob Storage: its settings, and its requests, each of which is one attempt."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import logging
import traceback
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.azure_refusal import (
    Asked,
    explain_no_token,
    explain_refusal,
    explain_unreachable,
)

try:
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.storage.blob import BlobServiceClient
except ImportError:
    AZURE_FAILURE: t.Optional[str] = traceback.format_exc()
else:
    AZURE_FAILURE = None
    # Without a handler, Python writes the SDK's warnings into the module's output. Its errors say the same.
    logging.getLogger("azure").addHandler(logging.NullHandler())

CONNECT_SECONDS = 10
READ_SECONDS = 60
# More than any request for a blob reads: the SDK would split it into several.
WHOLE = 2**40

Answer = t.TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class AzureSettings:
    """The ``AZURE`` options of a module, by their names; ``None`` where one is not set."""

    connection_string: t.Optional[str] = dataclasses.field(default=None, repr=False)
    account_name: t.Optional[str] = None
    account_url: t.Optional[str] = None
    account_key: t.Optional[str] = dataclasses.field(default=None, repr=False)
    sas_token: t.Optional[str] = dataclasses.field(default=None, repr=False)
    auth_source: t.Optional[t.Literal["auto", "msi"]] = None
    client_id: t.Optional[str] = None
    secret: t.Optional[str] = dataclasses.field(default=None, repr=False)
    tenant: t.Optional[str] = None
    ca_bundle: t.Optional[str] = None
    encryption_scope: t.Optional[str] = None

    def __post_init__(self) -> None:
        if sum(self._ways()) != 1:
            raise OptionError(
                "give one way to log in to Azure: connection_string; or account_key, sas_token, client_id with secret "
                "and tenant, or auth_source=msi"
            )
        if self.connection_string is not None:
            return
        if self.account_name is None and self.account_url is None:
            raise OptionError("give account_name, or account_url where the account has another address")
        if self.account_key is not None:
            _check_key(self.account_key)
            if self.account_name is None:
                raise OptionError("account_key needs account_name")
        parts = [part is not None for part in self._principal()]
        if self.auth_source != "msi" and any(parts) and not all(parts):
            raise OptionError("a service principal needs client_id, secret and tenant")

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> AzureSettings:
        """Take the settings from a module's options.

        :raises OptionError: for options that cannot work together
        """
        return cls(**{field.name: options[field.name] for field in dataclasses.fields(cls)})

    @property
    def url(self) -> str:
        """The account's address."""
        return self.account_url or f"https://{self.account_name}.blob.core.windows.net"

    @property
    def encryption(self) -> t.Dict[str, str]:
        """The parameter of a request that writes a blob encrypted with the key of a scope; none without a scope."""
        return {} if self.encryption_scope is None else {"encryption_scope": self.encryption_scope}

    def _ways(self) -> t.List[bool]:
        is_msi = self.auth_source == "msi"
        given = (self.connection_string, self.account_key, self.sas_token)
        return [*(one is not None for one in given), is_msi, not is_msi and self._principal() != (None, None, None)]

    def _principal(self) -> t.Tuple[t.Optional[str], t.Optional[str], t.Optional[str]]:
        return (self.client_id, self.secret, self.tenant)


def _check_key(account_key: str) -> None:
    try:
        base64.b64decode(account_key, validate=True)
    except binascii.Error:
        raise OptionError("account_key is not a key of Azure, which is base64: copy it again") from None


def make_service(settings: AzureSettings, options: t.Mapping[str, t.Any]) -> t.Any:
    """Make the SDK's client of a storage account.

    :param options: of its connections
    :raises OptionError: for an option that the SDK refuses, or a library that is missing
    """
    try:
        if settings.connection_string is not None:
            return BlobServiceClient.from_connection_string(settings.connection_string, **options)
        return BlobServiceClient(settings.url, credential=_credential(settings, options), **options)
    except ValueError as error:
        raise OptionError(
            f"azure-storage-blob refuses the options: {error}; correct connection_string or account_url"
        ) from None


def _credential(settings: AzureSettings, options: t.Mapping[str, t.Any]) -> t.Any:
    if settings.account_key is not None:
        return AzureNamedKeyCredential(t.cast("str", settings.account_name), settings.account_key)
    if settings.sas_token is not None:
        return AzureSasCredential(settings.sas_token.lstrip("?"))
    try:
        from azure.identity import ClientSecretCredential, ManagedIdentityCredential  # noqa: PLC0415
    except ImportError as error:
        raise OptionError(
            f"a service principal and a managed identity need azure-identity: install it by pip for the Python that "
            f"runs this ({error})"
        ) from error
    if settings.auth_source == "msi":
        return ManagedIdentityCredential(client_id=settings.client_id, **options)
    return ClientSecretCredential(
        t.cast("str", settings.tenant), t.cast("str", settings.client_id), t.cast("str", settings.secret), **options
    )


class Client:
    """The client of one container.

    The SDK's own retries are off: :class:`Patience` is the only one that repeats a request.

    :param timeout: seconds for all requests together; 0 or ``None`` for no limit
    :param deadline: returns the time limit at this moment
    :raises OptionError: for an option that the SDK refuses, or a library that is missing
    """

    def __init__(
        self,
        settings: AzureSettings,
        container: str,
        *,
        timeout: t.Optional[int],
        deadline: t.Callable[[], Deadline],
    ) -> None:
        options = {
            "connection_timeout": min(CONNECT_SECONDS, timeout or CONNECT_SECONDS),
            "read_timeout": min(READ_SECONDS, timeout or READ_SECONDS),
            "retry_total": 0,
            **({} if settings.ca_bundle is None else {"connection_verify": settings.ca_bundle}),
        }
        self._deadline = deadline
        self._service = make_service(
            settings, {**options, "raw_request_hook": self._prepare, "max_single_get_size": WHOLE}
        )
        self._container = self._service.get_container_client(container)
        self.endpoint = f"{self._service.scheme}://{self._service.primary_hostname.rstrip('/')}"
        self.place = container

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def url(self, key: str) -> str:
        """Return the address of a blob, or of the container for an empty key."""
        return f"{self.endpoint}/{self.place}/{key}"

    def request(self, operation: str, key: str, *arguments: t.Any, **params: t.Any) -> t.Any:
        """Make one request about a blob once, from within one of the threads.

        :param operation: the name of the method of the SDK's ``BlobClient``
        :raises OptionError: for a key that Azure would change
        :raises Refused: when the server refuses it
        :raises StoreFailed: when the server cannot be reached; with ``may_pass`` when that may pass
        """
        if "\\" in key:
            raise OptionError(f"the key {key!r} has a backslash, which Azure takes for a slash: choose another prefix")
        blob = self._container.get_blob_client(key)
        return self._attempt(operation, key, lambda: getattr(blob, operation)(*arguments, **params))

    def page(
        self, operation: str, prefix: str, following: t.Optional[t.Mapping[str, t.Any]], **params: t.Any
    ) -> t.Tuple[t.List[t.Any], t.Optional[t.Dict[str, str]]]:
        """Return one page of a list of blobs, and what asks for the next one, ``None`` after the last.

        :param operation: the name of the method of the SDK's ``ContainerClient``
        :raises Refused: when the server refuses it
        :raises StoreFailed: when the server cannot be reached; with ``may_pass`` when that may pass
        """
        whole = getattr(self._container, operation)(name_starts_with=prefix, **params)
        pages = whole.by_page((following or {}).get("marker"))
        found = self._attempt(operation, prefix, lambda: list(next(pages)))
        return found, {"marker": pages.continuation_token} if pages.continuation_token else None

    def _attempt(self, operation: str, key: str, action: t.Callable[[], Answer]) -> Answer:
        asked = Asked(operation, self.url(key), self.endpoint)
        try:
            with failpoint(f"store:{operation}"):
                return action()
        except (AzureError, ValueError) as error:
            # The SDK raises ValueError for an answer that lacks what it reads.
            self._deadline().check()
            raise _explained(asked, error) from error

    def _prepare(self, _request: t.Any) -> None:
        self._deadline().check()


def _explained(asked: Asked, error: Exception) -> StoreFailed:
    message = str(getattr(error, "message", error))
    status = getattr(error, "status_code", None) or 0
    if status >= 400:
        # A code that the SDK knows is a member of an enumeration.
        code = getattr(error, "error_code", None) or ""
        return explain_refusal(asked, str(getattr(code, "value", code)), status, message)
    if isinstance(error, ClientAuthenticationError):
        return explain_no_token(asked, message, may_pass=isinstance(error.__cause__, AzureError))
    return explain_unreachable(asked, message)
