"""The explorer's charts: lines over dates, rates with their intervals, and points on a plane."""

from collections.abc import Mapping, Sequence

import altair

from nightjar.explorer.warehouse_queries import QueryResult

# One colour a name, the same on every page and in the run report; other names share the rest.
_COLOURS = {
    "nightjar": "#3b4cc0",
    "popularity": "#8a8f99",
    "champion": "#d08c2f",
    "consumed": "#4c9a5b",
    "retrieval": "#3b4cc0",
    "similarity": "#d08c2f",
    "lightfm": "#7b4fa3",
    "ease": "#2a9d8f",
    "item_cosine": "#6b7a1f",
    "content": "#c2554f",
    "popular": "#9c755f",
    "trending": "#1f77b4",
}
_OTHERS = ["#7b4fa3", "#2a9d8f", "#c2554f", "#6b7a1f", "#1f77b4", "#9c755f"]
_MAP_WIDTH, _MAP_HEIGHT = 760, 560


def over_dates(
    result: QueryResult, date: str, value: str, name: str, title: str, *, format: str = "", from_zero: bool = True
) -> altair.LayerChart:
    """Draw one line a name, with a point for each date so that a single date is visible too.

    Args:
        result: rows with the columns named below.
        date: column of dates; the axis shows only dates with rows.
        value: column of numbers.
        name: column of the lines' names.
        title: of the axis of numbers.
        format: d3 format of the numbers on the axis.
        from_zero: whether the axis begins there.
    """
    return _lines(result, date, value, name, title, format, from_zero).encode(
        x=altair.X(f"{date}:O", title=None, axis=altair.Axis(labelAngle=-40, labelOverlap=True))
    )


def rates_with_intervals(result: QueryResult, position: str, name: str, title: str) -> altair.LayerChart:
    """Draw `ctr` with its interval, `ctr_low` to `ctr_high`, at each position, in one colour a name."""
    points = _base(result).encode(
        x=altair.X(
            f"{position}:O", title=position.replace("_", " "), axis=altair.Axis(labelAngle=-40, labelOverlap=True)
        ),
        xOffset=altair.XOffset(f"{name}:N"),
        color=_colour(result, name),
        tooltip=[f"{position}:N", f"{name}:N", "exposures:Q", "clicks:Q", altair.Tooltip("ctr:Q", format=".2%")],
    )
    span = points.mark_rule(strokeWidth=2).encode(
        y=altair.Y("ctr_low:Q", title=title, axis=altair.Axis(format="%")), y2="ctr_high:Q"
    )
    return altair.layer(span, points.mark_point(filled=True, size=55, opacity=1).encode(y="ctr:Q")).properties(
        height=320
    )


def stacked_bars(
    result: QueryResult, bar: str, place: str, value: str, name: str, title: str, *, pixels: int = 24
) -> altair.Chart:
    """Draw one horizontal bar a row label, the values of the names side by side in it; values below 0 go to the left.

    Args:
        result: rows with the columns named below.
        bar: column of the labels.
        place: column of numbers that the bars are sorted by.
        value: column of numbers.
        name: column of the parts' names.
        title: of the axis of numbers.
        pixels: height of a bar with its gap.
    """
    labels = dict.fromkeys(label for _, label in sorted(zip(result.column(place), result.column(bar), strict=True)))
    return (
        _base(result)
        .mark_bar()
        .encode(
            y=altair.Y(
                f"{bar}:N",
                title=None,
                sort=list(labels),
                axis=altair.Axis(labelLimit=220, labelOverlap=False, labelFlush=False),
            ),
            x=altair.X(f"{value}:Q", title=title),
            color=_colour(result, name),
            tooltip=[f"{bar}:N", f"{name}:N", altair.Tooltip(f"{value}:Q", format=".3f")],
        )
        # The legend and the axis of numbers take the rest.
        .properties(height=pixels * len(labels) + 110)
    )


def item_map(result: QueryResult, colours: Mapping[str, str], title: str) -> altair.Chart:
    """Draw points without axes, both directions to one scale, coloured by label.

    Args:
        result: rows with title, domain, label, x and y, in the order of drawing.
        colours: of the labels, in the order of the legend.
        title: of the legend.
    """
    scale = altair.Scale(domain=list(colours), range=list(colours.values()))
    horizontal, vertical = _equal_scales(result.column("x"), result.column("y"))
    # 30 square pixels, and 8 for ten thousand points: as many as do not hide each other.
    size = max(8.0, min(30.0, 80_000 / len(result.rows)))
    return (
        _base(result)
        .mark_circle(size=size, opacity=0.75)
        .encode(
            x=altair.X("x:Q", axis=None, scale=horizontal),
            y=altair.Y("y:Q", axis=None, scale=vertical),
            color=altair.Color(
                "label:N",
                scale=scale,
                legend=altair.Legend(title=title, symbolSize=90, symbolOpacity=1, labelLimit=170, titleLimit=170),
            ),
            tooltip=["title:N", "domain:N", altair.Tooltip("label:N", title=title)],
        )
        .properties(width=_MAP_WIDTH, height=_MAP_HEIGHT)
        .configure_view(stroke=None)
        .interactive()
    )


def _equal_scales(x: Sequence[float], y: Sequence[float]) -> tuple[altair.Scale, altair.Scale]:
    """Return scales of the map in which a unit has the same length in both directions."""
    unit = 1.04 * max((max(x) - min(x)) / _MAP_WIDTH, (max(y) - min(y)) / _MAP_HEIGHT) or 1.0
    middles = (max(x) + min(x)) / 2, (max(y) + min(y)) / 2
    horizontal, vertical = (
        altair.Scale(domain=[middle - unit * pixels / 2, middle + unit * pixels / 2], nice=False, zero=False)
        for middle, pixels in zip(middles, (_MAP_WIDTH, _MAP_HEIGHT), strict=True)
    )
    return horizontal, vertical


def _lines(
    result: QueryResult, date: str, value: str, name: str, title: str, format: str, from_zero: bool
) -> altair.LayerChart:
    base = _base(result).encode(
        y=altair.Y(f"{value}:Q", title=title, axis=altair.Axis(format=format), scale=altair.Scale(zero=from_zero)),
        color=_colour(result, name),
        tooltip=[f"{date}:N", f"{name}:N", altair.Tooltip(f"{value}:Q", format=".4f")],
    )
    return altair.layer(base.mark_line(), base.mark_point(filled=True, size=60, opacity=1)).properties(height=320)


def _base(result: QueryResult) -> altair.Chart:
    names, rows = result.columns, result.rows
    values = [{key: _plain(value) for key, value in zip(names, row, strict=True)} for row in rows]
    return altair.Chart(altair.Data(values=values))


def _colour(result: QueryResult, name: str) -> altair.Color:
    names_drawn = sorted(set(result.column(name)))
    others = iter(_OTHERS * len(names_drawn))
    colours = [_COLOURS[each] if each in _COLOURS else next(others) for each in names_drawn]
    legend = altair.Legend(title=None, orient="top", labelLimit=400)
    return altair.Color(f"{name}:N", scale=altair.Scale(domain=names_drawn, range=colours), legend=legend)


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)
