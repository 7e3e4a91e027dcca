"""The access table: which privilege each route needs. A route that is not in it is refused when the app starts."""

from __future__ import annotations

import enum


class Access(enum.Enum):
    """Who may."""

    PUBLIC = "everybody"
    SIGNED_IN = "every user"
    ADMINISTRATOR = "administrators"
    READ_API = "every user, or a program with an API token"
    METRICS = "whoever has the metrics token; without that setting, every user or API token"


ACCESS = {
    "login": Access.PUBLIC,
    "language": Access.PUBLIC,
    "healthz": Access.PUBLIC,
    "logout": Access.SIGNED_IN,
    "dashboard": Access.SIGNED_IN,
    "dashboard-data": Access.SIGNED_IN,
    "backups": Access.SIGNED_IN,
    "backup": Access.SIGNED_IN,
    "backup-live": Access.SIGNED_IN,
    "backup-log": Access.SIGNED_IN,
    "backup-log-file": Access.SIGNED_IN,
    "profile": Access.SIGNED_IN,
    "profile-password": Access.SIGNED_IN,
    "profile-session-end": Access.SIGNED_IN,
    "profile-token-new": Access.SIGNED_IN,
    "profile-token-revoke": Access.SIGNED_IN,
    "users": Access.ADMINISTRATOR,
    "user-new": Access.ADMINISTRATOR,
    "user": Access.ADMINISTRATOR,
    "user-delete": Access.ADMINISTRATOR,
    "audit": Access.ADMINISTRATOR,
    "metrics": Access.METRICS,
    "api-backups": Access.READ_API,
    "api-backup": Access.READ_API,
}

# Where passwords are hashed, which takes a quarter of a second of a core: see security/workers.py.
HASHES = {"login", "profile-password", "user-new", "user"}

# What pages ask by themselves: it does not keep a session alive.
BACKGROUND = {"dashboard-data", "backup-live"}

# Where somebody who must change the password may go.
BEFORE_PASSWORD_CHANGE = {"profile", "profile-password", "logout", "language"}
