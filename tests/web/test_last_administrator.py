"""The last active administrator stays, even when two administrators act at the same time."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Visitor, dialogs_of

ACTIVE = (
    "SELECT u.id FROM usuario u JOIN usuario_privilegio x ON x.usuario_id = u.id"
    " JOIN privilegio p ON p.id = privilegio_id WHERE p.nome = 'Administrador' AND ativo"
)
LAST = "Este é o último administrador ativo: cadastre ou ative outro antes. Ok!"
DEMOTE = {"privilegio": "2", "ativo": "1"}
DISABLE = {"privilegio": "1"}


@pytest.fixture
def alone(web_database: LogDatabase) -> Iterator[None]:
    """Disable all other administrators."""
    others = ", ".join(str(row["id"]) for row in web_database.rows(ACTIVE)) or "0"
    web_database.rows(f"UPDATE usuario SET ativo = 0 WHERE id IN ({others})")
    yield
    for row in web_database.rows(ACTIVE):
        web_database.rows("DELETE FROM usuario WHERE id = %s", row["id"])
    web_database.rows(f"UPDATE usuario SET ativo = 1 WHERE id IN ({others})")


def do(visitor: Visitor, token: str, whom: Person, fields: dict[str, str] | None) -> int:
    """Delete *whom*, or change them to the fields; return the status of the answer."""
    if fields is None:
        return visitor.post(f"/users/{whom.id}/delete", token=token).status_code
    return visitor.post(f"/users/{whom.id}", token=token, nome="N", login=whom.login, **fields).status_code


@pytest.mark.parametrize("fields", [None, DEMOTE, DISABLE], ids=["delete", "demote", "disable"])
def test_the_only_one_stays(
    app: Starlette, alone: None, web_settings: dict[str, str], fields: dict[str, str] | None
) -> None:
    person = make_person(web_settings, "Administrador")
    visitor = Visitor(app).log_in(person)
    assert do(visitor, visitor.form_token(), person, fields) == 400
    path = f"/users/{person.id}/delete" if fields is None else f"/users/{person.id}"
    answer = visitor.post(path, nome="N", login=person.login, **(fields or {}))
    assert dialogs_of(answer) == [LAST]
    assert visitor.get("/users").status_code == 200


ACTIONS = {"delete": None, "demote": DEMOTE, "disable": DISABLE}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("whom", ["each other", "themselves"])
@pytest.mark.parametrize("actions", list(itertools.product(ACTIONS, ACTIONS)), ids="-".join)
def test_two_at_once_leave_one(
    app: Starlette, web_database: LogDatabase, web_settings: dict[str, str], actions: tuple[str, str], whom: str
) -> None:
    for _ in range(3):
        pair = [make_person(web_settings, "Administrador") for _ in range(2)]
        visitors = [Visitor(app).log_in(person) for person in pair]
        tokens = [visitor.form_token() for visitor in visitors]
        targets = pair[::-1] if whom == "each other" else pair
        begin = threading.Barrier(2)

        def act(number: int) -> int:
            begin.wait()  # noqa: B023 - run at once
            return do(visitors[number], tokens[number], targets[number], ACTIONS[actions[number]])  # noqa: B023 - the same

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(act, range(2)))
        assert statuses[0] == 303
        # The other one would have been the last, is no administrator any more, or has been deleted.
        assert statuses[1] in {303, 400, 403}
        left = web_database.rows(ACTIVE)
        assert len(left) == 1, statuses
        web_database.rows("DELETE FROM usuario WHERE id = %s", left[0]["id"])
