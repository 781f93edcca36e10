"""Writes docs/performance.md and its plot from measured figures; no number is typed by hand."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure

from benchmarks.pages import save
from benchmarks.performance.targets import Figures, Target, reasons, targets

_HEAD = """# What a run costs

`make bench SIZE=100k` (or 1m, 20m) writes this page: it generates interactions with planted tastes, imports them into
a home of its own, does one run with the default settings, then measures the stages in isolation beside what the bare
libraries need for the same rows. Every target is a ratio of two medians of one benchmark, measured in turns on one
thread; seconds are of a machine with two cores and mean little elsewhere. A bound on times counts as kept within 3 %,
since identical calls differ by up to 2 %. Figures that an earlier benchmark measured of other sizes stay; an
interrupted one continues. [What profiles showed](experiments/performance.md), and what
[warm start](experiments/warm-start.md) saves, have pages of their own.
"""
_STAGES = """## Stages

Seconds and rows a second are what the stage logs. Memory is the proportional set size of all processes of the run while
the stage ran. The first run of a warehouse builds every table from scratch; later ones read new events only.
"""
_OVERHEAD = """## Time outside the stages

What stages need to start and to end, and Airflow's own work between them, do not grow with the data. Without a
scheduler most stages are forked from a server, which takes less than the processes of their own that are measured here.
"""
# Figures of the first edition's last benchmark, in the folder of those by size.
BEFORE = "first_edition.json"
_EDITIONS = """## Before and now

Seconds of the first edition and of this one, on the same kind of machine, of the sizes that both have measured.
"""
_SCRIPT = """## A script instead

What a team would write instead: pandas reads the same file of interactions, one library fits one model, and the best
new items of each user go into one file. Recall@10 is of what the run held out; the script was fitted on the same pairs.
"""
_CLUSTER = """## Spark's jobs on a cluster

From submission to end, on a standalone cluster of one machine whose workers have one core each. On a machine of two
cores the driver shares them with the workers, and what starts on each worker takes longer than the tasks of small data.
"""


def write_page(measured: Sequence[Figures], before: Figures, page: Path) -> None:
    """Write the page.

    Args:
        measured: figures in the order of the sizes.
        before: seconds of the first edition's runs, and of their stages, by the name of a size.
        page: the file to write.
    """
    by_size = [targets(figures) for figures in measured]
    parts = [_HEAD, "## Targets\n", _target_table(measured, by_size), ""]
    if lost := reasons(by_size):
        parts += ["Where a target is not met, and what takes the time:\n", *(f"- {line}" for line in lost), ""]
    parts += ["![cost against size](images/performance.png)\n"]
    if compared := [figures for figures in measured if _was_measured_again(figures, before)]:
        parts += [_EDITIONS, _edition_table(compared, before), ""]
    if scripted := [figures for figures in measured if "script" in figures]:
        parts += [_SCRIPT, _script_table(scripted), ""]
    parts += [_STAGES, _stage_table(measured), ""]
    parts += [_OVERHEAD, _overhead_table(measured), ""]
    for title, key, unit in (
        ("## Recommendations of all users, 20,480 at most", "scoring", "seconds"),
        ("## One epoch of training", "epochs", "seconds"),
        ("## Inputs", "inputs", "seconds"),
        ("## Loading into DuckDB", "duckdb", "seconds"),
        ("## Loading into PostgreSQL", "postgres", "seconds"),
    ):
        parts += [f"{title}\n", _figure_table(measured, key, unit), ""]
    on_cluster = [figures for figures in measured if figures["cluster"]]
    if on_cluster:
        parts += [_CLUSTER, _figure_table(on_cluster, "cluster", "seconds"), ""]
    parts += ["## Indices\n", _index_table(measured), ""]
    page.write_text("\n".join(parts), encoding="utf-8")
    _draw(measured, page.parent / "images" / "performance.png")


def _name(figures: Figures) -> str:
    size = figures["size"]
    return f"{size['name']} ({size['users']:,} users, {size['items']:,} items)"


def _head(first: str, measured: Sequence[Figures]) -> list[str]:
    names = " | ".join(_name(figures) for figures in measured)
    return [f"| {first} | {names} |", f"|---|{'---|' * len(measured)}"]


def _target_table(measured: Sequence[Figures], by_size: Sequence[Sequence[Target]]) -> str:
    rows = _head("ratio (bound)", measured)
    for same in zip(*by_size, strict=True):
        bound = f"at {'most' if same[0].at_most else 'least'} {same[0].bound:g}"
        cells = [f"{each.ratio:.3g} {'met' if each.is_met else '**not met**'}" for each in same]
        rows.append(f"| {same[0].what} ({bound}) | {' | '.join(cells)} |")
    return "\n".join(rows)


def _stage_table(measured: Sequence[Figures]) -> str:
    rows = _head("stage: seconds, rows a second, peak", measured)
    for stage in measured[0]["run"]["stages"]:
        cells = []
        for figures in measured:
            cost = _stage(figures, stage["stage"])
            cells.append(_cost(cost) if cost else "")
        rows.append(f"| {stage['stage']} | {' | '.join(cells)} |")
    totals = [f"{f['run']['seconds']:,.0f} s, {f['run']['peak'] / 2**30:.2f} GiB" for f in measured]
    rows.append(f"| the run | {' | '.join(totals)} |")
    return "\n".join(rows)


def _edition_table(measured: Sequence[Figures], before: Figures) -> str:
    rows = _head("seconds", measured)
    earlier = [before[figures["size"]["name"]] for figures in measured]
    for stage in (each["stage"] for each in measured[0]["run"]["stages"]):
        cells = []
        for figures, was in zip(measured, earlier, strict=True):
            cost = _stage(figures, stage)
            cells.append(f"{was['stages'].get(stage, 0):,.1f} → {cost['seconds']:,.1f}" if cost else "")
        rows.append(f"| {stage} | {' | '.join(cells)} |")
    runs = zip(measured, earlier, strict=True)
    rows.append(
        "| the run | " + " | ".join(f"{was['seconds']:,.0f} → {f['run']['seconds']:,.0f}" for f, was in runs) + " |"
    )
    return "\n".join(rows)


def _was_measured_again(figures: Figures, before: Figures) -> bool:
    was = before.get(figures["size"]["name"])
    return was is not None and was["seconds"] != figures["run"]["seconds"]


def _script_table(measured: Sequence[Figures]) -> str:
    rows = _head("seconds, peak, recall@10", measured)
    for name in measured[0]["script"]:
        cells = []
        for figures in measured:
            cost = figures["run"] | figures["script"][name] if name in figures["script"] else None
            shown = f"{cost['seconds']:,.1f} s, {cost['peak'] / 2**30:.2f} GiB, {cost['recall']:.3f}" if cost else ""
            cells.append(shown)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _stage(figures: Figures, name: str) -> Figures | None:
    return next((each for each in figures["run"]["stages"] if each["stage"] == name), None)


def _cost(stage: Figures) -> str:
    rate = f", {stage['rows'] / max(stage['seconds'], 0.1):,.0f} {stage['unit']}/s" if stage["rows"] else ""
    return f"{stage['seconds']:,.1f} s{rate}, {stage['peak'] / 2**30:.2f} GiB"


def _overhead_table(measured: Sequence[Figures]) -> str:
    rows = _head("seconds", measured)
    of_run = [f"{figures['run']['overhead']:.1f}" for figures in measured]
    rows.append(f"| the run less its stages | {' | '.join(of_run)} |")
    for name in measured[0]["starts"]:
        of_start = [f"{figures['starts'][name]:.2f}" for figures in measured]
        rows.append(f"| {name}, start to end | {' | '.join(of_start)} |")
    return "\n".join(rows)


def _figure_table(measured: Sequence[Figures], key: str, unit: str) -> str:
    rows = _head(unit, measured)
    for name in measured[0][key]:
        rows.append(f"| {name} | {' | '.join(f'{figures[key][name]:,.3f}' for figures in measured)} |")
    return "\n".join(rows)


def _index_table(measured: Sequence[Figures]) -> str:
    rows = [
        "| items | build, s | bare build, s | queries a second | bare | recall@10 | ef | memory, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for figures in measured:
        for index in [figures["index"], *figures["made-up indices"]]:
            kind = "" if index is figures["index"] else ", generated"
            rows.append(
                f"| {index['items']:,.0f}{kind} | {index['build']:,.2f} | {index['bare build']:,.2f} "
                f"| {index['query per second']:,.0f} | {index['bare query per second']:,.0f} "
                f"| {index['recall']:.4f} | {index['ef']:.0f} | {index['megabytes']:,.0f} |"
            )
    return "\n".join(rows)


def _draw(measured: Sequence[Figures], path: Path) -> None:
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    sizes = [figures["size"]["interactions"] for figures in measured]
    for colour, stage in zip(colormaps["tab20"].colors, measured[0]["run"]["stages"], strict=False):
        of_stage = [_stage(figures, stage["stage"]) for figures in measured]
        measured_of_stage = [(size, each) for size, each in zip(sizes, of_stage, strict=True) if each]
        for panel, value in ((seconds, "seconds"), (memory, "peak")):
            scale = 1 if value == "seconds" else 2**30
            panel.plot(
                [size for size, _ in measured_of_stage],
                [max(each[value], 0.05) / scale for _, each in measured_of_stage],
                marker="o",
                color=colour,
                label=stage["stage"],
            )
    for panel, title in ((seconds, "seconds of a stage"), (memory, "memory of the run during a stage, GiB")):
        panel.set(xscale="log", yscale="log", xlabel="interactions", title=title)
    memory.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)
