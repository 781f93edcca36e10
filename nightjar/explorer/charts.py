"""The explorer's charts: lines over dates and shares with their intervals."""

import altair

from nightjar.explorer.reading import Answer

# One colour a name, the same on every page and in the night's report; other names take what is left.
_COLOURS = {
    "nightjar": "#3b4cc0",
    "popularity": "#8a8f99",
    "champion": "#d08c2f",
    "consumed": "#4c9a5b",
    "retrieval": "#3b4cc0",
    "similarity": "#d08c2f",
}
_OTHERS = ["#7b4fa3", "#2a9d8f", "#c2554f", "#6b7a1f", "#1f77b4", "#9c755f"]


def over_dates(
    answer: Answer, date: str, value: str, name: str, title: str, *, format: str = "", from_zero: bool = True
) -> altair.LayerChart:
    """Draw one line a name; each date has its point, so that a single one is seen too.

    Args:
        answer: rows with the columns named below.
        date: column of dates; only those with rows take a place on the axis.
        value: column of numbers.
        name: column that says whose line it is.
        title: what the numbers are.
        format: of the numbers on the axis.
        from_zero: whether the axis begins there.
    """
    return _lines(answer, date, value, name, title, format, from_zero).encode(
        x=altair.X(f"{date}:O", title=None, axis=altair.Axis(labelAngle=-40, labelOverlap=True))
    )


def shares(answer: Answer, place: str, name: str, title: str) -> altair.LayerChart:
    """Draw `ctr` with its interval, `ctr_low` to `ctr_high`, at each place, one colour a name."""
    points = _base(answer).encode(
        x=altair.X(f"{place}:O", title=place.replace("_", " "), axis=altair.Axis(labelAngle=-40, labelOverlap=True)),
        xOffset=altair.XOffset(f"{name}:N"),
        color=_colour(answer, name),
        tooltip=[f"{place}:N", f"{name}:N", "exposures:Q", "clicks:Q", altair.Tooltip("ctr:Q", format=".2%")],
    )
    span = points.mark_rule(strokeWidth=2).encode(
        y=altair.Y("ctr_low:Q", title=title, axis=altair.Axis(format="%")), y2="ctr_high:Q"
    )
    return altair.layer(span, points.mark_point(filled=True, size=55, opacity=1).encode(y="ctr:Q")).properties(
        height=320
    )


def _lines(
    answer: Answer, date: str, value: str, name: str, title: str, format: str, from_zero: bool
) -> altair.LayerChart:
    base = _base(answer).encode(
        y=altair.Y(f"{value}:Q", title=title, axis=altair.Axis(format=format), scale=altair.Scale(zero=from_zero)),
        color=_colour(answer, name),
        tooltip=[f"{date}:N", f"{name}:N", altair.Tooltip(f"{value}:Q", format=".4f")],
    )
    return altair.layer(base.mark_line(), base.mark_point(filled=True, size=60, opacity=1)).properties(height=320)


def _base(answer: Answer) -> altair.Chart:
    names, rows = answer.columns, answer.rows
    values = [{key: _plain(value) for key, value in zip(names, row, strict=True)} for row in rows]
    return altair.Chart(altair.Data(values=values))


def _colour(answer: Answer, name: str) -> altair.Color:
    known = sorted(set(answer.column(name)))
    others = iter(_OTHERS * len(known))
    colours = [_COLOURS[each] if each in _COLOURS else next(others) for each in known]
    legend = altair.Legend(title=None, orient="top", labelLimit=400)
    return altair.Color(f"{name}:N", scale=altair.Scale(domain=known, range=colours), legend=legend)


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)
