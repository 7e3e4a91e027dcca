# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option specs that modules share, each with a doc fragment of the same name, and the end of a module."""

from __future__ import annotations

import dataclasses
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError

Spec = t.Dict[str, t.Dict[str, t.Any]]
Result = t.Dict[str, t.Any]

# Paired with doc_fragments/login.py.
LOGIN: Spec = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int"},
    "login_unix_socket": {"type": "path"},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "config_file": {"type": "path"},
    "ca_cert": {"type": "path"},
    "ssl_cert": {"type": "path"},
    "ssl_key": {"type": "path", "no_log": False},
}

# Paired with doc_fragments/log_db.py: the same login, to the log database.
LOG_DB: Spec = {
    **LOGIN,
    "login_database": {"type": "str", "default": "vex_backup"},
    "connect_timeout": {"type": "int", "default": 10},
}

# Paired with doc_fragments/s3.py.
S3: Spec = {
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "session_token": {"type": "str", "no_log": True},
    "profile": {"type": "str"},
    "region": {"type": "str"},
    "endpoint_url": {"type": "str"},
    "ca_bundle": {"type": "path"},
    "request_checksum_calculation": {
        "type": "str",
        "choices": ["when_supported", "when_required"],
        "default": "when_required",
    },
    "addressing_style": {"type": "str", "choices": ["auto", "path", "virtual"], "default": "auto"},
}

# Paired with doc_fragments/encryption.py.
ENCRYPTION: Spec = {
    "server_side_encryption": {"type": "str", "choices": ["AES256", "aws:kms", "aws:kms:dsse"]},
    "kms_key_id": {"type": "str", "no_log": False},
}

# Paired with doc_fragments/gcs.py.
GCS: Spec = {
    "auth_kind": {"type": "str", "choices": ["application", "serviceaccount"], "default": "application"},
    "service_account_file": {"type": "path"},
    "service_account_contents": {"type": "jsonarg", "no_log": True},
    "project": {"type": "str"},
    "kms_key_name": {"type": "str", "no_log": False},
    "endpoint_url": {"type": "str"},
}

# Paired with doc_fragments/azure.py.
AZURE: Spec = {
    "connection_string": {"type": "str", "no_log": True},
    "account_name": {"type": "str"},
    "account_url": {"type": "str"},
    "account_key": {"type": "str", "no_log": True},
    "sas_token": {"type": "str", "no_log": True},
    "auth_source": {"type": "str", "choices": ["auto", "msi"], "default": "auto"},
    "client_id": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "tenant": {"type": "str"},
    "ca_bundle": {"type": "path"},
    "encryption_scope": {"type": "str"},
}

# The options of ``destination`` by type. They have no defaults, so that one of another type is noticed.
_OF_TYPES: Spec = {
    name: {key: value for key, value in option.items() if key != "default"}
    for spec in (S3, ENCRYPTION, GCS, AZURE)
    for name, option in spec.items()
}

# Paired with doc_fragments/destination.py.
DESTINATION: Spec = {
    "destination": {
        "type": "dict",
        "options": {
            "name": {"type": "str"},
            "type": {"type": "str", "choices": ["s3", "gcs", "azure", "directory"], "default": "s3"},
            "storage_class": {"type": "str"},
            "bucket": {"type": "str"},
            "container": {"type": "str"},
            "path": {"type": "path"},
            **_OF_TYPES,
        },
        "required_if": [
            ("type", "s3", ("bucket",)),
            ("type", "gcs", ("bucket",)),
            ("type", "azure", ("container",)),
            ("type", "directory", ("path",)),
        ],
        "required_together": [("access_key", "secret_key")],
        "mutually_exclusive": [("access_key", "profile")],
    },
}

# Paired with doc_fragments/patience.py.
PATIENCE: Spec = {"patience": {"type": "int", "default": 600}}

# Paired with doc_fragments/rate.py.
RATE: Spec = {"rate": {"type": "int", "default": 0}}

# Paired with doc_fragments/run_log.py.
RUN_LOG: Spec = {"run_log": {"type": "path"}}

# Paired with doc_fragments/compared.py: ``compared`` of mysql_restore's result.
COMPARED: Spec = {
    "compared": {
        "type": "dict",
        "options": {
            "columns": {"type": "int", "required": True},
            "definitions": {"type": "int", "required": True},
            "sampled_rows": {"type": "int", "required": True},
            "tables_sampled": {"type": "int", "required": True},
        },
    },
}


Request = t.TypeVar("Request")


def request(kind: t.Type[Request], params: t.Mapping[str, t.Any], **parts: t.Any) -> Request:
    """Make a command's request, a frozen dataclass, from a module's options.

    :param kind: each of its fields is *parts*' value of that name, else the option of that name
    :param params: the module's options; options that are no field of *kind* are left out
    """
    names = [field.name for field in dataclasses.fields(t.cast("t.Any", kind))]
    return kind(**{name: parts[name] if name in parts else params[name] for name in names})


def patience_of(module: AnsibleModule) -> int:
    """Return the ``patience`` of a module, in seconds: check mode tries once."""
    return 0 if module.check_mode else int(module.params["patience"])


def conclude(
    module: AnsibleModule,
    action: t.Callable[[RunLog], Result],
    libraries: t.Sequence[t.Tuple[str, t.Optional[str]]] = (),
) -> None:
    """Run the one call of a module, and end the module with its result or its error.

    :param action: takes the run's log, returns the module's result; its ``warnings`` are shown as warnings
    :param libraries: (name on PyPI, traceback of the failed import or ``None``) of each library that the call needs
    """
    for name, failure in libraries:
        if failure is not None:
            module.fail_json(msg=missing_required_lib(name), exception=failure)
    log = RunLog(None if module.check_mode else module.params.get("run_log"))
    try:
        with log.mark_alive():
            result = action(log)
    except BackupError as error:
        _fail(module, log, str(error), {**error.details, "failure": type(error).__name__})
    except OSError as error:
        _fail(module, log, f"the operating system refused: {error}", {})
    else:
        for warning in result.pop("warnings", []):
            module.warn(warning)
        _warn_of(log, module)
        module.exit_json(**result)


def _fail(module: AnsibleModule, log: RunLog, message: str, details: Result) -> t.NoReturn:
    log.error(message)
    _warn_of(log, module)
    module.fail_json(msg=message, **details)


def _warn_of(log: RunLog, module: AnsibleModule) -> None:
    if log.write_error is not None:
        module.warn(log.write_error)


def import_failure() -> str:
    """Return the traceback of an import that has just failed, for :func:`conclude`."""
    return traceback.format_exc()
