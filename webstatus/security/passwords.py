"""Passwords: their hashes and their rules."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata

import bcrypt
from zxcvbn import zxcvbn

from webstatus.i18n import mark

ROUNDS = 12
MIN_LENGTH = 8
# Characters. A longer one is refused before it is hashed, which takes time.
MAX_LENGTH = 1000
# Words of this system. A password may contain them, but then needs this many other letters, or another good password.
SYSTEM_WORDS = (
    "vex backup senha password administrador administrator admin cliente client operador usuario mysql mariadb mydumper"
).split()
MIN_OTHER_LETTERS = 4
# The number of guesses below which a password is refused. All 30,000 commonest ones, which zxcvbn has from published
# breaches, need fewer.
MIN_GUESSES = 1_000_000
# Characters that zxcvbn estimates, since its time grows fast: 40 take seconds. The whole password is no easier to guess
# than its beginning. No password of its list is longer.
MAX_ESTIMATED = 20
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


def complaint(password: str, login: str, name: str) -> str | None:
    """Return the reason why a new password is refused, as a message of the catalog, or ``None``.

    This may take a second: no database connection may be held during it.

    :param login: of the user
    :param name: of the user
    """
    if len(password) < MIN_LENGTH:
        return mark("A senha deve ter pelo menos 8 caracteres.")
    if len(password) > MAX_LENGTH:
        return mark("A senha deve ter no máximo 1000 caracteres.")
    words = _words(login, name)
    plain = "".join(filter(str.isalnum, _plain(password)))
    rest = plain
    for word in words:
        rest = rest.replace(word, "")
    if rest != plain and sum(map(str.isalpha, rest)) < MIN_OTHER_LETTERS and _is_guessable(rest, words):
        return mark("A senha é feita de palavras óbvias, como o nome ou o login. Acrescente outras palavras.")
    if _is_guessable(password, words):
        return mark("A senha é uma das mais usadas ou fácil de adivinhar. Escolha outra, por exemplo algumas palavras.")
    return None


def one_time_password() -> str:
    """Return a random password, which the user must change at the first login."""
    return secrets.token_urlsafe(15)


def _is_guessable(text: str, words: list[str]) -> bool:
    estimated = text[:MAX_ESTIMATED]
    return not estimated or zxcvbn(estimated, user_inputs=words)["guesses"] < MIN_GUESSES


def _words(login: str, name: str) -> list[str]:
    """Return the words of which a password must not be made, the longest first."""
    own = re.split(r"[\W_]+", f"{_plain(login)} {_plain(name)}")
    whole = "".join(filter(str.isalnum, _plain(login)))
    return sorted({*SYSTEM_WORDS, *(word for word in (*own, whole) if len(word) > 2)}, key=len, reverse=True)


def _plain(text: str) -> str:
    """Return a text in small letters without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _prepared(password: str) -> bytes:
    """Return the Base64 of a digest of the whole password, since bcrypt accepts only 72 bytes and no NUL byte.

    Source: https://github.com/pyca/bcrypt#maximum-password-length
    """
    return base64.b64encode(hashlib.sha384(password.encode("utf-8", "surrogatepass")).digest())
