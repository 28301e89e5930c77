"""Reads `everyday.txt`: everyday statements with the answers that AWS's pages document."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

REFUSED = "refused"
DONE = "done"
NO_ROWS = "no rows"
Answer = list[str] | str

SETUP = """
CREATE TABLE orders (
    id integer, customer varchar(10), region varchar(10), amount decimal(8,2), placed timestamp, paid boolean
);
INSERT INTO orders VALUES
    (1, 'ann', 'north', 10.00, '2024-01-15 08:30:00', true),
    (2, 'bob', 'south', 20.50, '2024-01-31 23:59:59', false),
    (3, 'ann', 'north', 30.25, '2024-02-29 12:00:00', true),
    (4, 'cid', 'south', NULL, '2024-03-10 00:00:00', NULL);
CREATE TABLE customers (name varchar(10), city varchar(10));
INSERT INTO customers VALUES ('ann', 'Oslo'), ('bob', 'Bern'), ('dan', 'Rome');
CREATE TABLE events (id integer, body super);
INSERT INTO events VALUES
    (1, JSON_PARSE('{"user":{"name":"ann","tags":["a","b"]},"n":5}')),
    (2, JSON_PARSE('{"user":{"name":"bob","tags":[]},"n":7}'));
CREATE TABLE sales (shop varchar(10), q1 integer, q2 integer);
INSERT INTO sales VALUES ('east', 5, 7), ('west', 3, NULL)
"""


class Case(NamedTuple):
    """Statements of which the last is judged, and its documented answer."""

    kind: str
    page: str
    name: str
    statements: tuple[str, ...]
    answer: Answer


def read_cases() -> list[Case]:
    """Return the cases of `everyday.txt`, named by their kind and a number."""
    text = Path(__file__).with_name("everyday.txt").read_text("utf-8")
    cases: list[Case] = []
    for section in text.split("## ")[1:]:
        heading, *blocks = section.strip().split("\n\n")
        kind, page = heading.split(" | ")
        for number, block in enumerate(blocks, 1):
            lines = block.splitlines()
            statements = tuple(line for line in lines if not line.startswith("=>"))
            rows = [line[2:].removeprefix(" ") for line in lines if line.startswith("=>")]
            answer = (
                rows[0] if rows[0] in (REFUSED, DONE) else [row for row in rows if row != NO_ROWS]
            )
            cases.append(Case(kind, page, f"{kind} {number}", statements, answer))
    return cases
