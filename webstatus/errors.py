"""What can go wrong, as the app tells it: an HTTP status, a title and what to do, as messages of the catalogs."""

from __future__ import annotations

from webstatus.i18n import mark


class WebError(Exception):
    """A request that cannot be answered as asked.

    :param text: what happened and what to do: a message of the catalogs
    """

    status = 500
    title = mark("Algo deu errado")
    default = mark("O erro foi registrado no log do servidor. Tente novamente em instantes.")

    def __init__(self, text: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(text or self.default)
        self.text = text or self.default
        self.headers = headers


class BadRequest(WebError):
    """The address or the form is not one of ours."""

    status = 400
    title = mark("Pedido inválido")
    default = mark("O endereço ou o formulário não é válido. Volte à página anterior e tente novamente.")


class NotSignedIn(WebError):
    """Who asks is not known, and cannot be sent to the login page."""

    status = 401
    title = mark("Sessão encerrada")
    default = mark("Entre novamente para continuar.")

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class Forbidden(WebError):
    """The user's privilege does not allow it."""

    status = 403
    title = mark("Acesso negado")
    default = mark("Seu usuário não tem permissão para ver esta página. Fale com seu administrador.")


class FormExpired(WebError):
    """A form without the token that ties it to the session that sent it."""

    status = 403
    title = mark("Formulário expirado")
    default = mark("Esta página ficou aberta por muito tempo ou sua sessão mudou. Recarregue a página e envie de novo.")


class NotFound(WebError):
    """There is no such thing."""

    status = 404
    title = mark("Página não encontrada")
    default = mark("O endereço não existe, ou o que ele mostrava foi removido.")


class MethodNotAllowed(WebError):
    """The address is there, but not for this method."""

    status = 405
    title = mark("Pedido inválido")
    default = mark("Este endereço não aceita este tipo de pedido.")


class TooLarge(WebError):
    """A form beyond all that ours can hold."""

    status = 413
    title = mark("Pedido inválido")
    default = mark("O formulário enviado é grande demais.")


class Busy(WebError):
    """Somebody else was changing the same rows, at every try."""

    status = 503
    title = mark("Sistema ocupado")
    default = mark("Outra pessoa estava alterando os mesmos dados. Tente novamente em instantes.")


class DatabaseAway(WebError):
    """The log database does not answer."""

    status = 503
    title = mark("Banco de dados indisponível")
    default = mark(
        "O banco de logs não responde. Os backups continuam; seus registros chegam quando ele voltar. "
        "Tente novamente em instantes."
    )


class SchemaTooOld(DatabaseAway):
    """The log database lacks steps of the schema."""

    title = mark("Banco de logs desatualizado")
    default = mark("O esquema do banco de logs é mais antigo que esta versão. Execute playbooks/schema.yml.")
