"""The Open Bandit data through the real commands: the CTR of its two policies, worked out here a second time.

Its rows are impressions of a page with three positions, chosen by Thompson sampling (bts) or at random, with a flag for
the click. A row becomes an exposure of a user of its own, and a click two seconds later where the flag is set.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

POLICIES = {"bts": "bts", "random": "control"}
CAMPAIGNS = ("men", "women")

Impression = tuple[str, str, str, int, datetime, bool]


def impressions(folder: Path) -> Iterator[Impression]:
    """User, variant, item, position, time and click of every row."""
    for policy, variant in POLICIES.items():
        for campaign in CAMPAIGNS:
            with (folder / policy / campaign / f"{campaign}.csv").open(newline="", encoding="utf-8") as lines:
                for number, row in enumerate(csv.DictReader(lines)):
                    item, position = f"{campaign}-{row['item_id']}", int(row["position"])
                    shown_at = datetime.fromisoformat(row["timestamp"])
                    yield f"{policy}-{campaign}-{number}", variant, item, position, shown_at, row["click"] == "1"


@pytest.fixture(scope="module")
def shown(shared_data: Path) -> list[Impression]:
    return list(impressions(shared_data / "open-bandit"))


@pytest.fixture(scope="module")
def imported(new_home: Callable[[str], Any], shown: list[Impression], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A home without a model, after `import files --exposures` and `performance`."""
    folder = tmp_path_factory.mktemp("open-bandit")
    with (folder / "exposures.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "rank", "variant", "shown_at"])
        rows.writerows((user, item, position, variant, at) for user, variant, item, position, at, _ in shown)
    with (folder / "clicks.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "event_type", "occurred_at"])
        rows.writerows(
            (user, item, "click", at + timedelta(seconds=2)) for user, _, item, _, at, is_click in shown if is_click
        )
    home = new_home("open-bandit")
    files = ("--interactions", str(folder / "clicks.csv"), "--exposures", str(folder / "exposures.csv"))
    for command in (("import", "files", *files), ("performance",)):
        done = home.nightjar(*command)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\b40,000 exposures .*\b7 dates.*\b207\b", done.stdout)
    return home


def test_the_ctr_of_both_policies_by_position_is_that_of_the_file(imported: Any, shown: list[Impression]) -> None:
    exposures = Counter((variant, position) for _, variant, _, position, _, _ in shown)
    clicks = Counter((variant, position) for _, variant, _, position, _, is_click in shown if is_click)
    assert len(exposures) == 6
    found = imported.rows(
        "select variant, rank, sum(exposures), sum(clicks) from marts.recommendation_ctr_daily "
        "group by variant, rank order by variant, rank"
    )
    assert found == [(*key, exposures[key], clicks[key]) for key in sorted(exposures)]


def test_each_policy_has_wilsons_interval_and_its_lift_newcombes(imported: Any, shown: list[Impression]) -> None:
    whole = {}
    for wanted in POLICIES.values():
        flags = [is_click for _, variant, _, _, _, is_click in shown if variant == wanted]
        interval = binomtest(sum(flags), len(flags)).proportion_ci(0.95, "wilson")
        whole[wanted] = (len(flags), sum(flags), sum(flags) / len(flags), interval.low, interval.high)
    found = imported.rows(
        "select variant, exposures, clicks, ctr, ctr_low, ctr_high from marts.variant_outcomes "
        "where slice_by = 'all' order by variant"
    )
    assert found == [(variant, *map(pytest.approx, figures)) for variant, figures in sorted(whole.items())]

    # Each impression is a user of its own, so the interval over users is the normal one, and Newcombe's may be wider.
    (_, _, ctr, low, high), (_, _, control, control_low, control_high) = whole["bts"], whole["control"]
    lift = imported.rows(
        "select ctr_lift, ctr_lift_low, ctr_lift_high from marts.variant_outcomes "
        "where slice_by = 'all' and variant = 'bts'"
    )
    counts = [figures[0] for figures in whole.values()]
    spread = sum(rate * (1 - rate) / (count - 1) for rate, count in zip((ctr, control), counts, strict=True)) ** 0.5
    below = max(((ctr - low) ** 2 + (control_high - control) ** 2) ** 0.5, 1.959963984540054 * spread)
    above = max(((high - ctr) ** 2 + (control - control_low) ** 2) ** 0.5, 1.959963984540054 * spread)
    assert lift == [tuple(map(pytest.approx, (ctr - control, ctr - control - below, ctr - control + above)))]


def test_exposures_without_a_publication_are_marked_unknown(imported: Any) -> None:
    found = imported.rows("select distinct publication_id, source, rank_bucket from marts.exposure_outcomes order by 3")
    assert found == [("unknown", "unknown", "01"), ("unknown", "unknown", "02-03")]
