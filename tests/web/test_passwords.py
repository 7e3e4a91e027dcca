"""Hashing of passwords."""

from __future__ import annotations

import time

import bcrypt
import pytest

from webstatus.security import passwords


def test_every_character_of_a_password_counts() -> None:
    # Bcrypt accepts 72 bytes; version 5 of the library refuses more.
    for password in ("x" * 73, "a\0b", "\N{PILE OF POO}" * 40, "\udcff", "p" * 1000):
        stored = passwords.hash_password(password)
        assert stored.startswith("$2b$")
        assert len(stored) == 60
        assert passwords.password_matches(password, stored)
        for other in (password[:-1], password + "x", password[:-1] + "\x01"):
            assert not passwords.password_matches(other, stored)


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$12$short", "$1$md5$x", "\N{SNOWMAN}" * 60])
def test_a_text_that_is_not_a_hash_matches_no_password(stored: str) -> None:
    assert not passwords.password_matches("", stored)
    assert not passwords.password_matches(stored, stored)


def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    stored = bcrypt.hashpw(b"x", bcrypt.gensalt(12)).decode("ascii")
    assert passwords.UNKNOWN_USER_HASH[:7] == stored[:7]

    def seconds(known: str | None, password: str) -> float:
        began = time.process_time()
        assert not passwords.password_matches(password, known)
        return time.process_time() - began

    known = min(seconds(stored, "guess") for _ in range(3))
    for password in ("guess", "x" * 5000):
        assert 0.5 < min(seconds(None, password) for _ in range(3)) / known < 2
