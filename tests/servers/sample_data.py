"""Sample databases of a business, with every kind of object that a backup must restore."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from pymysql.connections import Connection

DATABASES = ("vendas", "rh ação", "portal")
ROWS_PER_INSERT = 1000

FIRST_NAMES = "Ana Bruno Carla Davi Elisa Fábio Gabriela Heitor Inês João Karina Luís Márcia Nuno Olívia Paulo".split()
LAST_NAMES = "Almeida Barbosa Cardoso Dias Esteves Ferreira Gonçalves Lima Moreira Nogueira Oliveira Souza".split()
CITIES = "São Paulo,Curitiba,Belém,Recife,Florianópolis,Goiânia,Maceió,Vitória,Brasília,Cuiabá".split(",")
WORDS = (
    "pedido entregue cliente prazo nota fiscal cancelado aguardando pagamento estoque transportadora endereço "
    "confirmado reclamação atendimento desconto produto garantia troca devolução urgente contrato renovado visita"
).split()
EMOJI = "😀🚀📦🧾🇧🇷👩‍💻✅🔥"

SCHEMA = (
    "CREATE DATABASE `vendas` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "CREATE DATABASE `rh ação` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "CREATE DATABASE `portal` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    """CREATE TABLE vendas.cliente (
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, nome VARCHAR(120) NOT NULL, email VARCHAR(160) NOT NULL UNIQUE,
        cidade VARCHAR(60) NOT NULL, nascimento DATE NULL, preferencias JSON NOT NULL, KEY (cidade))""",
    """CREATE TABLE vendas.pedido (
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, cliente_id INT UNSIGNED NOT NULL,
        feito_em DATETIME(3) NOT NULL, estado ENUM('aberto','pago','enviado','cancelado') NOT NULL,
        total DECIMAL(12,2) NOT NULL DEFAULT 0, observacao TEXT NULL,
        KEY (feito_em), FOREIGN KEY (cliente_id) REFERENCES vendas.cliente (id))""",
    """CREATE TABLE vendas.item (
        pedido_id INT UNSIGNED NOT NULL, numero SMALLINT UNSIGNED NOT NULL, produto VARCHAR(80) NOT NULL,
        quantidade SMALLINT UNSIGNED NOT NULL, preco DECIMAL(10,2) NOT NULL, PRIMARY KEY (pedido_id, numero),
        FOREIGN KEY (pedido_id) REFERENCES vendas.pedido (id) ON DELETE CASCADE)""",
    """CREATE TABLE `rh ação`.`funcionário` (
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, nome VARCHAR(120) NOT NULL, `salário` DECIMAL(10,2) NULL,
        chefe_id INT UNSIGNED NULL, foto MEDIUMBLOB NULL, admitido DATE NOT NULL,
        FOREIGN KEY (chefe_id) REFERENCES `rh ação`.`funcionário` (id))""",
    """CREATE TABLE portal.acesso (
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, quando DATETIME NOT NULL, ip VARBINARY(16) NOT NULL,
        caminho VARCHAR(255) NOT NULL, milissegundos DOUBLE NOT NULL) ENGINE=MyISAM""",
    """CREATE TABLE portal.mensagem (
        id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, texto TEXT NOT NULL, lida BIT(1) NOT NULL DEFAULT b'0',
        criada TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)""",
    "CREATE TABLE portal.vazia (id INT PRIMARY KEY)",
)

# Created after the rows, because the triggers would run for each row.
PROGRAMS = (
    """CREATE VIEW vendas.total_por_cidade AS
        SELECT c.cidade, COUNT(*) AS pedidos, SUM(p.total) AS total
        FROM vendas.pedido p JOIN vendas.cliente c ON c.id = p.cliente_id GROUP BY c.cidade""",
    """CREATE TRIGGER vendas.item_soma AFTER INSERT ON vendas.item FOR EACH ROW
        UPDATE vendas.pedido SET total = total + NEW.quantidade * NEW.preco WHERE id = NEW.pedido_id""",
    """CREATE PROCEDURE vendas.cancela(IN qual INT UNSIGNED)
        BEGIN
            UPDATE vendas.pedido SET estado = 'cancelado', observacao = 'cancelado; não há 📦' WHERE id = qual;
        END""",
    """CREATE FUNCTION vendas.com_desconto(preco DECIMAL(10,2), por_cento INT) RETURNS DECIMAL(10,2) DETERMINISTIC
        RETURN preco * (100 - por_cento) / 100""",
    """CREATE EVENT portal.limpa_acessos ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00'
        DO DELETE FROM portal.acesso WHERE quando < NOW() - INTERVAL 1 YEAR""",
)


def fill(connection: Connection[Any], *, scale: float = 1.0, seed: int = 1) -> None:
    """Create :data:`DATABASES`, about 50 MB at scale 1; the same seed creates the same rows.

    :param connection: has all privileges, in autocommit mode
    """
    random_ = random.Random(seed)
    rows = _Rows(random_, lambda number: max(10, int(number * scale)))
    with connection.cursor() as cursor:
        for statement in SCHEMA:
            cursor.execute(statement)
        cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")
        cursor.execute("SET SESSION time_zone = '+00:00'")
        for table, source in rows.tables():
            _insert(connection, table, source)
        for statement in PROGRAMS:
            cursor.execute(statement)
        cursor.execute("SET SESSION foreign_key_checks = 1, unique_checks = 1")


def _insert(connection: Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    source = iter(rows)
    with connection.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        while block := list(islice(source, ROWS_PER_INSERT)):
            # PyMySQL's executemany takes three times as long.
            values = ",".join("(" + ",".join(connection.escape(value) for value in row) + ")" for row in block)
            cursor.execute(f"INSERT INTO {table} VALUES {values}")
        cursor.execute("COMMIT")


class _Rows:
    """The rows of each table, with values in the order of its columns."""

    def __init__(self, random_: random.Random, scaled: Callable[[int], int]) -> None:
        self._random = random_
        self._clients = scaled(25_000)
        self._orders = scaled(60_000)
        self._employees = scaled(300)
        self._hits = scaled(60_000)
        self._messages = scaled(12_000)
        self._sentences = {
            words: [" ".join(random_.choices(WORDS, k=words)) for _ in range(2000)] for words in (3, 18, 60)
        }

    def tables(self) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
        yield "vendas.cliente", self._client_rows()
        yield "vendas.pedido", self._order_rows()
        yield "vendas.item", self._item_rows()
        yield "`rh ação`.`funcionário`", self._employee_rows()
        yield "portal.acesso", self._hit_rows()
        yield "portal.mensagem", self._message_rows()

    def _client_rows(self) -> Iterator[tuple[Any, ...]]:
        for number in range(1, self._clients + 1):
            preferences = {"newsletter": number % 3 == 0, "cores": self._random.sample(WORDS, 2), "nível": number % 7}
            yield (
                number,
                self._name(),
                f"cliente{number}@exemplo.com.br",
                self._random.choice(CITIES),
                None if number % 11 == 0 else self._day(1950, 20_000),
                json.dumps(preferences, ensure_ascii=False),
            )

    def _order_rows(self) -> Iterator[tuple[Any, ...]]:
        states = ("aberto", "pago", "enviado", "cancelado")
        for number in range(1, self._orders + 1):
            yield (
                number,
                self._random.randint(1, self._clients),
                f"{self._day(2023, 900)} {self._random.randrange(24):02d}:15:{number % 60:02d}.{number % 1000:03d}",
                self._random.choice(states),
                f"{self._random.randrange(1_000_000) / 100:.2f}",
                None if number % 5 == 0 else self._text(18),
            )

    def _item_rows(self) -> Iterator[tuple[Any, ...]]:
        for order in range(1, self._orders + 1):
            for number in range(1, 1 + self._random.randint(1, 3)):
                price = f"{self._random.randrange(100, 50_000) / 100:.2f}"
                yield order, number, self._text(3), self._random.randint(1, 9), price

    def _employee_rows(self) -> Iterator[tuple[Any, ...]]:
        for number in range(1, self._employees + 1):
            photo = None if number % 10 == 0 else self._random.randbytes(self._random.randint(1_000, 40_000))
            chief = None if number == 1 else self._random.randint(1, number - 1)
            yield number, self._name(), f"{2000 + number * 7}.50", chief, photo, self._day(2000, 9_000)

    def _hit_rows(self) -> Iterator[tuple[Any, ...]]:
        for number in range(1, self._hits + 1):
            path = "/" + self._text(3).replace(" ", "/")
            yield (
                number,
                f"{self._day(2025, 200)} 10:00:00",
                self._random.randbytes(4),
                path,
                self._random.random() * 90,
            )

    def _message_rows(self) -> Iterator[tuple[Any, ...]]:
        awkward = ("aspas ' \" ` e barra \\", "linha\nnova\ttab\x00nulo\x1afim", EMOJI)
        for number in range(1, self._messages + 1):
            text = f"{self._text(60)} {self._random.choice(awkward)}"
            yield number, text, number % 2, "2026-01-31 23:59:59"

    def _name(self) -> str:
        return f"{self._random.choice(FIRST_NAMES)} {self._random.choice(LAST_NAMES)} {self._random.choice(LAST_NAMES)}"

    def _text(self, words: int) -> str:
        return self._random.choice(self._sentences[words])

    def _day(self, year: int, days: int) -> str:
        return str(datetime.date(year, 1, 1) + datetime.timedelta(days=self._random.randrange(days)))
