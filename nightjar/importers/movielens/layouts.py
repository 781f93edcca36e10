"""Reads the three layouts in which MovieLens is published into the same temporary views.

    ml_ratings  line, content, user_id, item_id, rating, rated_at
    ml_films    line, content, item_id, title, released (text, may be null), genres (list of text)
    ml_people   line, content, user_id, gender, age, occupation, zip   (not in the csv layout)
    ml_tags     line, content, item_id, tag, tagged_at                 (csv layout, where the file is there)

Lines of the wrong shape are in `ml_ratings_unread`, `ml_film_lines_unread`, `ml_people_lines_unread`, `ml_tags_unread`.

Used by `nightjar.importers.movielens.import_folder`. The layouts are described in the README file of each MovieLens
archive.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from nightjar.importers.files.delimited_text import read_delimited
from nightjar.importers.files.text_format import TextFormat

_LATIN = "latin-1"
_GENRE_FLAGS = tuple(f"flag_{index}" for index in range(19))
_OCCUPATIONS_1M = (
    *("other", "educator", "artist", "clerical", "student", "customer service", "doctor", "executive", "farmer"),
    *("homemaker", "K-12 student", "lawyer", "programmer", "retired", "sales", "scientist", "self-employed"),
    *("engineer", "craftsman", "unemployed", "writer"),
)


@dataclass(frozen=True)
class MovieLensLayout:
    """One layout: its required_columns files by role, and how to read them into the views."""

    name: str
    ratings: str
    films: str
    people: str | None
    others: tuple[str, ...]
    read: Callable[[duckdb.DuckDBPyConnection, Path], None]

    @property
    def files(self) -> tuple[str, ...]:
        """The files without which the folder is not of this layout."""
        return tuple(file for file in (self.ratings, self.films, self.people, *self.others) if file)


def _read_100k(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    _read(connection, folder / "u.data", _bare("\t", "user_id", "item_id", "rating", "rated_at"), "ml_ratings")
    films = _bare("|", "item_id", "title", "released", "video_released", "address", *_GENRE_FLAGS)
    _read(connection, folder / "u.item", films, "ml_film_lines")
    _read(connection, folder / "u.genre", _bare("|", "genre", "flag_index"), "ml_genres")
    connection.execute(
        f"""create temp view ml_films as
        with genres as (select list(genre order by flag_index::integer) as names from ml_genres)
        select line, content, item_id, title, try_strptime(released, '%d-%b-%Y')::varchar as released,
            list_filter(names, lambda name, place: [{", ".join(_GENRE_FLAGS)}][place] = '1') as genres
        from ml_film_lines cross join genres"""
    )
    people = _bare("|", "user_id", "age", "gender", "occupation", "zip")
    _read(connection, folder / "u.user", people, "ml_people_lines")
    connection.execute("create temp view ml_people as from ml_people_lines")


def _read_1m(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    _read(connection, folder / "ratings.dat", _bare("::", "user_id", "item_id", "rating", "rated_at"), "ml_ratings")
    _read(connection, folder / "movies.dat", _bare("::", "item_id", "title", "genre_list"), "ml_film_lines")
    people = _bare("::", "user_id", "gender", "age", "occupation_code", "zip")
    _read(connection, folder / "users.dat", people, "ml_people_lines")
    _split_genres(connection)
    names = ", ".join(f"'{name}'" for name in _OCCUPATIONS_1M)
    connection.execute(
        f"""create temp view ml_people as
        select *, [{names}][try_cast(occupation_code as integer) + 1] as occupation from ml_people_lines"""
    )


def _read_csv(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    _read(connection, folder / "ratings.csv", TextFormat(("user_id", "item_id", "rating", "rated_at")), "ml_ratings")
    _read(connection, folder / "movies.csv", TextFormat(("item_id", "title", "genre_list")), "ml_film_lines")
    _split_genres(connection)
    if (folder / "tags.csv").is_file():
        _read(connection, folder / "tags.csv", TextFormat(("user_id", "item_id", "tag", "tagged_at")), "ml_tags")


def _read(connection: duckdb.DuckDBPyConnection, path: Path, layout: TextFormat, name: str) -> None:
    read_delimited(connection, path, layout, name)


def _bare(delimiter: str, *columns: str) -> TextFormat:
    return TextFormat(columns, delimiter, quote="", header=False, encoding=_LATIN)


def _split_genres(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """create temp view ml_films as
        select *, null::varchar as released, string_split(genre_list, '|') as genres from ml_film_lines"""
    )


LAYOUTS = (
    MovieLensLayout("ml-100k", "u.data", "u.item", "u.user", ("u.genre",), _read_100k),
    MovieLensLayout("ml-1m", "ratings.dat", "movies.dat", "users.dat", (), _read_1m),
    MovieLensLayout("ml-latest, 20m, 25m or 32m", "ratings.csv", "movies.csv", None, (), _read_csv),
)
