# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The needs of a stage, for checks: each is tried, also after another one is not met."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, Interrupted

Value = t.TypeVar("Value")


class Needs:
    """The needs that were tried so far, in their order.

    ``notes`` are sentences on needs that are met, by name.
    """

    def __init__(self) -> None:
        self.notes: t.Dict[str, str] = {}
        self._names: t.List[str] = []
        self._errors: t.List[t.Tuple[str, BackupError]] = []

    @property
    def tried(self) -> t.Dict[str, str]:
        """The message of each need that was tried, by its name; empty for one that is met."""
        return {
            name: "; ".join(str(error) for one, error in self._errors if one == name)
            for name in dict.fromkeys(self._names)
        }

    def is_met(self, name: str) -> bool:
        """Return whether a need that was tried is met."""
        return not self.tried[name]

    def attempt(self, name: str, action: t.Callable[[], Value]) -> t.Optional[Value]:
        """Return the result of *action*, ``None`` when it failed. A need may be tried in several parts.

        :raises Interrupted: when a signal arrived
        """
        self._names.append(name)
        try:
            return action()
        except Interrupted:
            raise
        except BackupError as error:
            self._errors.append((name, error))
        return None

    def conclude(self) -> None:
        """Raise the first failure, with the messages and the details of the others.

        :raises BackupError: when a need is not met
        """
        if not self._errors:
            return
        _name, first = self._errors[0]
        for _name, error in self._errors[1:]:
            first.extend(str(error))
            first.details = {**error.details, **first.details}
        raise first
