# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contents of a store: whole lists of objects and of unfinished uploads, and the state of one object."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._store.objects import Described, Item, Listed, Page, Unfinished
from ansible_collections.vex.backup.plugins.module_utils._store.port import Following, Store
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused


def list_objects(store: Store, prefix: str) -> t.List[Listed]:
    """List every object whose key starts with *prefix*, by key.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    return _all(store, store.list_page, prefix)


def list_folders(store: Store, prefix: str) -> t.List[str]:
    """List the beginnings of keys, up to the first slash after *prefix*, that end with that slash.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    return _all(store, store.folders_page, prefix)


def list_uploads(store: Store, prefix: str) -> t.List[Unfinished]:
    """List the unfinished uploads of keys that start with *prefix*; none of a store that forgets them by itself.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    if store.forgets_unfinished:
        return []
    return _all(store, store.unfinished_page, prefix)


def _all(store: Store, read: t.Callable[[str, Following], Page[Item]], prefix: str) -> t.List[Item]:
    page = store.call(read, prefix, None)
    found = [*page.items]
    while page.following is not None:
        page = store.call(read, prefix, page.following)
        found += page.items
    return found


def last_part(store: Store, upload: Unfinished) -> datetime.datetime:
    """Return when an unfinished upload got its last part or, without any, when it began (UTC).

    Also when it began where the store does not tell.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    try:
        last = store.call(store.last_activity, upload)
    except Refused as error:
        if not error.is_unsupported:
            raise
        return upload.initiated
    return upload.initiated if last is None else max(last, upload.initiated)


def head(store: Store, key: str) -> t.Optional[Described]:
    """Return the store's description of one object, or ``None`` when it does not exist.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    return store.call(store.head, key)


def stat(store: Store, key: str) -> t.Optional[Listed]:
    """Return one object as a list would show it, or ``None`` when it does not exist.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    described = head(store, key)
    return None if described is None else described.listed
