"""The access table: the users of each route. The app does not start with a route that is missing here."""

from __future__ import annotations

import enum


class Access(enum.Enum):
    """The groups of users and programs that may use a route, as the reference documentation names them."""

    PUBLIC = "everybody"
    SIGNED_IN = "every user"
    ADMINISTRATOR = "administrators"
    READ_API = "every user, or a program with an API token"
    METRICS = "a program with the metrics token; without that setting, every user or API token"


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
    "confirm": Access.SIGNED_IN,
    "users": Access.ADMINISTRATOR,
    "user-new": Access.ADMINISTRATOR,
    "user": Access.ADMINISTRATOR,
    "user-delete": Access.ADMINISTRATOR,
    "user-sessions-end": Access.ADMINISTRATOR,
    "user-session-end": Access.ADMINISTRATOR,
    "user-token-revoke": Access.ADMINISTRATOR,
    "audit": Access.ADMINISTRATOR,
    "metrics": Access.METRICS,
    "api-backups": Access.READ_API,
    "api-backup": Access.READ_API,
}

# Routes whose forms hash a password, which takes a core a quarter of a second: see security/workers.py.
HASHES = {"login", "confirm", "profile-password", "user-new", "user"}

# Requests that pages make by themselves. They do not keep a session alive.
BACKGROUND = {"dashboard-data", "backup-live"}

# Routes that a user who must change the password may use.
BEFORE_PASSWORD_CHANGE = {"profile", "profile-password", "logout", "language"}

# Routes that need a password typed a short time ago, and the page to go to after it was asked for.
CONFIRMED = {
    "user-new": "user-new",
    "user": "user",
    "user-delete": "user-delete",
    "user-sessions-end": "user",
    "user-session-end": "user",
    "user-token-revoke": "user",
    "profile-session-end": "profile",
    "profile-token-new": "profile",
    "profile-token-revoke": "profile",
}
