"""Rows of the raw tables from the MovieLens views: one function per raw table, each defines a source.

Reads the views of `nightjar.importers.movielens.layouts`, and `checked_interactions` for the first rating of every film
and user.
"""

import duckdb

from nightjar.importers.column_matching import IMPORTABLE
from nightjar.importers.import_source import ImportSource, define
from nightjar.importers.loading import FROM_THE_START
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.times import instant

# Times are unix seconds by the README of every archive, however small; a film may be called Null.
_OPTIONS = ReadOptions(time_unit="s", null_words=())
_EARLIEST = "timestamptz '1900-01-01 00:00:00+00'"
_NO_GENRE = "('unknown', '(no genres listed)')"
_FIRST_RATED = """(select {key}, min(occurred_at) as first_rated_at from checked_interactions
    where reason is null group by {key})"""
# A title ends in the year: "Toy Story (1995)".
_FILMS_BY_YEAR = r"""(select *, coalesce(
        try_cast(regexp_extract(title, '\((\d{4})\)\s*$', 1) as integer), year(released::timestamptz)
    ) as year from ml_films)"""
# The age groups of ml-1m, applied to the ages of ml-100k as well.
_AGE_GROUP = """case when age < 18 then 'under-18' when age < 25 then '18-24' when age < 35 then '25-34'
    when age < 45 then '35-44' when age < 50 then '45-49' when age < 56 then '50-55' else '56+' end"""


def interactions(connection: duckdb.DuckDBPyConnection, file: str) -> ImportSource:
    """Every rating is an event whose value is the rating."""
    columns = ("event_id", "user_id", "item_id", "event_type", "value", "occurred_at")
    source = ImportSource(
        "interactions", IMPORTABLE["interactions"], (file,), columns, "ml_ratings_unread", options=_OPTIONS
    )
    return define(
        connection,
        source,
        """select line, content, concat_ws(':', 'ml', user_id, item_id, rated_at) as event_id, user_id, item_id,
            'rating' as event_type, rating as value, rated_at as occurred_at
        from ml_ratings""",
    )


def items(connection: duckdb.DuckDBPyConnection, file: str) -> ImportSource:
    """Every film, available from its release; a rating given before that was given at a preview."""
    columns = ("item_id", "domain", "title", "available_from", "recorded_at")
    source = ImportSource("items", IMPORTABLE["items"], (file,), columns, "ml_film_lines_unread", options=_OPTIONS)
    return define(
        connection,
        source,
        f"""select line, content, item_id, 'films' as domain, title, {FROM_THE_START}::varchar as recorded_at,
            least(first_rated_at, case when release < {_EARLIEST} then {_EARLIEST} else release end)::varchar
                as available_from
        from (select *, coalesce(released::timestamptz, make_date(year, 1, 1)::timestamptz) as release
            from {_FILMS_BY_YEAR})
        left join {_FIRST_RATED.format(key="item_id")} using (item_id)""",
    )


def film_features(connection: duckdb.DuckDBPyConnection, file: str) -> ImportSource:
    """Genres, year and decade of every film."""
    columns = ("item_id", "feature", "recorded_at")
    source = ImportSource("film_features", IMPORTABLE["item_features"], (file,), columns, options=_OPTIONS)
    return define(
        connection,
        source,
        f"""with features as (
            select line, content, item_id, unnest(
                list_transform(
                    list_filter(genres, lambda genre: genre not in {_NO_GENRE}), lambda genre: 'genre:' || genre
                ) || ['year:' || year, 'decade:' || (year - year % 10) || 's']
            ) as feature
            from {_FILMS_BY_YEAR}
        )
        select *, {FROM_THE_START}::varchar as recorded_at from features where feature is not null""",
    )


def tag_features(connection: duckdb.DuckDBPyConnection) -> ImportSource:
    """Every tag of a film, from the first time that a user gave it."""
    columns, tagged_at = ("item_id", "feature", "recorded_at"), instant("tagged_at", _OPTIONS)
    source = ImportSource(
        "tag_features", IMPORTABLE["item_features"], ("tags.csv",), columns, "ml_tags_unread", options=_OPTIONS
    )
    return define(
        connection,
        source,
        f"""select line, content, item_id, 'tag:' || lower(trim(tag)) as feature, tagged_at as recorded_at
        from ml_tags
        qualify row_number() over (partition by item_id, feature order by {tagged_at}, line) = 1
            or {tagged_at} is null""",
    )


def users(connection: duckdb.DuckDBPyConnection, file: str, has_people: bool) -> ImportSource:
    """Every user, known from their first rating on."""
    columns = ("user_id", "created_at", "recorded_at")
    unread = "ml_people_lines_unread" if has_people else None
    source = ImportSource("users", IMPORTABLE["users"], (file,), columns, unread, options=_OPTIONS)
    first_rated = _FIRST_RATED.format(key="user_id")
    people = f"ml_people left join {first_rated} using (user_id)"
    raters = f"(select *, user_id as content, row_number() over (order by user_id) as line from {first_rated})"
    return define(
        connection,
        source,
        f"""select line, content, user_id, first_rated_at::varchar as created_at,
            coalesce(first_rated_at, {FROM_THE_START})::varchar as recorded_at
        from {people if has_people else raters}""",
    )


def user_features(connection: duckdb.DuckDBPyConnection, file: str) -> ImportSource:
    """Gender, age group, occupation and the first digit of the zip code."""
    columns = ("user_id", "feature", "recorded_at")
    source = ImportSource("user_features", IMPORTABLE["user_features"], (file,), columns, options=_OPTIONS)
    return define(
        connection,
        source,
        f"""with people as (select * replace (try_cast(age as integer) as age) from ml_people),
        features as (
            select line, content, user_id, unnest([
                'gender:' || gender, case when age is not null then 'age:' || {_AGE_GROUP} end,
                'occupation:' || occupation, 'zip_region:' || nullif(regexp_extract(zip, '^[0-9]'), '')
            ]) as feature
            from people
        )
        select line, content, user_id, feature, coalesce(first_rated_at, {FROM_THE_START})::varchar as recorded_at
        from features left join {_FIRST_RATED.format(key="user_id")} using (user_id)
        where feature is not null""",
    )
