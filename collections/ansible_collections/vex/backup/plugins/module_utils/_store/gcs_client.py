# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client of Google Cloud Storage, and its credentials."""

from __future__ import annotations

import dataclasses
import json
import os
import traceback
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

try:
    import google.auth
    from google.api_core.client_options import ClientOptions
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import storage
    from google.oauth2 import service_account
except ImportError:
    GCS_FAILURE: t.Optional[str] = traceback.format_exc()
else:
    GCS_FAILURE = None

if t.TYPE_CHECKING:
    from google.auth.credentials import Credentials

GOOGLE = "https://storage.googleapis.com"
# To read, write and remove objects, not to change who may.
SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)


@dataclasses.dataclass(frozen=True)
class GcsSettings:
    """The ``GCS`` options of a module, by their names; ``None`` where one is not set."""

    auth_kind: t.Literal["application", "serviceaccount"] = "application"
    service_account_file: t.Optional[str] = None
    service_account_contents: t.Optional[str] = dataclasses.field(default=None, repr=False)
    project: t.Optional[str] = None
    kms_key_name: t.Optional[str] = None
    endpoint_url: t.Optional[str] = None

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> GcsSettings:
        """Take the settings from a module's options.

        :raises OptionError: for a key of a service account where none is used, or two of them, or none
        """
        given = {field.name: options[field.name] for field in dataclasses.fields(cls)}
        made = cls(**{name: value for name, value in given.items() if value is not None})
        keys = [key for key in (made.service_account_file, made.service_account_contents) if key is not None]
        if len(keys) != (1 if made.auth_kind == "serviceaccount" else 0):
            raise OptionError(
                "auth_kind serviceaccount needs either service_account_file or service_account_contents, and auth_kind "
                "application takes neither: correct these options"
            )
        return made


def make_client(settings: GcsSettings) -> storage.Client:
    """Make a client of google-cloud-storage.

    :raises OptionError: for credentials that cannot be found, or an option that the library refuses
    """
    # Else the library describes the bucket in threads of its own, which takes another permission and has no deadline.
    os.environ["DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"] = "true"
    options = ClientOptions(api_endpoint=settings.endpoint_url, quota_project_id=settings.project)
    try:
        # No request needs a project: buckets have one name for all of them.
        return storage.Client(project=None, credentials=_credentials(settings), client_options=options)
    except (GoogleAuthError, ValueError) as error:
        raise OptionError(f"google-cloud-storage refuses the options: {error}") from error


def bucket_of(client: storage.Client, name: str) -> storage.Bucket:
    """Return a bucket, without a request.

    :raises OptionError: for a name that no bucket can have
    """
    try:
        bucket: storage.Bucket = client.bucket(name)
    except ValueError as error:
        raise OptionError(f"bucket {name!r} is no name of a bucket: {error}") from error
    return bucket


def _credentials(settings: GcsSettings) -> Credentials:
    if settings.auth_kind == "application":
        return _default_credentials()
    try:
        made: Credentials = service_account.Credentials.from_service_account_info(_read_key(settings), scopes=SCOPES)
    except (OSError, ValueError, TypeError) as error:
        # The error of a text that is no JSON would show a part of it.
        reason = "it is no JSON" if isinstance(error, json.JSONDecodeError) else error
        raise OptionError(
            f"{settings.service_account_file or 'service_account_contents'} is no usable key of a service account: "
            f"{reason}; create a JSON key in Google Cloud and give that"
        ) from error
    return made


def _read_key(settings: GcsSettings) -> t.Dict[str, t.Any]:
    text = settings.service_account_contents
    if text is None:
        with open(settings.service_account_file or "", encoding="utf-8") as stream:
            text = stream.read()
    key = json.loads(text)
    if not isinstance(key, dict):
        raise TypeError("it is no JSON object")
    return key


def _default_credentials() -> Credentials:
    try:
        credentials, _project = google.auth.default(scopes=SCOPES)
    except GoogleAuthError as error:
        raise OptionError(
            f"no application default credentials: {error} Give this host a service account or workload identity, set "
            "GOOGLE_APPLICATION_CREDENTIALS, or use auth_kind serviceaccount"
        ) from error
    return credentials
