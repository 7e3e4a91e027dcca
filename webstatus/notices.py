"""Dialogs. A change shows one of :data:`NOTICES` on the next page."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import RedirectResponse

from webstatus.i18n import mark
from webstatus.security import cookies
from webstatus.settings import Settings


class Notice(NamedTuple):
    """The messages of a dialog; *title* may be empty."""

    title: str
    text: str
    button: str = mark("Ok!")


NOTICES = {
    "user-created": Notice(
        mark("Novo usuário cadastrado!"), mark("Os dados de acesso do usuário foram criados com sucesso!")
    ),
    "user-changed": Notice("", mark("Os dados do usuário foram alterados com sucesso.")),
    "user-deleted": Notice("", mark("As credenciais de acesso do usuário foram removidas com sucesso")),
    "password-changed": Notice("", mark("Sua senha foi alterada. As outras sessões foram encerradas.")),
    "session-ended": Notice("", mark("A sessão foi encerrada.")),
    "sessions-ended": Notice("", mark("As sessões do usuário foram encerradas.")),
    "token-revoked": Notice("", mark("O token foi revogado.")),
}


def redirect(settings: Settings, path: str, notice: str | None = None) -> RedirectResponse:
    """Redirect the browser to *path*, where the dialog *notice* of :data:`NOTICES` opens."""
    response = RedirectResponse(path, status_code=303)
    if notice:
        cookies.set_signed(response, settings, cookies.NOTICE, notice, max_age=60)
    return response
