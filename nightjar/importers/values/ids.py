"""Reads ids that a program has turned into floats as the integers they were: 12.0 and 12 are one user.

What decides is the column, not the value: 1.0 may be a version where 1.10 stands beside it. A column that the file
itself types as float or decimal holds numbers only. In a text column `12.0` becomes `12` where every id with a point
ends in `.0`, over all sources of one import, so that events and attributes meet. A double is certain below 2^53: what
lies beyond, or has a fraction, is rejected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from nightjar.importers.import_source import ImportSource
from nightjar.importers.import_warnings import RowWarning
from nightjar.importers.values.texts import trimmed, without_null_words

ID_COLUMNS = ("user_id", "item_id", "event_id", "exposure_id")

_FLOAT = r"-?(0|[1-9][0-9]*)\.0+"
# Java writes the shortest digits that give the double again; others round to a few unless all digits are there.
_JAVA = r"-?[0-9]\.[0-9]+E[0-9]{1,3}"
_SCIENTIFIC = rf"{_JAVA}|-?[0-9](\.[0-9]+)?[eE]\+[0-9]{{2,3}}"
_INTEGER = "-?[0-9]+"
# From the next integer on, two have one float.
_SAFE = 2**53 - 1
_LARGEST = {"FLOAT": 2**24 - 1, "DOUBLE": _SAFE}


@dataclass(frozen=True)
class IdForm:
    """How the ids of one column are written, counted over all text sources of an import."""

    floats: int = 0
    other_points: int = 0
    scientific: int = 0
    texts: int = 0

    @property
    def is_decoded(self) -> bool:
        """Whether `12.0` stands for 12."""
        return self.floats > 0 and self.other_points == 0

    @property
    def is_decoded_from_scientific(self) -> bool:
        """Whether `1.2E7` stands for 12000000."""
        return self.scientific > 0 and self.other_points == 0 and self.texts == 0


def survey(connection: duckdb.DuckDBPyConnection, sources: Sequence[ImportSource]) -> dict[str, IdForm]:
    """Count how the ids of the sources are written, by column; columns that a file types itself are left out."""
    forms: dict[str, IdForm] = {}
    for source in sources:
        names = [name for name in ID_COLUMNS if name in source.columns and kind_of_type(source, name) == "text"]
        if not names:
            continue
        counts = connection.execute(
            f"select {', '.join(_counts(name) for name in names)} from {source.relation}"
        ).fetchall()[0]
        for place, name in enumerate(names):
            floats, points, scientific = counts[3 * place : 3 * place + 3]
            known = forms.get(name, IdForm())
            forms[name] = IdForm(known.floats + floats, known.other_points + points, known.scientific + scientific)
    doubtful = [name for name, form in forms.items() if form.scientific]
    for name in doubtful:
        form = forms[name]
        texts = sum(_count_texts(connection, source, name) for source in sources if name in source.columns)
        forms[name] = IdForm(form.floats, form.other_points, form.scientific, texts)
    return forms


def kind_of_type(source: ImportSource, name: str) -> str:
    """Return the kind of a column's type in the file: text, integer, float or decimal."""
    type_ = source.types.get(name, "VARCHAR").upper()
    if type_ in _LARGEST:
        return "float"
    if type_.startswith("DECIMAL"):
        return "integer" if type_.endswith(",0)") else "decimal"
    return "integer" if type_.endswith(("INT", "INTEGER")) else "text"


def decoded(source: ImportSource, name: str, text: str, form: IdForm) -> str:
    """Return SQL for the id that a trimmed text stands for; null where it is not certain."""
    kind = kind_of_type(source, name)
    if kind == "float":
        number = f"try_cast({text} as double)"
        largest = _LARGEST[source.types[name].upper()]
        return f"case when {number} = floor({number}) and abs({number}) <= {largest} then {number}::bigint::varchar end"
    if kind == "decimal":
        return f"case when regexp_full_match({text}, '{_FLOAT}') then {_without_fraction(text)} end"
    if kind != "text" or not (form.is_decoded or form.is_decoded_from_scientific):
        return text
    return f"""case when not contains({text}, '.') and not contains({text}, '+') then {text}
        {_decoded_float(text) if form.is_decoded else ""}
        {_decoded_scientific(text) if form.is_decoded_from_scientific else ""}
        else {text} end"""


def why_not_decoded(source: ImportSource, name: str, text: str) -> str:
    """Return SQL for why an id was not read."""
    typed = f" in a column of type {source.types[name].lower()}" if name in source.types else ""
    fraction = f"regexp_matches({text}, '^-?[0-9]*\\.[0-9]*[1-9][0-9]*$')"
    return f"""case when {fraction} then 'has a fraction{typed}: write ids as integers or as text'
        else 'is a float whose last digits are lost{typed}: write ids as integers or as text' end"""


def id_warnings(
    connection: duckdb.DuckDBPyConnection, source: ImportSource, forms: Mapping[str, IdForm]
) -> list[RowWarning]:
    """Return warnings about ids that were read as other texts, and about those that look like floats and were kept."""
    warnings: list[RowWarning] = []
    for name in (name for name in ID_COLUMNS if name in source.columns):
        form, kind = forms.get(name, IdForm()), kind_of_type(source, name)
        if kind in ("float", "decimal"):
            rows = _count(connection, source, f"{name} is not null")
            warnings += _warning(
                source,
                "ids_of_numbers",
                name,
                f"{name} is of type {source.types[name].lower()}, read as integers",
                rows,
            )
        elif form.is_decoded or form.is_decoded_from_scientific:
            has_other_form = f"contains({name}, '.') or contains({name}, '+')"
            rows = _count(connection, source, f"{has_other_form} and {_is_number(trimmed(name))}")
            warnings += _warning(
                source,
                "ids_written_as_floats",
                name,
                f"{name} has ids written as floats, such as 12.0, read as integers, such as 12",
                rows,
            )
        elif form.floats or form.scientific:
            rows = _count(
                connection, source, f"{_is_number(trimmed(name))} and not regexp_full_match({name}, '{_INTEGER}')"
            )
            warnings += _warning(
                source,
                "ids_like_floats_kept",
                name,
                f"{name} has ids that look like floats beside others that are none; all are kept as text",
                rows,
            )
    return warnings


def _warning(source: ImportSource, code: str, column: str, text: str, rows: int) -> Sequence[RowWarning]:
    return [RowWarning(source.table.name, code, column, text, rows)] if rows else []


def _counts(name: str) -> str:
    # Points are rare: only ids with one are trimmed and matched.
    text = trimmed(name)
    point = f"contains({name}, '.')"
    exponent = f"({point} or contains({name}, '+'))"
    return f"""count(*) filter (case when {point} then regexp_full_match({text}, '{_FLOAT}') end),
        count(*) filter (case when {point} then not regexp_full_match({text}, '{_FLOAT}|{_SCIENTIFIC}') end),
        count(*) filter (case when {exponent} then regexp_full_match({text}, '{_SCIENTIFIC}') end)"""


def _count_texts(connection: duckdb.DuckDBPyConnection, source: ImportSource, name: str) -> int:
    if kind_of_type(source, name) != "text":
        return 0
    text = without_null_words(trimmed(name), source.options.null_words)
    return _count(connection, source, f"({text}) is not null and not {_is_number(trimmed(name))}")


def _is_number(text: str) -> str:
    return f"regexp_full_match({text}, '{_INTEGER}|{_FLOAT}|{_SCIENTIFIC}')"


def _decoded_float(text: str) -> str:
    whole = f"try_cast({_without_fraction(text)} as bigint)"
    return f"""when regexp_full_match({text}, '{_FLOAT}') then
        case when abs({whole}) <= {_SAFE} then {whole}::varchar end"""


def _decoded_scientific(text: str) -> str:
    number = f"try_cast({text} as double)"
    decimals = f"strlen(regexp_extract({text}, '\\.([0-9]+)', 1))"
    exponent = f"try_cast(regexp_extract({text}, '[eE]\\+?([0-9]+)$', 1) as integer)"
    is_exact = f"regexp_full_match({text}, '{_JAVA}') or {decimals} >= {exponent}"
    is_certain = f"({is_exact}) and {number} = floor({number}) and abs({number}) <= {_SAFE}"
    return f"""when regexp_full_match({text}, '{_SCIENTIFIC}') then
        case when {is_certain} then {number}::bigint::varchar end"""


def _without_fraction(text: str) -> str:
    return f"regexp_replace(regexp_extract({text}, '^-?[0-9]+'), '^-0$', '0')"


def _count(connection: duckdb.DuckDBPyConnection, source: ImportSource, condition: str) -> int:
    return int(connection.execute(f"select count(*) from {source.relation} where {condition}").fetchall()[0][0])
