"""Hashing of passwords."""

from __future__ import annotations

import re
import time

import bcrypt
import pytest
from starlette.applications import Starlette
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from tests.web.people import Person
from tests.web.visitor import Visitor
from webstatus.app import STATIC
from webstatus.security import passwords

GUESSABLE = "uma das mais usadas ou fácil de adivinhar"
OBVIOUS = "feita de palavras óbvias"


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


def test_the_commonest_passwords_are_refused() -> None:
    """At least 3000 of those that are long enough (OWASP ASVS 6.2.4); here every thirtieth of them."""
    common = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= passwords.MIN_LENGTH]
    assert len(common) > 3000
    accepted = [word for word in common[::30] if passwords.complaint(word, "ana", "Ana") is None]
    assert accepted == []
    assert [word for word in common[::300] if passwords.complaint(word.upper(), "ana", "Ana") is None] == []


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("aaaaaaaaaaaa", GUESSABLE),
        ("qwertyuiop", GUESSABLE),
        ("12345678", GUESSABLE),
        ("flamengo2019", GUESSABLE),
        ("P@ssw0rd", GUESSABLE),
        ("maria2026!", OBVIOUS),
        ("MARIA-DA-SILVA", OBVIOUS),
        ("silvamaria1", OBVIOUS),
        ("Sílvia silva.", OBVIOUS),
        ("vex-backup-2026", OBVIOUS),
        ("Backup2026!", OBVIOUS),
        ("Senha123456", OBVIOUS),
        ("administrador", OBVIOUS),
        ("MariaDB.11", OBVIOUS),
        ("vexbackup20261130", OBVIOUS),
        ("senhaadministrador12345678", OBVIOUS),
        ("MySQL-MariaDB-2026-11-30", OBVIOUS),
        ("maria.silva.1987654321", OBVIOUS),
        ("a" * 100, GUESSABLE),
        ("curta", "pelo menos 8 caracteres"),
        ("x" * 1001, "no máximo 1000 caracteres"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(password: str, said: str) -> None:
    assert said in (passwords.complaint(password, "maria.sílvia", "Maria da Silva") or "")


@pytest.mark.parametrize(
    "password",
    [
        "uma senha boa",
        "correta bateria cavalo",
        "\N{PILE OF POO}\N{SNOWMAN} \N{SNOWFLAKE}\N{TELEPHONE RECEIVER} \N{CYRILLIC SMALL LETTER BE}\t\N{ANCHOR}",
        "maria gosta de bolo",
        "8f3kq0zx",
        "backup de vinte servidores",
        "vex-backup-83920571",
        "z!x@c#v$b%" * 100,
    ],
)
def test_a_password_of_any_characters_is_accepted(password: str) -> None:
    assert passwords.complaint(password, "maria", "Maria da Silva") is None


def test_only_the_beginning_of_a_long_password_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of an estimate grows fast with the length: this password would take seconds."""
    seen: list[str] = []

    def recorded(text: str, user_inputs: list[str]) -> object:
        seen.append(text)
        return zxcvbn(text, user_inputs)

    monkeypatch.setattr(passwords, "zxcvbn", recorded)
    slow = "4@8({[<369!1|0$5+7%2" * 4
    assert passwords.complaint(slow, "maria", "Maria da Silva") is None
    assert passwords.complaint(f"vex{'19283746' * 20}", "maria", "Maria da Silva") is None
    assert [len(text) for text in seen] == [20, 20, 20]
    assert max(map(len, FREQUENCY_LISTS["passwords"])) <= passwords.MAX_ESTIMATED


def test_one_time_passwords_are_random_and_accepted() -> None:
    made = {passwords.one_time_password() for _ in range(50)}
    assert len(made) == 50
    # 120 bits.
    assert all(len(password) == 20 for password in made)
    assert all(passwords.complaint(password, "maria", "Maria da Silva") is None for password in made)


def test_password_fields_are_masked_and_open_to_password_managers(app: Starlette, administrator: Person) -> None:
    pages = [Visitor(app).get("/login").text]
    pages += [Visitor(app).log_in(administrator).get(path).text for path in ("/users/new", "/profile", "/confirm")]
    for page in pages:
        fields = re.findall(r'<input [^>]*name="(?:senha|senha_atual|repetir_senha)"[^>]*>', page)
        assert fields
        for field in fields:
            assert 'type="password"' in field
            assert re.search(r'autocomplete="(?:current|new)-password"', field)
            assert "maxlength" not in field
    scripts = "".join(path.read_text("utf-8") for path in (STATIC / "js").glob("*.js"))
    assert "paste" not in scripts
