"""Passwords: their hashes and their rules."""

from __future__ import annotations

import base64
import hashlib
import secrets

import bcrypt

from webstatus.i18n import mark

ROUNDS = 12
MIN_LENGTH = 8
# Characters. A longer one is refused before it is hashed, which takes time.
MAX_LENGTH = 1000
# The hash of a password that nobody knows, with the cost of ROUNDS. An unknown login is checked against it, so that
# it takes as long as a known one.
UNKNOWN_USER_HASH = "$2b$12$U2EPdXqsfYJ5IJZjJM2JQ.t79CEf3GNWiQVMCB4SpVdN0H6JMeWXy"


def hash_password(password: str) -> str:
    """Return the bcrypt hash to store."""
    return bcrypt.hashpw(_prepared(password), bcrypt.gensalt(ROUNDS)).decode("ascii")


def password_matches(password: str, stored: str | None) -> bool:
    """Return whether *stored* is the hash of *password*.

    :param stored: ``None`` for an unknown user; the answer is then no, after the same work
    """
    if len(password) > MAX_LENGTH:
        password, stored = "", None
    try:
        matches = bcrypt.checkpw(_prepared(password), (stored or UNKNOWN_USER_HASH).encode("ascii", "replace"))
    except ValueError:
        # Somebody stored a text that is not a bcrypt hash. No password matches it.
        return False
    return matches and stored is not None


def complaint(password: str, login: str) -> str | None:
    """Return the reason why a new password is refused, as a message of the catalog, or ``None``."""
    if len(password) < MIN_LENGTH:
        return mark("A senha deve ter pelo menos 8 caracteres.")
    if len(password) > MAX_LENGTH:
        return mark("A senha deve ter no máximo 1000 caracteres.")
    if password.casefold() == login.casefold():
        return mark("A senha não pode ser igual ao login.")
    return None


def one_time_password() -> str:
    """Return a random password, which the user must change at the first login."""
    return secrets.token_urlsafe(15)


def _prepared(password: str) -> bytes:
    """Return the Base64 of a digest of the whole password, since bcrypt accepts only 72 bytes and no NUL byte.

    Source: https://github.com/pyca/bcrypt#maximum-password-length
    """
    return base64.b64encode(hashlib.sha384(password.encode("utf-8", "surrogatepass")).digest())
