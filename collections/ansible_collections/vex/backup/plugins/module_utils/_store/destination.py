# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A place that backups go to, and the adapter that reaches it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._store.port import Adapter, Settings, Store


@dataclasses.dataclass(frozen=True)
class Destination:
    """A place that backups go to.

    :param name: the user's word for it; the type where none is given
    :param type: ``s3``, ``gcs``, ``azure`` or ``directory``
    :param place: the bucket, container or path
    :param settings: the adapter's own
    :param storage_class: of archives, by the store's own name; ``None`` for the store's default
    """

    name: str
    type: str
    place: str
    settings: Settings
    storage_class: t.Optional[str] = None

    @classmethod
    def from_options(cls, options: t.Optional[t.Mapping[str, t.Any]]) -> Destination:
        """Take a destination from the option ``destination`` of a module.

        :raises OptionError: for no destination, and for an option that its type does not have, lacks or cannot use
        """
        if options is None:
            raise OptionError("destination is missing: set it to the place of the backups, such as type and bucket")
        kind = options["type"]
        adapter = ADAPTERS[kind]()
        name = options["name"] or kind
        known = {"name", "type", "storage_class", adapter.place, *adapter.options}
        foreign = sorted(option for option, value in options.items() if value is not None and option not in known)
        if foreign:
            raise OptionError(f"destination {name} is of type {kind}, which has no {', '.join(foreign)}: remove it")
        return cls.of_type(kind, options, name)

    @classmethod
    def of_type(cls, kind: str, options: t.Mapping[str, t.Any], name: t.Optional[str] = None) -> Destination:
        """Take a destination of one type from the options of a module that has them beside others.

        :raises OptionError: for options that cannot work together
        """
        adapter = ADAPTERS[kind]()
        settings = adapter.settings.from_options({option: options[option] for option in adapter.options})
        return cls(name or kind, kind, options[adapter.place], settings, options.get("storage_class"))


def _gcs() -> Adapter:
    from ansible_collections.vex.backup.plugins.module_utils._store.gcs import ADAPTER  # noqa: PLC0415

    return ADAPTER


def _s3() -> Adapter:
    from ansible_collections.vex.backup.plugins.module_utils._store.s3 import ADAPTER  # noqa: PLC0415

    return ADAPTER


def _azure() -> Adapter:
    from ansible_collections.vex.backup.plugins.module_utils._store.azure import ADAPTER  # noqa: PLC0415

    return ADAPTER


def _directory() -> Adapter:
    from ansible_collections.vex.backup.plugins.module_utils._store.directory import ADAPTER  # noqa: PLC0415

    return ADAPTER


# A function for each, because an adapter imports its library. Its import is written out, because Ansible sends a host
# only the files that it finds in import statements.
ADAPTERS: t.Mapping[str, t.Callable[[], Adapter]] = {
    "s3": _s3,
    "gcs": _gcs,
    "azure": _azure,
    "directory": _directory,
}


def open_store(
    destination: Destination, *, work: str, timeout: t.Optional[int], patience: Patience, parallel: int = 1
) -> Store:
    """Return the store of a destination, to be used in a ``with`` statement.

    :param work: the name of the work in error messages, such as ``the upload``
    :param timeout: seconds for all requests together; 0 or ``None`` for no limit
    :param parallel: requests at a time
    :raises OptionError: when the type's library is missing, or the options cannot work
    """
    adapter = ADAPTERS[destination.type]()
    if adapter.failure is not None:
        raise OptionError(
            f"destination {destination.name} needs {adapter.library}: install it by pip for the Python that runs this "
            f"({adapter.failure.strip().splitlines()[-1]})"
        )
    return adapter.store(
        destination.settings, destination.place, work=work, timeout=timeout, patience=patience, parallel=parallel
    )
