"""The destination that tests and modules use, made of the options of ``s3_upload``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings

OF_S3 = {"bucket", "storage_class", *(field.name for field in dataclasses.fields(S3Settings))}


def s3_destination(options: Mapping[str, Any]) -> Destination:
    """Return the destination of options, of which some are not about it."""
    unset = {"storage_class": None, **dict.fromkeys(field.name for field in dataclasses.fields(S3Settings))}
    return Destination.of_type("s3", {**unset, **options})


def destined(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a module that takes a destination, whose others stay."""
    return {
        **{name: value for name, value in options.items() if name not in OF_S3},
        "destination": {name: value for name, value in options.items() if name in OF_S3},
    }
