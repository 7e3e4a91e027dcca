# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The refusal of a request by a store, with its reason in words that all stores share."""

from __future__ import annotations

import enum

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed


class Reason(enum.Enum):
    """The reason why a store refused a request."""

    #: There is no object of that key.
    MISSING = enum.auto()
    #: The credentials lack a right.
    DENIED = enum.auto()
    #: The object is not in the state that the request asks for: the key is taken, or it was replaced.
    CHANGED = enum.auto()
    #: The unfinished upload has ended, well or not.
    ENDED = enum.auto()
    #: The object is in cold storage and must be thawed before it can be read.
    COLD = enum.auto()
    #: The store cannot do that at all.
    UNSUPPORTED = enum.auto()
    #: Every other request would be refused too: no such place, wrong credentials, wrong region, wrong clock.
    PLACE = enum.auto()
    #: Anything else, also what may pass.
    OTHER = enum.auto()


class Refused(StoreFailed):
    """A request that a store refused.

    The message names the request, the object's URL, the server, the reason and the remedy. An adapter sets
    ``may_pass`` when the same request may succeed later, as for a server that has too much to do.

    :param code: the store's own name for the reason, of use to its adapter alone
    """

    def __init__(self, message: str, reason: Reason, code: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code

    @property
    def is_missing(self) -> bool:
        """Return whether there is no object of that key."""
        return self.reason is Reason.MISSING

    @property
    def is_denied(self) -> bool:
        """Return whether the credentials lack a right."""
        return self.reason is Reason.DENIED

    @property
    def is_changed(self) -> bool:
        """Return whether the key is taken, or the object was replaced."""
        return self.reason is Reason.CHANGED

    @property
    def is_ended(self) -> bool:
        """Return whether the unfinished upload has ended."""
        return self.reason is Reason.ENDED

    @property
    def is_cold(self) -> bool:
        """Return whether the object must be thawed before it can be read."""
        return self.reason is Reason.COLD

    @property
    def is_unsupported(self) -> bool:
        """Return whether the store cannot do that at all."""
        return self.reason is Reason.UNSUPPORTED

    @property
    def is_of_one_object(self) -> bool:
        """Return whether a request for another object may succeed."""
        return not self.may_pass and self.reason is not Reason.PLACE
