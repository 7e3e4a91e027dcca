"""Passwords: their hashes, and which are good enough."""

from __future__ import annotations

import base64
import hashlib
import secrets

import bcrypt

from webstatus.i18n import mark

ROUNDS = 12
SHORTEST = 8
# More is no password; hashing it would only cost time.
LONGEST = 1000
# What unknown users are checked against: of a password that nobody knows, made at the same cost as all others.
NOBODYS_HASH = "$2b$12$U2EPdXqsfYJ5IJZjJM2JQ.t79CEf3GNWiQVMCB4SpVdN0H6JMeWXy"


def hash_password(password: str) -> str:
    """The bcrypt hash to store."""
    return bcrypt.hashpw(_prepared(password), bcrypt.gensalt(ROUNDS)).decode("ascii")


def password_matches(password: str, stored: str | None) -> bool:
    """Whether *password* is the one whose hash is *stored*.

    :param stored: ``None`` for a user who does not exist: the answer is no, after the same work
    """
    if len(password) > LONGEST:
        password, stored = "", None
    try:
        matches = bcrypt.checkpw(_prepared(password), (stored or NOBODYS_HASH).encode("ascii", "replace"))
    except ValueError:
        # What is stored is no bcrypt hash: somebody wrote it by hand. Nobody logs in with it.
        return False
    return matches and stored is not None


def complaint(password: str, login: str) -> str | None:
    """Why a new password is not good enough, or ``None``."""
    if len(password) < SHORTEST:
        return mark("A senha deve ter pelo menos 8 caracteres.")
    if len(password) > LONGEST:
        return mark("A senha deve ter no máximo 1000 caracteres.")
    if password.casefold() == login.casefold():
        return mark("A senha não pode ser igual ao login.")
    return None


def one_time_password() -> str:
    """A password to hand to somebody, who changes it at the first login."""
    return secrets.token_urlsafe(15)


def _prepared(password: str) -> bytes:
    """Bcrypt takes 72 bytes and no NUL: a digest of the whole, in letters.

    Source: https://github.com/pyca/bcrypt#maximum-password-length
    """
    return base64.b64encode(hashlib.sha384(password.encode("utf-8", "surrogatepass")).digest())
