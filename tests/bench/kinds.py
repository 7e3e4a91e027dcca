"""The two kinds of data: rows of random digits, like sysbench's, and rows like a business's."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from tests.bench import vocabulary as words

# A function that makes rows as lines for LOAD DATA, from a random generator, with ids from the first number on.
Rows = Callable[[random.Random, int, int], Iterator[str]]

ROWS_PER_CHUNK = 40_000
STATES = words.Weighted("SP RJ MG BA PR RS PE CE PA SC GO MA".split(), 2)
STATUSES = words.Weighted("delivered paid shipped open cancelled returned".split(), 1)
METHODS = words.Weighted("pix card boleto transfer".split(), 1)
EVENTS = words.Weighted("view search add_to_cart login checkout logout error".split(), 1)
FIRST_DAY = datetime.datetime(2021, 1, 1)
# Formatted once, because formatting a time takes longer than making the rest of a row.
DAYS = [f"{FIRST_DAY + datetime.timedelta(days=day):%Y-%m-%d}" for day in range(1554)]
BIRTHDAYS = [f"{FIRST_DAY - datetime.timedelta(days=6000 + day):%Y-%m-%d}" for day in range(1 << 14)]
TIMES = [f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}" for second in range(86_400)]


class Table(NamedTuple):
    """A table: its ``share`` of the bytes, the ``quotes`` a dump adds to a row, its ``key``, made after loading."""

    name: str
    columns: str
    key: str
    share: float
    quotes: int
    rows: Rows


def _sbtest(chance: random.Random, first: int, count: int) -> Iterator[str]:
    for number in range(first, first + count):
        digits = f"{chance.getrandbits(550):0165d}"[-165:]
        groups = [digits[at : at + 11] for at in range(0, 165, 11)]
        k = chance.getrandbits(23)
        yield f"{number}\t{k}\t{'-'.join(groups[:10])}\t{'-'.join(groups[10:])}\n"


def _customers(chance: random.Random, first: int, count: int) -> Iterator[str]:
    given, family = words.FIRST_NAMES.stream(chance), words.LAST_NAMES.stream(chance)
    streets, cities, states = words.STREETS.stream(chance), words.CITIES.stream(chance), STATES.stream(chance)
    for number in range(first, first + count):
        name, last = next(given), next(family)
        digits, born = f"{chance.getrandbits(80):030d}", chance.choice(BIRTHDAYS)
        yield (
            f"{number}\t{name} {next(family)} {last}\t{name.lower()}.{last.lower()}{digits[-3:]}@example.com\t"
            f"{digits[-14:-3]}\t+55 11 9{digits[-22:-14]}\t{born}\t{next(streets)}, {digits[-25:-22]}\t"
            f"{next(cities)}\t{next(states)}\t{_moment(chance)}\t{chance.getrandbits(20) / 100:.2f}\t"
            f'{{"newsletter": {chance.choice(("true", "false"))}, "language": "pt-BR", '
            f'"segment": "{chance.choice("ABCD")}", "score": {chance.getrandbits(10)}}}\n'
        )


def _orders(chance: random.Random, first: int, count: int) -> Iterator[str]:
    statuses, methods, text = STATUSES.stream(chance), METHODS.stream(chance), words.WORDS.stream(chance)
    phrases = words.PHRASES.stream(chance)
    for number in range(first, first + count):
        method = next(methods)
        cents = chance.getrandbits(18)
        note = [next(phrases)] if chance.random() < 0.25 else []
        note += islice(text, chance.getrandbits(6))
        yield (
            f"{number}\t{1 + chance.getrandbits(20)}\t{_moment(chance)}\t{next(statuses)}\t{cents / 100:.2f}\t"
            f'{{"method": "{method}", "installments": {1 + chance.getrandbits(2)}, '
            f'"transaction": "{chance.getrandbits(64):016x}", "amount": {cents / 100:.2f}, "approved": true}}\t'
            f"{' '.join(note).capitalize()}\n"
        )


def _items(chance: random.Random, first: int, count: int) -> Iterator[str]:
    products = words.PRODUCTS.stream(chance)
    for number in range(first, first + count):
        product = next(products)
        price = 100 + len(product) * 37 % 9000 + chance.getrandbits(9)
        yield (
            f"{number}\t{number // 3 + 1}\t{product}\tSKU-{hash_of(product):06d}\t{1 + chance.getrandbits(2)}\t"
            f"{price / 100:.2f}\t{chance.choice((0, 0, 0, 5, 10))}.00\n"
        )


def _events(chance: random.Random, first: int, count: int) -> Iterator[str]:
    kinds, agents, products = EVENTS.stream(chance), words.AGENTS.stream(chance), words.PRODUCTS.stream(chance)
    moment = FIRST_DAY + datetime.timedelta(seconds=first)
    for number in range(first, first + count):
        moment += datetime.timedelta(microseconds=chance.getrandbits(21))
        address = chance.getrandbits(24)
        product = next(products)
        yield (
            f"{number}\t{moment}\t{1 + chance.getrandbits(20)}\t{next(kinds)}\t"
            f"177.{address >> 16}.{address >> 8 & 255}.{address & 255}\t"
            f"{chance.getrandbits(128):032x}\t{next(agents)}\t/loja/{product.replace(' ', '-')}/{hash_of(product)}\t"
            f'{{"ms": {chance.getrandbits(11)}, "ref": "campaign-{chance.getrandbits(6)}", '
            f'"ab": ["{chance.choice("xy")}", {chance.getrandbits(3)}], "query": "{product[:12]}"}}\n'
        )


def hash_of(text: str) -> int:
    """Return a number of six digits for a text, which is the same in every process, unlike Python's hash."""
    return int.from_bytes(text.encode()[-6:], "big") % 1_000_000


def _moment(chance: random.Random) -> str:
    day, second = divmod(chance.getrandbits(27), len(TIMES))
    return f"{DAYS[day]} {TIMES[second]}"


SYSBENCH = tuple(
    Table(
        f"sbtest{number}",
        "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0, "
        "c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT ''",
        "ADD KEY (k)",
        0.25,
        4,
        _sbtest,
    )
    for number in range(1, 5)
)
# One table holds nearly all rows, because 7-Zip packs each file of a zip on one processor (docs/benchmarks.md).
BUSINESS = (
    Table(
        "customers",
        "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(120) NOT NULL, email VARCHAR(160) NOT NULL, "
        "document CHAR(11) NOT NULL, phone VARCHAR(20) NOT NULL, born DATE NOT NULL, street VARCHAR(120) NOT NULL, "
        "city VARCHAR(60) NOT NULL, state CHAR(2) NOT NULL, created DATETIME NOT NULL, balance DECIMAL(12,2) NOT NULL, "
        "preferences JSON NOT NULL",
        "ADD KEY (city)",
        0.03,
        20,
        _customers,
    ),
    Table(
        "orders",
        "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL, placed DATETIME NOT NULL, "
        "status ENUM('delivered','paid','shipped','open','cancelled','returned') NOT NULL, "
        "total DECIMAL(12,2) NOT NULL, payment JSON NOT NULL, note TEXT NOT NULL",
        "ADD KEY (customer_id)",
        0.94,
        8,
        _orders,
    ),
    Table(
        "items",
        "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, order_id INT NOT NULL, product VARCHAR(120) NOT NULL, "
        "sku CHAR(10) NOT NULL, quantity SMALLINT NOT NULL, price DECIMAL(10,2) NOT NULL, "
        "discount DECIMAL(5,2) NOT NULL",
        "ADD KEY (order_id)",
        0.02,
        4,
        _items,
    ),
    Table(
        "events",
        "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, at DATETIME(6) NOT NULL, customer_id INT NOT NULL, "
        "kind VARCHAR(20) NOT NULL, address VARCHAR(45) NOT NULL, session CHAR(32) NOT NULL, "
        "agent VARCHAR(200) NOT NULL, path VARCHAR(255) NOT NULL, payload JSON NOT NULL",
        "ADD KEY (at)",
        0.01,
        14,
        _events,
    ),
)
KINDS = {"sysbench": SYSBENCH, "business": BUSINESS}
