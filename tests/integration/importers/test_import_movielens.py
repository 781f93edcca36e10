from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.loading import ImportCount
from nightjar.importers.movielens.import_folder import import_movielens
from nightjar.warehouse.protocol import Warehouse
from tests.support.checked_rows import Rejected, columns_of, rejected_for
from tests.support.refusals import refused

Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
START = datetime(1970, 1, 1, tzinfo=UTC)


def rejected(query: Query, order: str) -> list[tuple[str, str, int, Rejected, str]]:
    """The rejected rows, each with the columns whose rules it breaks."""
    rows = query(f"select table_name, file, line, reason, content from raw.rejected_rows order by {order}")
    return [(table, file, line, columns_of(reason), content) for table, file, line, reason, content in rows]


def added(counts: list[ImportCount]) -> dict[str, int]:
    return {count.table_name.removeprefix("raw."): count.added for count in counts}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.fixture
def ml_1m(tmp_path: Path) -> Path:
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ratings.dat").write_text("1::10::5::978300760\n2::10::3::978302109\n2::11::1::978300000\n")
    films = "10::Amélie, or: Fate (2001)::Comedy|Romance\n11::Nosferatu (1895)::Horror\n12::Untold::Drama\n"
    (folder / "movies.dat").write_text(films, encoding="latin-1")
    (folder / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::V5A2B\n3::M::25::0::00231\n")
    return folder


def test_the_100k_layout_gives_its_known_counts(warehouse: Warehouse, query: Query, shared_data: Path) -> None:
    counts = import_movielens(warehouse, shared_data / "ml-100k", IMPORTED_AT)
    totals = added(counts)
    assert (totals["interactions"], totals["items"], totals["users"]) == (100_000, 1_682, 943)
    assert sum(count.rejected for count in counts) == 0
    assert sum(added(import_movielens(warehouse, shared_data / "ml-100k", IMPORTED_AT)).values()) == 0
    assert query("select min(occurred_at), max(occurred_at), sum(value) from raw.interactions") == [
        (utc(1997, 9, 20, 3, 5, 10), utc(1998, 4, 22, 23, 10, 38), 352_986.0)
    ]
    # u.item: film 1 is Toy Story (1995), flags of Animation, Children's and Comedy.
    assert query("select feature from raw.item_features where item_id = '1' order by 1") == [
        ("decade:1990s",),
        ("genre:Animation",),
        ("genre:Children's",),
        ("genre:Comedy",),
        ("year:1995",),
    ]
    assert query("select feature from raw.user_features where user_id = '1' order by 1") == [
        ("age:18-24",),
        ("gender:M",),
        ("occupation:technician",),
        ("zip_region:8",),
    ]


def test_a_film_of_unknown_date_is_available_from_its_first_rating(
    warehouse: Warehouse, query: Query, shared_data: Path
) -> None:
    import_movielens(warehouse, shared_data / "ml-100k", IMPORTED_AT)
    assert query(
        """select title, available_from = (select min(occurred_at) from raw.interactions where item_id = '267')
        from raw.items where item_id = '267'"""
    ) == [("unknown", True)]
    assert query(
        """select count(*) from raw.items join raw.interactions using (item_id) where occurred_at < available_from"""
    ) == [(0,)]


def test_the_latest_small_layout_gives_its_known_counts(warehouse: Warehouse, query: Query, shared_data: Path) -> None:
    counts = import_movielens(warehouse, shared_data / "ml-latest-small", IMPORTED_AT)
    totals = added(counts)
    assert (totals["interactions"], totals["items"], totals["users"]) == (100_836, 9_742, 610)
    assert sum(count.rejected for count in counts) == 0
    assert sum(added(import_movielens(warehouse, shared_data / "ml-latest-small", IMPORTED_AT)).values()) == 0
    # tags.csv: user 2 tagged film 60756 "funny" at 1445714994; user 62 did so again in 2018.
    assert query("select recorded_at from raw.item_features where item_id = '60756' and feature = 'tag:funny'") == [
        (datetime.fromtimestamp(1445714994, UTC),)
    ]
    assert query("select count(*) from raw.item_features where feature like '%no genres listed%'") == [(0,)]


def test_the_100k_layout_is_read(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("7\t1\t4\t881250949\n")
    # Flags 0, 4 and 18; the date is written with one digit of the day.
    film = "1|Am\xe9lie (1997)|4-Dec-1997||http://films|1|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0|1\n"
    (tmp_path / "u.item").write_text(film, encoding="latin-1")
    genres = ["unknown", *(f"Genre {index}" for index in range(1, 19))]
    # The order of the lines says nothing, the number does.
    lines = [f"{genre}|{index}\n" for index, genre in enumerate(genres)]
    (tmp_path / "u.genre").write_text("".join(reversed(lines)) + "\n")
    (tmp_path / "u.user").write_text("7|34|F|writer|10019\n")
    import_movielens(warehouse, tmp_path, IMPORTED_AT)
    assert query("select title, available_from from raw.items") == [("Amélie (1997)", utc(1997, 12, 4))]
    assert query("select feature from raw.item_features order by 1") == [
        ("decade:1990s",),
        ("genre:Genre 18",),
        ("genre:Genre 4",),
        ("year:1997",),
    ]
    assert query("select feature from raw.user_features order by 1") == [
        ("age:25-34",),
        ("gender:F",),
        ("occupation:writer",),
        ("zip_region:1",),
    ]


def test_the_1m_layout_is_read(warehouse: Warehouse, query: Query, ml_1m: Path) -> None:
    assert added(import_movielens(warehouse, ml_1m, IMPORTED_AT)) == {
        "interactions": 3,
        "items": 3,
        # Two genres, year and decade; one genre, year and decade; one genre.
        "item_features": 4 + 3 + 1,
        "users": 3,
        # The Canadian zip code of user 2 has no first digit.
        "user_features": 4 + 3 + 4,
    }
    said = "event_id, user_id, item_id, event_type, value, occurred_at"
    assert query(f"select {said} from raw.interactions order by event_id limit 1") == [
        ("ml:1:10:978300760", "1", "10", "rating", 5.0, datetime.fromtimestamp(978300760, UTC))
    ]
    assert query("select feature from raw.user_features where user_id = '1' order by 1") == [
        ("age:under-18",),
        ("gender:F",),
        ("occupation:K-12 student",),
        ("zip_region:4",),
    ]


def test_a_film_is_available_from_its_year_or_from_an_earlier_first_rating(
    warehouse: Warehouse, query: Query, ml_1m: Path
) -> None:
    import_movielens(warehouse, ml_1m, IMPORTED_AT)
    assert query("select title, domain, available_from, recorded_at from raw.items order by item_id") == [
        ("Amélie, or: Fate (2001)", "films", datetime.fromtimestamp(978300760, UTC), START),
        ("Nosferatu (1895)", "films", utc(1900, 1, 1), START),
        ("Untold", "films", None, START),
    ]


def test_a_user_is_known_from_the_first_rating_on(warehouse: Warehouse, query: Query, ml_1m: Path) -> None:
    import_movielens(warehouse, ml_1m, IMPORTED_AT)
    first = datetime.fromtimestamp(978300000, UTC)
    assert query("select created_at, recorded_at from raw.users where user_id = '2'") == [(first, first)]
    assert query("select distinct recorded_at from raw.user_features where user_id = '2'") == [(first,)]
    assert query("select created_at, recorded_at from raw.users where user_id = '3'") == [(None, START)]


def test_a_tag_counts_from_the_first_time_it_was_given(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,10,4.5,1000\n")
    (tmp_path / "movies.csv").write_text('movieId,title,genres\n10,"Up, Up (1999)",(no genres listed)\n')
    (tmp_path / "tags.csv").write_text(
        'userId,movieId,tag,timestamp\n1,10,Funny,3000\n2,10," funny ",2000\n1,10,"a ""b""",2500\n1,10,funny,x\n1,10\n'
    )
    counts = import_movielens(warehouse, tmp_path, IMPORTED_AT)
    assert query("select feature, recorded_at from raw.item_features where feature like 'tag:%' order by 1") == [
        ('tag:a "b"', datetime.fromtimestamp(2500, UTC)),
        ("tag:funny", datetime.fromtimestamp(2000, UTC)),
    ]
    assert rejected(query, "line") == [
        ("item_features", "tags.csv", 5, rejected_for("recorded_at"), "1,10,funny,x"),
        ("item_features", "tags.csv", 6, rejected_for(), "1,10"),
    ]
    assert added(counts)["item_features"] == 2 + 2


def test_bad_lines_are_rejected_with_file_and_line(warehouse: Warehouse, query: Query, ml_1m: Path) -> None:
    (ml_1m / "ratings.dat").write_text("1::10::5::978300760\n2::10::3\n2::11::NaN::978300000\n3::10::1::9783000000\n")
    (ml_1m / "users.dat").write_text("1::F::1::10::48067\n::M::56::16::1\n")
    import_movielens(warehouse, ml_1m, IMPORTED_AT)
    assert rejected(query, "table_name, line") == [
        ("interactions", "ratings.dat", 2, rejected_for(), "2::10::3"),
        ("interactions", "ratings.dat", 3, rejected_for("value"), "2::11::NaN::978300000"),
        ("interactions", "ratings.dat", 4, rejected_for("occurred_at"), "3::10::1::9783000000"),
        ("user_features", "users.dat", 2, rejected_for("user_id"), "::M::56::16::1"),
        ("users", "users.dat", 2, rejected_for("user_id"), "::M::56::16::1"),
    ]


def test_a_folder_of_no_layout_is_refused_with_what_was_looked_for(local_warehouse: Warehouse, tmp_path: Path) -> None:
    with refused(BadInput, "not_a_movielens_folder", path=tmp_path):
        import_movielens(local_warehouse, tmp_path, IMPORTED_AT)
    with refused(BadInput, "no_such_folder", path=tmp_path / "missing"):
        import_movielens(local_warehouse, tmp_path / "missing", IMPORTED_AT)


def test_a_folder_that_lacks_a_file_is_refused(warehouse: Warehouse, query: Query, ml_1m: Path) -> None:
    (ml_1m / "users.dat").unlink()
    with refused(BadInput, "missing_files", wording=False, path=ml_1m, files=["users.dat"]):
        import_movielens(warehouse, ml_1m, IMPORTED_AT)
    assert query("select count(*) from raw.interactions") == [(0,)]
