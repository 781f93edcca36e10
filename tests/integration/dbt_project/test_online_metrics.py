"""What the marts say about what was shown, worked out by hand: two publications, an experiment, a late click."""

from datetime import date
from typing import Any

import pytest
from scipy.stats import binomtest

from tests.support.handmade_warehouses import HandmadeWarehouse

LATE = "('late', 'u1', 'f3', 'click', null, '2026-01-13 07:00:00+00', '2026-01-20 00:00:00+00')"
DATES = (
    "select slice, exposures, clicks from marts.variant_outcomes "
    "where slice_by = 'date' and variant = 'nightjar' order by slice"
)


def near(*values: float | None) -> tuple[Any, ...]:
    """The same numbers, each compared to six places."""
    return tuple(None if value is None else pytest.approx(value, abs=1e-6) for value in values)


def wilson(clicks: int, exposures: int) -> tuple[Any, ...]:
    """Wilson's interval, by another code."""
    found = binomtest(clicks, exposures).proportion_ci(0.95, "wilson")
    return near(found.low, found.high)


def test_an_exposure_has_the_source_and_the_cold_tier_of_its_item(published: HandmadeWarehouse) -> None:
    # f3 and f4 had no event when they were shown, f2 was bought the day before; u4 has none to this day.
    found = published.rows(
        "select exposure_id, exposure_date, domain, rank_bucket, source, cold_tier, first_clicked_at is not null, "
        "value from marts.exposure_outcomes order by exposure_id"
    )
    tenth, eleventh = date(2026, 1, 10), date(2026, 1, 11)
    assert found == [
        ("x1", eleventh, "films", "01", "personal", "cold_item", False, None),
        ("x2", eleventh, "films", "01", "unknown", "cold_item", True, 12.5),
        ("x3", eleventh, "films", "01", "personal", "cold_item", False, None),
        ("x4", eleventh, "films", "02-03", "popular", "cold_item", False, None),
        ("x5", eleventh, "films", "01", "popular", "warm", False, None),
        ("x6", eleventh, "films", "01", "unknown", "cold_user", False, None),
        ("x7", tenth, "films", "01", "personal", "cold_item", True, None),
    ]


def test_ctr_counts_exposures_by_how_the_item_was_chosen(published: HandmadeWarehouse) -> None:
    found = published.rows(
        "select publication_id, source, rank, exposures, clicks, conversions, value, ctr, ctr_low, ctr_high "
        "from marts.recommendation_ctr_daily where variant = 'nightjar' order by publication_id, source",
    )
    assert found == [
        ("2026-01-09.1", "personal", 1, 1, 1, 0, None, 1.0, *wilson(1, 1)),
        ("2026-01-10.1", "personal", 1, 2, 0, 0, None, 0.0, *wilson(0, 2)),
        ("2026-01-10.1", "unknown", 1, 1, 1, 1, 12.5, 1.0, *wilson(1, 1)),
    ]


def test_the_variant_stands_beside_the_control(published: HandmadeWarehouse) -> None:
    # Wilson: 2 of 4 from 0.1500390 to 0.8499610, none of 3 up to z*z / (3 + z*z) = 0.5614970. Newcombe: 1/2 less the
    # root of (1/2 - 0.1500390)^2 + 0.5614970^2, and 0.8499610. Both of u1 and u2 clicked one of two: no spread.
    found = published.rows(
        "select variant, users, exposures, clicks, conversions, value, ctr, ctr_low, ctr_high, ctr_lift, "
        "ctr_lift_low, ctr_lift_high from marts.variant_outcomes where slice_by = 'all' order by variant"
    )
    assert found == [
        ("control", 2, 3, 0, 0, None, 0.0, 0.0, *near(0.5614970), None, None, None),
        ("nightjar", 2, 4, 2, 1, 12.5, 0.5, *near(0.1500390, 0.8499610), 0.5, *near(-0.1616281, 0.8499610)),
    ]


def test_predicted_recall_stands_beside_realised_ctr(published: HandmadeWarehouse) -> None:
    found = published.rows(
        "select publication_id, k, predicted_recall, popularity_recall, exposures, clicks, ctr, control_exposures, "
        "control_ctr, control_ctr_high from marts.publication_outcomes order by publication_id",
    )
    assert found == [
        ("2026-01-09.1", 2, 0.4, 0.25, 1, 1, 1.0, 0, None, None),
        ("2026-01-10.1", 2, 0.4, 0.25, 3, 1, *near(1 / 3), 3, 0.0, *near(0.5614970)),
    ]


def test_an_item_has_its_lists_and_the_outcomes_of_its_exposures(published: HandmadeWarehouse) -> None:
    # f5 is no longer sold. Events: f1 two, f2 e3 and e8, f3 e6 and e7, b1 one; x1 has an event only.
    found = published.rows(
        "select item_id, is_available, events, users, lists, exposures, clicks, value "
        "from marts.item_outcomes order by item_id"
    )
    assert found == [
        ("b1", True, 1, 1, 0, 0, 0, None),
        ("b2", True, 0, 0, 0, 0, 0, None),
        ("f1", True, 2, 2, 0, 0, 0, None),
        ("f2", True, 2, 2, 0, 2, 1, None),
        ("f3", True, 2, 1, 1, 2, 1, 12.5),
        ("f4", True, 0, 0, 2, 2, 0, None),
        ("f5", False, 0, 0, 0, 1, 0, None),
        ("x1", True, 1, 1, 0, 0, 0, None),
    ]


def test_a_late_click_changes_the_date_on_which_the_item_was_shown(
    project: Any, engine: Any, published: HandmadeWarehouse
) -> None:
    assert published.rows(DATES) == [("2026-01-10", 1, 1), ("2026-01-11", 3, 1)]
    warehouse: HandmadeWarehouse = engine.copy(published)
    warehouse.execute(f"insert into raw.interactions values {LATE}")
    selection = ("--select", "fct_exposures", "path:models/intermediate/performance", "path:models/marts/performance")
    done = project.dbt(
        warehouse,
        *("build", "--exclude-resource-type", "unit_test", *selection),
        interval_start="2026-01-20T00:00:00+00:00",
        interval_end="2026-01-21T00:00:00+00:00",
    )
    assert done.success, done.exception
    # x1 of the 11th, clicked on the 13th, heard of on the 20th.
    assert warehouse.rows(DATES) == [("2026-01-10", 1, 1), ("2026-01-11", 3, 2)]
    assert warehouse.rows("select count(*) from core.fct_interactions where event_id = 'late'") == [(0,)]


def test_how_an_item_was_chosen_outlives_the_rows_of_its_publication(
    project: Any, engine: Any, published: HandmadeWarehouse
) -> None:
    warehouse: HandmadeWarehouse = engine.copy(published)
    warehouse.execute("delete from recs.recommendations where publication_id = '2026-01-09.1'")
    done = project.dbt(warehouse, "run", "--select", "int_shown_sources", "exposure_outcomes")
    assert done.success, done.exception
    query = "select source from marts.exposure_outcomes where exposure_id = 'x7'"
    assert warehouse.rows(query) == [("personal",)]


def test_users_who_click_alike_widen_the_interval_of_a_lift(project: Any, published: HandmadeWarehouse) -> None:
    # Of two users one clicks all 20, one none: over users the CTR 1/2 has the variance 2 * (10^2 + 10^2) / 40^2 = 1/4.
    # The control: 20 users, 2 exposures and no click each. 40 independent exposures would give 0.5 -0.17 +0.15.
    shown = [("new", f"n{place % 2}", "timestamptz '2026-01-01'" if place % 2 else "null") for place in range(40)]
    shown += [("control", f"c{place % 20}", "null") for place in range(40)]
    values = ", ".join(
        f"('{place}', date '2026-01-01', '{user}', 'i', 'films', 1, '01', 'p', '{variant}', 'personal', 'warm', "
        f"timestamptz '2026-01-01', {clicked}, null, null)"
        for place, (variant, user, clicked) in enumerate(shown)
    )
    compiled = project.dbt(published, "compile", "--select", "variant_outcomes").result[0].node.compiled_code
    found = published.rows(
        f"select users, ctr, ctr_low, ctr_high, ctr_lift, ctr_lift_low, ctr_lift_high from ({compiled}) as outcomes "
        "where slice_by = 'all' and variant = 'new'",
        "delete from marts.exposure_outcomes",
        f"insert into marts.exposure_outcomes values {values}",
    )
    reach = 1.959963984540054 * 0.5
    assert found == [(2, 0.5, *wilson(20, 40), 0.5, *near(0.5 - reach, 0.5 + reach))]


def test_an_unknown_touch_is_named_with_what_it_may_be(project: Any, published: HandmadeWarehouse) -> None:
    done = project.dbt(published, "compile", "--select", "exposure_outcomes", attribution_touch="middle")
    assert not done.success
    for name in ("attribution_touch", "'middle'", "last", "first"):
        assert name in str(done.exception)
