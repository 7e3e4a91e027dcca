"""The app's errors. Each has an HTTP status, and a title and a text that are messages of the catalog."""

from __future__ import annotations

from webstatus.i18n import mark


class WebError(Exception):
    """A request failed.

    :param text: what failed and what to do, as a message of the catalog; by default the class's own
    :param headers: more headers of the response
    """

    status = 500
    title = mark("Algo deu errado")
    default = mark("O erro foi registrado no log do servidor. Tente novamente em instantes.")

    def __init__(self, text: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(text or self.default)
        self.text = text or self.default
        self.headers = headers


class BadRequest(WebError):
    """The address or the form is not valid."""

    status = 400
    title = mark("Pedido inválido")
    default = mark("O endereço ou o formulário não é válido. Volte à página anterior e tente novamente.")


class NotSignedIn(WebError):
    """The request has no user, and a program or a background request cannot follow a redirect to the login."""

    status = 401
    title = mark("Sessão encerrada")
    default = mark("Entre novamente para continuar.")

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class Forbidden(WebError):
    """The user's privilege does not allow the request."""

    status = 403
    title = mark("Acesso negado")
    default = mark("Seu usuário não tem permissão para ver esta página. Fale com seu administrador.")


class FormExpired(WebError):
    """The form lacks the form token of its session."""

    status = 403
    title = mark("Formulário expirado")
    default = mark("Esta página ficou aberta por muito tempo ou sua sessão mudou. Recarregue a página e envie de novo.")


class NotFound(WebError):
    """The address or the row does not exist."""

    status = 404
    title = mark("Página não encontrada")
    default = mark("O endereço não existe, ou o que ele mostrava foi removido.")


class MethodNotAllowed(WebError):
    """The address does not accept the method."""

    status = 405
    title = mark("Pedido inválido")
    default = mark("Este endereço não aceita este tipo de pedido.")


class TooLarge(WebError):
    """The form is larger than any form of the app."""

    status = 413
    title = mark("Pedido inválido")
    default = mark("O formulário enviado é grande demais.")


class Busy(WebError):
    """Each try conflicted with another change of the same rows."""

    status = 503
    title = mark("Sistema ocupado")
    default = mark("Outra pessoa estava alterando os mesmos dados. Tente novamente em instantes.")

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class Overloaded(WebError):
    """All connections to the log database are in use."""

    status = 503
    title = mark("Sistema ocupado")
    default = mark("Há pedidos demais ao mesmo tempo. Tente novamente em instantes.")

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "10"})


class DatabaseAway(WebError):
    """The log database does not answer."""

    status = 503
    title = mark("Banco de dados indisponível")
    default = mark(
        "O banco de logs não responde. Os backups continuam; seus registros chegam quando ele voltar. "
        "Tente novamente em instantes."
    )


class SchemaTooOld(DatabaseAway):
    """The log database's schema is older than the app needs."""

    title = mark("Banco de logs desatualizado")
    default = mark("O esquema do banco de logs é mais antigo que esta versão. Execute playbooks/schema.yml.")
