"""The page of the benchmark: its tables and quotes, of made-up figures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.quality.page import Measured, write_page


def figures(recall: float, ndcg: float, **others: Any) -> dict[str, Any]:
    by_user = {"recall": [recall] * 4, "ndcg": [ndcg] * 4}
    return {
        "recall": recall,
        "ndcg": ndcg,
        "coverage": 0.5,
        "users": 4,
        "by_user": by_user,
        "fit_seconds": 1.25,
        **others,
    }


def next_clicks(hit_rate: float, mrr: float) -> dict[str, Any]:
    # Three sessions of two prefixes.
    by_session = {"hit_rate": [2 * hit_rate] * 3, "mrr": [2 * mrr] * 3}
    return {
        "hit_rate": hit_rate,
        "mrr": mrr,
        "listed": 7,
        "prefixes": 6,
        "by_session": by_session,
        "fit_seconds": 2.0,
    }


MEASURED = Measured(
    figures={
        "amazon-beauty, last one of each user": {
            "gSASRec": figures(0.3, 0.1, choice={"epochs": 20}, fit_seconds=1234.5),
            "EASE": figures(0.2, 0.3, choice={"ridge": 30.0}),
            "Nightjar": figures(0.25, 0.2),
        }
    },
    sessions={"yoochoose-100k": {"SLIST": next_clicks(0.5, 0.25), "Nightjar": next_clicks(0.6, 0.2)}},
    few_users={"ml-latest-small, cut in time": 28},
    ablations={},
    tied={"amazon-beauty": 0.0, "ml-100k": 0.506},
)


def written(measured: Measured, folder: Path) -> list[str]:
    write_page(measured, folder / "quality.md")
    return (folder / "quality.md").read_text().splitlines()


def test_the_models_of_a_table_stand_by_recall_and_the_best_figures_are_bold(tmp_path: Path) -> None:
    lines = written(MEASURED, tmp_path)
    start = lines.index("| model | recall@10 | NDCG@10 | coverage | fit seconds |")
    assert lines[start + 2 : start + 5] == [
        "| EASE | 0.2000 | **0.3000** | **0.5000** | 1.2 |",
        "| Nightjar | 0.2500 | 0.2000 | **0.5000** | 1.2 |",
        "| gSASRec (neural) | **0.3000** | 0.1000 | **0.5000** | 1,234.5 |",
    ]
    start = lines.index("| model | HR@20 | MRR@20 | items | fit seconds |")
    assert lines[start + 2 : start + 4] == [
        "| SLIST | 0.5000 | **0.2500** | 7 | 2.0 |",
        "| Nightjar | **0.6000** | 0.2000 | 7 | 2.0 |",
    ]
    assert (tmp_path / "images" / "quality.png").stat().st_size > 0


def test_the_verdict_compares_with_the_best_peer_of_each_metric(tmp_path: Path) -> None:
    (verdict,) = [line for line in written(MEASURED, tmp_path) if line.startswith("4 users")]
    assert "-16.7% (-0.0500 to -0.0500) against the best peer, gSASRec" in verdict
    assert "-33.3% (-0.1000 to -0.1000) against the best peer, EASE" in verdict


def test_intervals_of_sessions_are_those_of_the_mean_over_prefixes(tmp_path: Path) -> None:
    (verdict,) = [line for line in written(MEASURED, tmp_path) if "HR@20 +20.0%" in line]
    assert "(+0.1000 to +0.1000) against the best peer, SLIST" in verdict
    assert "MRR@20 -20.0% (-0.0500 to -0.0500)" in verdict


def test_the_page_says_where_many_events_have_equal_times(tmp_path: Path) -> None:
    page = "\n".join(written(MEASURED, tmp_path))
    assert "51% in ml-100k" in page
    assert "in amazon-beauty" not in page


def test_without_neural_peers_the_page_names_the_command_that_they_need(tmp_path: Path) -> None:
    without = replace(MEASURED, figures={"some": {"EASE": figures(0.2, 0.3), "Nightjar": figures(0.25, 0.2)}})
    assert "make bench-neural-env" in "\n".join(written(without, tmp_path))
    assert "make bench-neural-env" not in "\n".join(written(MEASURED, tmp_path))


def test_the_page_names_the_tables_without_neural_peers(tmp_path: Path) -> None:
    linear = {"EASE": figures(0.2, 0.3), "Nightjar": figures(0.25, 0.2)}
    page = written(replace(MEASURED, figures={**MEASURED.figures, "ml-100k, cut in time": linear}), tmp_path)
    (line,) = [line for line in page if "not measured on" in line]
    assert "ml-100k, cut in time" in line
    assert "amazon-beauty" not in line


def test_published_figures_stand_beside_the_table_of_their_protocol_alone(tmp_path: Path) -> None:
    (quote,) = [line for line in written(MEASURED, tmp_path) if "0.0921" in line]
    assert "0.0531" in quote
    other = Measured({"ml-100k, cut in time": next(iter(MEASURED.figures.values()))}, {}, {}, {}, {})
    assert not any("0.0921" in line for line in written(other, tmp_path))
