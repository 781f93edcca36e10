from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.gates import REQUIRED_GATES, GateDecision
from nightjar.contract.interval import of_date, parse_instant
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.stage_groups import check_fits, inherit_files, inherited_gates, parse_stage_groups
from nightjar.contract.stages import STAGE_GROUPS
from nightjar.publishing.attempts import RunRequest, begin_attempt
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.publishing.publish import publish
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row
from tests.support.refusals import refused

DAY = of_date("2026-03-10")
MADE = (
    "snapshot/items.parquet",
    "features/seen/part-0.parquet",
    "model/manifest.json",
    "mlflow_run.json",
    "cold_items.json",
    "outputs/model_metrics/part-0.parquet",
    "outputs/item_embeddings/part-0.parquet",
    "outputs/user_embeddings/part-0.parquet",
    "outputs/recommendations/part-0.parquet",
)


@pytest.fixture
def published(settings: Settings, warehouse: Warehouse) -> RunFolder:
    """A first publication of the day, with arrival cut-off, all verdicts and files that hold their own names."""
    with warehouse.transaction() as connection:
        connection.execute(
            "insert into raw.interactions values ('e', 'u', 'i', 'view', null, "
            "timestamptz '2026-03-10 12:00:00+00', timestamptz '2026-03-10 12:00:00+00')"
        )
    arrived = parse_instant("t", "2026-03-11T06:00:00+00:00")
    run = begin_attempt(settings, warehouse, RunRequest(DAY, "r", ingested_before=arrived))
    folder = RunFolder.of(settings.lake, run.publication_id)
    for name in MADE:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text(name)
    record_decisions(
        warehouse, run, [GateDecision(gate, "passed", f"{gate} is fine", 2.0, 1.0) for gate in REQUIRED_GATES]
    )
    with warehouse.transaction() as connection:
        row = {"publication_id": run.publication_id, "data_date": run.data_date, "user_id": "u", "domain": "films"}
        listed = {"rank": 1, "item_id": "i", "score": 0.5, "source": "personal"}
        lay_row(connection, "recs_staging.recommendations", row | listed)
    publish(warehouse, run, model_uri="models:/nightjar/1", mlflow_run_id="m", content_hash="h")
    return folder


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("", STAGE_GROUPS),
        ("serving,publication", ("serving", "publication")),
        (" publication , serving,model", ("model", "serving", "publication")),
        ("inputs", ("inputs",)),
    ],
)
def test_a_choice_of_neighbouring_stage_groups_is_put_in_order(text: str, stages: tuple[str, ...]) -> None:
    assert parse_stage_groups(text) == stages


@pytest.mark.parametrize(
    ("text", "code", "fields"),
    [
        ("scoring", "unknown_stage", {"stages": ["scoring"], "expected": STAGE_GROUPS}),
        ("features,serving", "missing_stages", {"stage": "serving", "stages": ["model"]}),
        ("inputs,publication", "missing_stages", {"stage": "publication", "stages": ["features", "model", "serving"]}),
        ("publication", "missing_stages", {"stage": "publication", "stages": ["serving"]}),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(text: str, code: str, fields: dict[str, object]) -> None:
    with refused(BadInput, code, setting="stages", value=text, **fields):
        parse_stage_groups(text)


def test_a_setting_that_could_have_no_effect_is_refused() -> None:
    with refused(BadInput, "setting_without_effect", setting="publish", value="force", stage="publication"):
        check_fits(("inputs",), publish_mode="force", ingested_before=None)
    with refused(BadInput, "setting_without_effect", setting="ingested_before", stage="features"):
        check_fits(("serving", "publication"), publish_mode="auto", ingested_before="2026-03-11")
    check_fits(STAGE_GROUPS, publish_mode="force", ingested_before="2026-03-11")


def test_the_verdicts_of_left_out_stage_groups_are_taken_over() -> None:
    assert inherited_gates(STAGE_GROUPS) == ()
    assert inherited_gates(("features", "model")) == ("inputs",)
    assert inherited_gates(("serving", "publication")) == (
        "inputs",
        "popularity",
        "champion",
        "champion_record",
        "coverage",
    )


def test_scoring_alone_takes_features_and_model_from_the_last_publication(
    settings: Settings, warehouse: Warehouse, published: RunFolder
) -> None:
    run = begin_attempt(settings, warehouse, RunRequest(DAY, "again", stages=("serving", "publication"), note="fix"))
    folder = RunFolder.of(settings.lake, run.publication_id)
    found = {str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file()}
    assert found == {*MADE, "run.json"} - {"outputs/recommendations/part-0.parquet"}
    assert folder.record().ingested_before == published.record().ingested_before
    with warehouse.connect(read_only=True) as connection:
        verdicts = connection.execute(
            "select gate, verdict, reason, measured from recs.gate_decisions "
            "where publication_id = '2026-03-10.2' order by gate"
        ).fetchall()
        attempt = connection.execute(
            "select stages, note from recs.publication_attempts where publication_id = '2026-03-10.2'"
        ).fetchall()
    gates = ["champion", "champion_record", "coverage", "inputs", "popularity"]
    assert [(gate, verdict, measured) for gate, verdict, _, measured in verdicts] == [
        (gate, "passed", 2.0) for gate in gates
    ]
    # The reason names the attempt that the verdict is of, and keeps what it said.
    assert all("2026-03-10.1" in reason and reason.endswith(f"{gate} is fine") for gate, _, reason, _ in verdicts)
    assert attempt == [("serving,publication", "fix")]


def test_files_taken_over_are_the_same_files_and_the_source_stays(published: RunFolder, tmp_path: Path) -> None:
    target = RunFolder(tmp_path / "again")
    inherit_files(("serving",), published, target)
    inherit_files(("serving",), published, target)
    assert (target.model / "manifest.json").samefile(published.model / "manifest.json")
    assert (published.path / MADE[-1]).exists()


def test_a_run_over_inherited_features_leaves_out_whom_they_leave_out(
    settings: Settings, warehouse: Warehouse, published: RunFolder
) -> None:
    left_out = [{"user_id": "bot", "event_date": date(2026, 3, 9), "events": 4000}]
    pq.write_table(pa.Table.from_pylist(left_out), published.snapshot("excluded_users"))
    # What the events counted is kept, even where nothing counts any more.
    with warehouse.transaction() as connection:
        connection.execute("update raw.event_weights set weight = 0")
    begin_attempt(settings, warehouse, RunRequest(DAY, "again", stages=("model", "serving", "publication")))
    with warehouse.connect(read_only=True) as connection:
        listed = connection.execute("select * from recs.excluded_users").fetchall()
    assert listed == [("2026-03-10.2", DAY.data_date, "bot", date(2026, 3, 9), 4000)]


def test_a_run_of_an_earlier_version_chose_no_blend_weights_to_take_over(published: RunFolder, tmp_path: Path) -> None:
    published.cold_items.unlink()
    target = RunFolder(tmp_path / "again")
    inherit_files(("serving",), published, target)
    assert not target.cold_items.exists()
    assert target.model.exists()


def test_a_date_without_a_publication_has_nothing_to_take_over(
    settings: Settings, warehouse: Warehouse, published: RunFolder
) -> None:
    with warehouse.transaction() as connection:
        connection.execute("delete from recs.publications")
    with refused(BadInput, "nothing_published", wording=False, data_date=DAY.data_date, stages=("model",)):
        begin_attempt(settings, warehouse, RunRequest(DAY, "again", stages=("model",)))


def test_a_removed_run_folder_is_named_and_no_attempt_is_counted(
    settings: Settings, warehouse: Warehouse, published: RunFolder
) -> None:
    (published.path / "mlflow_run.json").unlink()
    with refused(
        BadInput, "incomplete_run_folder", wording=False, publication_id="2026-03-10.1", files=["mlflow_run.json"]
    ):
        begin_attempt(settings, warehouse, RunRequest(DAY, "again", stages=("serving",)))
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from recs.publication_attempts").fetchall() == [(1,)]
