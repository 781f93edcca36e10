"""Layouts: rows written as the data sets are, those of a home, and layout files that are none."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.import_files import import_files
from nightjar.importers.layouts.catalogue import find_layout, known_layouts, matching
from nightjar.importers.layouts.layout import read_layout
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type]


# Layout, file, its text, and the events: user, item, type, value, time.
EVENTS: list[tuple[str, str, str, list[tuple[Any, ...]]]] = [
    (
        "retailrocket",
        "events.csv",
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
        "1433224214165,992329,transaction,248676,777\n",
        [
            ("257597", "355908", "view", None, at(2015, 6, 2, 5, 2, 12, 117_000)),
            ("992329", "248676", "transaction", None, at(2015, 6, 2, 5, 50, 14, 165_000)),
        ],
    ),
    (
        "kaggle-ecommerce",
        "2019-Oct.csv",
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:02 UTC,remove_from_cart,3900821,2053013552326770905,x,aqua,33.20,554748717,9333dfbd\n",
        [("554748717", "3900821", "remove_from_cart", 33.2, at(2019, 10, 1, 0, 0, 2))],
    ),
    (
        "amazon-ratings-2014",
        "ratings_Books.csv",
        "A2S,0000013714,5.0,1252800000\n",
        [("A2S", "0000013714", "rating", 5.0, at(2009, 9, 13))],
    ),
    (
        "amazon-ratings-2023",
        "Books.train.csv",
        "user_id,parent_asin,rating,timestamp,history\nAE2,B00,5.0,1549866158332,\n",
        [("AE2", "B00", "rating", 5.0, at(2019, 2, 11, 6, 22, 38, 332_000))],
    ),
    (
        "amazon-reviews-2014",
        "reviews_Books_5.json",
        '{"reviewerID": "A2S", "asin": "0000013714", "helpful": [0], "overall": 5.0, "unixReviewTime": 1252800000}\n',
        [("A2S", "0000013714", "rating", 5.0, at(2009, 9, 13))],
    ),
    (
        "amazon-reviews-2023",
        "Books.jsonl",
        '{"rating": 1.0, "asin": "B1", "parent_asin": "B0", "user_id": "AE", "timestamp": 1549866158332}\n',
        [("AE", "B0", "rating", 1.0, at(2019, 2, 11, 6, 22, 38, 332_000))],
    ),
    (
        "yoochoose-clicks",
        "yoochoose-clicks.dat",
        "1,2014-04-07T10:51:09.277Z,214536502,0\n",
        [("1", "214536502", "click", None, at(2014, 4, 7, 10, 51, 9, 277_000))],
    ),
    (
        "yoochoose-buys",
        "yoochoose-buys.dat",
        "420374,2014-04-06T18:44:58.314Z,214537888,12462,1\n",
        [("420374", "214537888", "buy", 12462.0, at(2014, 4, 6, 18, 44, 58, 314_000))],
    ),
    (
        "book-crossing",
        "BX-Book-Ratings.csv",
        '"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n',
        [("276725", "034545104X", "rating", 0.0, at(2004, 9, 1))],
    ),
    (
        "h-and-m",
        "transactions_train.csv",
        "t_dat,customer_id,article_id,price,sales_channel_id\n2018-09-20,000058a1,0663713001,0.0508,2\n",
        [("000058a1", "0663713001", "purchase", 0.0508, at(2018, 9, 20))],
    ),
    (
        "recbole",
        "ml.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n",
        [("196", "242", "rating", 3.0, at(1997, 12, 4, 15, 55, 49))],
    ),
    (
        "lastfm-360k",
        "usersha1-artmbid-artname-plays.tsv",
        '00000c28\t3bd73256\tbetty "blow\t2137\n',
        [("00000c28", "3bd73256", "play", 2137.0, at(2008, 12, 31))],
    ),
    (
        "goodreads",
        "goodreads_interactions_dedup.json",
        '{"user_id": "8842", "book_id": "24375664", "is_read": true, "rating": 5,'
        ' "date_added": "Fri Aug 25 13:55:02 -0700 2017", "read_at": ""}\n',
        [("8842", "24375664", "rating", 5.0, at(2017, 8, 25, 20, 55, 2))],
    ),
    (
        "ga4",
        "ga.jsonl",
        '{"user_pseudo_id": "1.2", "event_name": "purchase", "event_timestamp": 1609459200000000,'
        ' "items": [{"item_id": "a"}, {"item_id": "b"}]}\n',
        [("1.2", "a", "purchase", None, at(2021, 1, 1)), ("1.2", "b", "purchase", None, at(2021, 1, 1))],
    ),
    (
        "movielens-csv",
        "ratings.csv",
        "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n",
        [("1", "31", "rating", 2.5, at(2009, 12, 14, 2, 52, 24))],
    ),
    (
        "movielens-100k",
        "u.data",
        "196\t242\t3\t881250949\n",
        [("196", "242", "rating", 3.0, at(1997, 12, 4, 15, 55, 49))],
    ),
    (
        "movielens-1m",
        "ratings.dat",
        "1::1193::5::978300760\n",
        [("1", "1193", "rating", 5.0, at(2000, 12, 31, 22, 12, 40))],
    ),
]


@pytest.mark.parametrize(("name", "file", "text", "events"), EVENTS, ids=[each[0] for each in EVENTS])
def test_events_written_as_the_data_set_are_read_by_its_layout(
    local_warehouse: Warehouse,
    rows_of: Query,
    tmp_path: Path,
    name: str,
    file: str,
    text: str,
    events: list[tuple[Any, ...]],
) -> None:
    path = tmp_path / file
    path.write_text(text)
    options = find_layout(name, tmp_path).options
    counts = import_files(local_warehouse, {"interactions": path}, IMPORTED_AT, options=options)
    assert [(count.added, count.rejected) for count in counts] == [(len(events), 0)]
    statement = "select user_id, item_id, event_type, value, occurred_at from raw.interactions order by item_id desc"
    assert sorted(rows_of(statement)) == sorted(events)
    fitting = matching(known_layouts(tmp_path), "interactions", path, text.splitlines()[0])
    assert fitting[name] == options["interactions"]


def test_every_shipped_layout_is_tried_and_describes_its_data(tmp_path: Path) -> None:
    shipped = known_layouts(tmp_path)
    assert set(shipped) == {name for name, *_ in EVENTS}
    assert all(each.layout.description and each.layout.source for each in shipped.values())


@pytest.mark.parametrize(
    ("name", "file", "text", "items"),
    [
        (
            "book-crossing",
            "BX-Books.csv",
            '"ISBN";"Book-Title";"Book-Author"\n"0195153448";"Classical \\"Myth\\" \udce9";"M"\n',
            [("0195153448", 'Classical "Myth" é')],
        ),
        ("movielens-1m", "movies.dat", '1::Null "Story (1995)::Animation\n', [("1", 'Null "Story (1995)')]),
        ("movielens-csv", "movies.csv", "movieId,title,genres\n1,None,Drama\n", [("1", "None")]),
        ("h-and-m", "articles.csv", "article_id,prod_name,x\n0108775015,Strap top,1\n", [("0108775015", "Strap top")]),
        ("recbole", "ml.item", "item_id:token\ttitle:token_seq\n1\tToy Story\n", [("1", "Toy Story")]),
    ],
)
def test_items_written_as_the_data_set_are_read_by_its_layout(
    local_warehouse: Warehouse,
    rows_of: Query,
    tmp_path: Path,
    name: str,
    file: str,
    text: str,
    items: list[tuple[Any, ...]],
) -> None:
    (tmp_path / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    options = find_layout(name, tmp_path).options
    import_files(local_warehouse, {"items": tmp_path / file}, IMPORTED_AT, options=options)
    assert rows_of("select item_id, title from raw.items") == items


def test_a_layout_of_the_home_takes_the_place_of_a_shipped_one_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "retailrocket.toml").write_text('[interactions]\ncolumns = {user_id = "who"}\n')
    (tmp_path / "layouts" / "ours.toml").write_text("[interactions]\ndelimiter = '|'\nheader = true\n")
    notes: list[str] = []
    assert find_layout("retailrocket", tmp_path, notes.append).options["interactions"].columns == {"user_id": "who"}
    assert len(notes) == 1
    assert find_layout("ours", tmp_path, notes.append).options["interactions"].delimiter == "|"
    known = known_layouts(tmp_path, notes.append)
    assert (known["ours"].is_shipped, known["retailrocket"].is_shipped, known["ga4"].is_shipped) == (False, False, True)
    assert len(notes) == 2


def test_a_layout_file_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[interactions]\nheader = false\ncolumns = {user_id = 1, item_id = "2"}\nnull_words = ["-"]\n')
    options = find_layout(str(path), tmp_path).options["interactions"]
    assert (options.header, dict(options.columns), options.null_words) == (
        False,
        {"user_id": "1", "item_id": "2"},
        ("-",),
    )


@pytest.mark.parametrize(
    ("name", "code", "fields"),
    [
        ("nowhere", "unknown_layout", {"value": "nowhere"}),
        ("../etc/passwd", "unknown_layout", {"value": "../etc/passwd"}),
        ("missing.toml", "no_such_file", {"path": "missing.toml"}),
        ("", "unknown_layout", {"value": ""}),
    ],
)
def test_a_layout_that_is_not_there_is_refused(tmp_path: Path, name: str, code: str, fields: dict[str, Any]) -> None:
    with refused(BadInput, code, option="--layout", **fields):
        find_layout(name, tmp_path)


@pytest.mark.parametrize(
    ("text", "code", "fields"),
    [
        ("[interactions\n", "unreadable_file", {}),
        ("", "missing_section", {}),
        ("[events]\n", "unknown_key", {"key": "events"}),
        ("delimiter = ','\n[interactions]\n", "unknown_key", {"key": "delimiter"}),
        ("interactions = 3\n", "wrong_type", {"key": "interactions", "value": 3}),
        ("[interactions]\ndelimeter = ','\n", "unknown_key", {"key": "interactions.delimeter"}),
        ("[interactions]\ndelimiter = 3\n", "wrong_type", {"key": "interactions.delimiter", "value": 3}),
        ("[interactions]\nheader = 'no'\n", "wrong_type", {"key": "interactions.header", "value": "no"}),
        ("[interactions]\ntime_unit = 'minutes'\n", "unknown_value", {"key": "interactions.time_unit"}),
        ("[interactions]\ntime_unit = []\n", "unknown_value", {"key": "interactions.time_unit", "value": []}),
        ("[interactions]\ncolumns = ['a']\n", "wrong_type", {"key": "interactions.columns", "value": ["a"]}),
        (
            "[interactions]\ncolumns = {user = 'a'}\n",
            "unknown_column",
            {"key": "interactions.columns", "column": "user"},
        ),
        ("[interactions]\ncolumns = {user_id = true}\n", "wrong_type", {"key": "interactions.columns.user_id"}),
        ("[interactions]\nconstants = {colour = 'a'}\n", "unknown_column", {"column": "colour"}),
        ("[interactions]\nnull_words = 'a'\n", "wrong_type", {"key": "interactions.null_words", "value": "a"}),
        ("[interactions]\nfiles = [1]\n", "wrong_type", {"key": "interactions.files", "value": [1]}),
        ("description = 1\n[interactions]\n", "wrong_type", {"key": "description", "value": 1}),
    ],
    ids=lambda each: each if isinstance(each, str) and "\n" not in each else "",
)
def test_a_layout_file_that_is_none_is_refused_with_its_key(
    tmp_path: Path, text: str, code: str, fields: dict[str, Any]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with refused(BadInput, code, file=path, **fields):
        read_layout(path)


def test_a_file_fits_by_its_name_or_its_columns_and_packed_too(tmp_path: Path) -> None:
    known = known_layouts(tmp_path)
    header = "timestamp,visitorid,event,itemid,transactionid"
    assert list(matching(known, "interactions", Path("events.csv"), header)) == ["retailrocket"]
    assert list(matching(known, "interactions", Path("export.csv.gz"), header)) == ["retailrocket"]
    assert list(matching(known, "interactions", Path("events.csv"), "user_id,item_id,occurred_at")) == []
    assert list(matching(known, "interactions", Path("u.data.gz"), "196\t242\t3\t881250949")) == ["movielens-100k"]
    assert list(matching(known, "items", Path("events.csv"), header)) == []


def test_a_packed_file_is_read_by_a_layout(local_warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "u.data.gz").write_bytes(gzip.compress(b"196\t242\t3\t881250949\n"))
    options = find_layout("movielens-100k", tmp_path).options
    counts = import_files(local_warehouse, {"interactions": tmp_path / "u.data.gz"}, IMPORTED_AT, options=options)
    assert counts[0].added == 1
