"""The audit trail."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from webstatus.i18n import mark
from webstatus.queries.audit import entries
from webstatus.queries.users import LONGEST_LOGIN
from webstatus.rendering import render
from webstatus.root_path import address
from webstatus.security import trail
from webstatus.security.guard import Context

# The texts on the page, by the names in the trail.
ACTIONS = {
    "entrar": mark("Entrou"),
    "sair": mark("Saiu"),
    "confirmar_senha": mark("Confirmou a própria senha"),
    trail.FAILED_LOGIN: mark("Falhou ao entrar"),
    trail.WRONG_PASSWORD: mark("Errou a própria senha"),
    trail.BLOCKED: mark("Foi bloqueado por excesso de tentativas"),
    trail.DENIED: mark("Teve o acesso negado"),
    "criar_usuario": mark("Cadastrou o usuário"),
    "alterar_usuario": mark("Alterou o usuário"),
    "excluir_usuario": mark("Excluiu o usuário"),
    "trocar_senha": mark("Trocou a própria senha"),
    "encerrar_sessao": mark("Encerrou uma sessão"),
    "encerrar_sessoes": mark("Encerrou as sessões de um usuário"),
    "criar_token": mark("Criou um token de API"),
    "revogar_token": mark("Revogou um token de API"),
}
FIELDS = {
    "nome": mark("Nome"),
    "login": mark("Login"),
    "privilegio": mark("Privilégio"),
    "ativo": mark("Ativo"),
    "senha": mark("Senha"),
    "tokens": mark("Tokens de API revogados"),
    "motivo": mark("Motivo"),
}
# Fields whose values are messages of the catalog.
WORDS = {"senha", "motivo"}


def audit(context: Context) -> Response:
    """Answer with a page of the trail, newest first."""
    query = context.request.query_params
    login = query.get("login", "").strip()[:LONGEST_LOGIN]
    page = entries(context.session, login, before=_key(query.get("before")), after=_key(query.get("after")))

    def leads_to(**key: int) -> str:
        return f"{address(context.request, 'audit')}?{urlencode({'login': login, **key})}"

    return render(
        context.request,
        "pages/audit.html",
        entries=page.entries,
        login=login,
        newer=leads_to(after=page.entries[0].id) if page.newer and page.entries else None,
        older=leads_to(before=page.entries[-1].id) if page.older and page.entries else None,
        actions=ACTIONS,
        fields=FIELDS,
        words=WORDS,
    )


def _key(text: str | None) -> int | None:
    """Return the id that a parameter holds; ``None`` when it holds none."""
    return int(text) if text and text.isdecimal() and len(text) <= 18 else None
