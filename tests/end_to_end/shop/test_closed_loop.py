"""Four days on which the demo shop's customers see the recommendations: the marts report the planted truth."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from nightjar.contract.places import DBT_PROJECT, REPOSITORY
from nightjar.importers.demo_shop.shop import generate
from nightjar.importers.demo_shop.shop_options import ShopOptions

DRIFT = 0.4
DAYS = 4


@pytest.fixture(scope="module")
def loop(shop: Any, new_home: Callable[[str], Any]) -> Any:
    """The shop after its run and the four following days."""
    home = new_home("loop")
    shutil.copy(shop.home.settings.warehouse_path, home.settings.warehouse_path)
    for command in (("import", "demo-shop", "--nights", str(DAYS)), ("performance",)):
        done = home.nightjar(*command)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return home


def planted_ctr(home: Any) -> dict[str, float]:
    """The mean of the chances with which each exposure of a variant is clicked, from the tastes of the generator."""
    options = ShopOptions()
    made = generate(options)
    users = {user: number for number, user in enumerate(made.customers.user_ids.tolist())}
    items = {item: number for number, item in enumerate(made.catalogue.item_ids.tolist())}
    chances: dict[str, list[float]] = {}
    for variant, user, item, rank, shown_at in home.rows(
        "select variant, user_id, item_id, rank, epoch(shown_at) from raw.exposures where publication_id is not null"
    ):
        moved = DRIFT * (shown_at - options.start) / (options.end - options.start)
        tastes = (1 - moved) * made.customers.tastes[users[user]] + moved * made.customers.drifts_to[users[user]]
        liking = tastes @ made.catalogue.tastes[items[item]]
        chances.setdefault(variant, []).append(0.4 / np.log2(1 + rank) * (0.05 + liking))
    return {variant: float(np.mean(found)) for variant, found in chances.items()}


def test_the_planted_ctr_of_both_variants_and_their_difference_are_within_the_intervals(loop: Any) -> None:
    truth = planted_ctr(loop)
    found = {
        variant: figures
        for variant, *figures in loop.rows(
            "select variant, ctr_low, ctr_high, ctr_lift, ctr_lift_low, ctr_lift_high from marts.variant_outcomes "
            "where slice_by = 'publication' and slice = '2026-03-31.2'"
        )
    }
    assert set(found) == set(truth) == {"control", "nightjar"}
    for variant, (low, high, *_) in found.items():
        assert low < truth[variant] < high
    _, _, lift, low, high = found["nightjar"]
    assert low < truth["nightjar"] - truth["control"] < high
    # The lift exists, and the marts report it as significant.
    assert 0 < low < lift < high


def test_the_exposures_of_each_day_come_from_the_publication(loop: Any) -> None:
    days = loop.rows(
        "select exposure_date, count(distinct user_id) > 100 from marts.exposure_outcomes "
        "where publication_id = '2026-03-31.2' group by 1 order by 1"
    )
    assert [(day.isoformat(), many) for day, many in days] == [(f"2026-04-0{day}", True) for day in range(1, DAYS + 1)]
    sources = loop.rows(
        "select distinct variant, source from marts.exposure_outcomes where publication_id = '2026-03-31.2'"
    )
    assert ("nightjar", "personal") in sources
    assert ("control", "popular") in sources
    assert ("control", "unknown") not in sources


def test_each_variant_is_half_of_the_users_and_no_user_changes_it(loop: Any) -> None:
    variants = loop.rows(
        "select user_id, count(distinct variant) from raw.exposures where publication_id is not null group by user_id"
    )
    assert {count for _, count in variants} == {1}
    [(fraction,)] = loop.rows(
        "select avg((variant = 'nightjar')::int) from "
        "(select distinct user_id, variant from raw.exposures where publication_id is not null)"
    )
    assert 0.45 < fraction < 0.55


def test_the_variants_ctr_and_their_models_recall_are_in_one_row(loop: Any) -> None:
    [(model, popularity, exposures, ctr, control_exposures, control_ctr)] = loop.rows(
        "select predicted_recall, popularity_recall, exposures, ctr, control_exposures, control_ctr "
        "from marts.publication_outcomes where publication_id = '2026-03-31.2'"
    )
    assert exposures + control_exposures == loop.value(
        "select count(*) from raw.exposures where publication_id is not null"
    )
    assert model > popularity
    assert ctr > control_ctr


def test_the_questions_of_the_analyst_guide_have_answers_in_the_shop(loop: Any) -> None:
    page = (REPOSITORY / "docs" / "analyst-guide.md").read_text(encoding="utf-8")
    queries = [part.partition("```")[0] for part in page.split("```sql\n")[1:]]
    assert len(queries) == 22
    # The run was run twice with the same rows: nothing changed since the one before.
    silent = [number for number, query in enumerate(queries, 1) if not loop.rows(query)]
    assert silent == [1, 2]


def test_the_page_of_tables_describes_each_column_in_one_file(loop: Any) -> None:
    done = loop.nightjar("docs")
    assert done.returncode == 0, done.stdout + done.stderr
    page = Path(done.stdout.splitlines()[-1]).read_text(encoding="utf-8")
    model = yaml.safe_load((DBT_PROJECT / "models/marts/performance/variant_outcomes.yml").read_text(encoding="utf-8"))
    descriptions = {column["name"]: column["description"] for column in model["models"][0]["columns"]}
    # In the page's JSON a quote would be escaped.
    assert descriptions["ctr_lift"].partition('"')[0] in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?https?:", page)
