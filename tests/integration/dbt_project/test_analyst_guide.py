"""Every query of docs/analyst-guide.md runs on both engines and gives the columns that the page names."""

import re
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.duckdb.published_file import FILE
from tests.support.handmade_warehouses import ANALYST, HandmadeDuckDB, HandmadePostgres, HandmadeWarehouse
from tests.support.two_publications import ADDED, RECORDED

PAGE = Path(__file__).resolve().parents[3] / "docs" / "analyst-guide.md"
# What the page asks for in the demo shop, and what stands for it in the warehouse laid by hand.
HERE = {"2026-03-31": "2026-01-10", "user-00042": "u1", "film-0007": "f3"}
QUESTION = re.compile(
    r"^### (\d+)\. (.+?)\n\n```sql\n(.+?)```\n\nColumns: ((?:`\w+`(?:,\s+)?)+)\.", re.DOTALL | re.MULTILINE
)


class Question(NamedTuple):
    """One question of the page."""

    number: int
    title: str
    query: str
    columns: list[str]


QUESTIONS = [
    Question(int(number), title, query, re.findall(r"`(\w+)`", columns))
    for number, title, query, columns in QUESTION.findall(PAGE.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def asked(engine: Any, published: HandmadeWarehouse) -> HandmadeWarehouse:
    """Two runs and their outcomes, a list of popular books, reasons, similar items, and a refused attempt."""
    warehouse: HandmadeWarehouse = engine.copy(published)
    warehouse.execute(
        "update recs.recommendations set reason_item_id = 'b1', contributions = '{\"lightfm\":0.5}' "
        "where user_id = 'u1' and item_id = 'f3'",
        "insert into recs.recommendations values "
        "('2026-01-10.1', '2026-01-10', 'u3', 'books', 1, 'b2', 0.5, 'popular', null, null)",
        "insert into recs.similar_items values ('2026-01-10.1', '2026-01-10', 'f3', 'books', 1, 'b2', 0.75)",
    )
    attempts = [("2026-01-09", 1), ("2026-01-10", 1), ("2026-01-10", 2)]
    warehouse.insert(
        "recs.publication_attempts",
        [
            (f"{day}.{number}", day, number, RECORDED, None, "auto", "all", None, "run", "v", RECORDED, None)
            for day, number in attempts
        ],
    )
    verdict = ("popularity", "refused", "recall@2 0.1 against 0.2", 0.1, 0.2, "recall@2", None, None, RECORDED)
    warehouse.insert("recs.gate_decisions", [("2026-01-10.2", "2026-01-10", *verdict)])
    if isinstance(warehouse, HandmadeDuckDB):
        written = DuckDBWarehouse(warehouse.path).write_readers_snapshot()
        assert written is not None
        assert written.views_left_out == ()
    return warehouse


def answer(warehouse: HandmadeWarehouse, number: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of one question, asked as an analyst may: of the readers' snapshot, or by the analysts' role."""
    query = QUESTIONS[number - 1].query
    for theirs, ours in HERE.items():
        query = query.replace(theirs, ours)
    if isinstance(warehouse, HandmadePostgres):
        connecting = warehouse.connect(ANALYST)
    else:
        connecting = DuckDBWarehouse(warehouse.path.with_name(FILE)).connect(read_only=True)
    with connecting as connection:
        found = connection.execute(query)
        columns = [column[0] for column in found.description]
        return columns, found.fetchall()


def test_the_page_has_its_questions_in_order() -> None:
    assert [question.number for question in QUESTIONS] == list(range(1, 23))
    assert PAGE.read_text(encoding="utf-8").count("```sql") == 22


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.number))
def test_a_question_has_an_answer_with_the_columns_that_the_page_names(
    asked: HandmadeWarehouse, question: Question
) -> None:
    columns, rows = answer(asked, question.number)
    assert columns == question.columns, question.title
    assert len(rows) > 0, question.title


NINTH, TENTH = date(2026, 1, 9), date(2026, 1, 10)
near = pytest.approx
ANSWERS = {
    # u1's f2 left, f3 rose, f4 came; u3 got recommendations for the first time.
    1: [("books", "entered", 1, 1), ("films", "entered", 1, 1), ("films", "left", 1, 1), ("films", "moved", 1, 1)],
    2: [("u1", "films", 1, 1), ("u3", "books", 1, 0)],
    3: [("2026-01-10.1", "films", 1, "f3", "personal"), ("2026-01-10.1", "films", 2, "f4", "personal")],
    5: [("2026-01-09.1", "nightjar", 1, 1)],
    6: [("films", 1, "f3", "personal", "b1", 0.5, '{"lightfm":0.5}'), ("films", 2, "f4", "personal", None, 0.5, ADDED)],
    7: [("books", "popular", 1, 1), ("films", "personal", 2, 3)],
    8: [("u3", 1)],
    # As the marts were built: before u3's book.
    9: [
        ("f1", "f1", "films", 2),
        ("f2", "f2", "films", 2),
        ("b1", "b1", "books", 1),
        ("x1", "x1", "default", 1),
        ("b2", "b2", "books", 0),
    ],
    # Of 3 places f4 has 2 and f3 has 1; of the 5 users with films f1 and f2 have 2 each, f3 has one.
    11: [
        ("f4", "f4", "films", near(2 / 3), 0, near(2 / 3)),
        ("f3", "f3", "films", near(1 / 3), near(1 / 5), near(2 / 15)),
        ("f5", "f5", "films", 0, 0, 0),
        ("f1", "f1", "films", 0, near(2 / 5), near(-2 / 5)),
        ("f2", "f2", "films", 0, near(2 / 5), near(-2 / 5)),
    ],
    12: [("books", 1, "b2", 0.75)],
    15: [("control", 1, 2, 0, 0), ("control", 2, 1, 0, 0), ("nightjar", 1, 4, 2, 0.5)],
    16: [("nightjar", "later", 1), ("nightjar", "within a day", 1)],
    18: [
        (NINTH, "2026-01-09.1", 2, 0.4, 0.25, 1, 1, 0, None),
        (TENTH, "2026-01-10.1", 2, 0.4, 0.25, 3, near(1 / 3), 3, 0),
    ],
    19: [(NINTH, "2026-01-09.1", "recall", 2, 0.4, 0.25), (TENTH, "2026-01-10.1", "recall", 2, 0.4, 0.25)],
    20: [
        (TENTH, 2, "refused", None, "popularity", "recall@2", 0.1, 0.2, "recall@2 0.1 against 0.2"),
        (TENTH, 1, "published", 3, None, None, None, None, None),
        (NINTH, 1, "published", 3, None, None, None, None, None),
    ],
    # Of the evaluation's rows that of ease is the only one of a source alone.
    21: [
        (day, f"{day}.1", *of_source)
        for day in (NINTH, TENTH)
        for of_source in (
            ("lightfm", "vectors", "warm", 0.75, 0.5, 1.0, 1.5, None, None),
            ("ease", "item_weights", "warm", 0.25, 0.5, 0.0, None, 2, 0.3),
            ("trending", "item_scores", "warm", 0.0, None, None, 0.5, None, None),
        )
    ],
    # The contributions of f3 do not name ease; trending weighs nothing.
    22: [
        ("films", 1, "f3", "lightfm", 0.5, 0.5), ("films", 1, "f3", "ease", 0, 0.5),
        ("films", 2, "f4", "lightfm", 0.3, 0.5), ("films", 2, "f4", "ease", 0.2, 0.5),
    ],
}  # fmt: skip


@pytest.mark.parametrize("number", ANSWERS)
def test_the_answer_is_the_one_worked_out_by_hand(asked: HandmadeWarehouse, number: int) -> None:
    assert answer(asked, number)[1] == ANSWERS[number]
