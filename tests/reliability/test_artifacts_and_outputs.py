"""Changed, mixed up or invalid artifacts and outputs are refused before they are published."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.index import hnsw
from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.consistency import check_artifacts, model_digest
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.interval import of_date
from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tables import STAGED
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.output_rows import arrow_schema
from nightjar.publishing.rollback import roll_back
from nightjar.publishing.run_request import RunRequest
from nightjar.stages import champion_alias, load_staging
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support import small_runs
from tests.support.refusals import refused
from tests.support.small_runs import insert_events, model_of, publish_run, rows_of, write_outputs

pytestmark = pytest.mark.reliability

OUTPUT_COLUMNS = [(table, name) for table in STAGED for name in arrow_schema(table.name).names]


@pytest.fixture
def folder(settings: Settings) -> RunFolder:
    made = RunFolder.of(settings.lake, "2026-03-11.1")
    write_outputs(settings, made, 11)
    return made


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_artifacts_of_a_run_are_accepted(folder: RunFolder) -> None:
    check_artifacts(folder)


@pytest.mark.parametrize("name", ["item_vectors.npy", "user_vectors.npy", "item_biases.npy", "item_ids.parquet"])
def test_a_flipped_byte_in_the_model_is_refused(folder: RunFolder, name: str) -> None:
    flip_a_byte(folder.model / name)
    with refused(NightjarError, "digest_differs", wording=False, file=folder.model / name):
        check_artifacts(folder)


@pytest.mark.parametrize("name", ["index.bin", "item_ids.parquet"])
def test_a_flipped_byte_in_an_index_is_refused_before_it_is_loaded_or_published(folder: RunFolder, name: str) -> None:
    flip_a_byte(folder.index("retrieval") / name)
    for refuses in (lambda: check_artifacts(folder), lambda: hnsw.load(folder.index("retrieval"))):
        with refused(NightjarError, "digest_differs", wording=False, file=folder.index("retrieval") / name):
            refuses()


@pytest.mark.parametrize("manifest", ["", "{}", "[]", '{"sha256": 7}', '{"sha256": null}', "{"])
def test_a_damaged_manifest_is_refused_in_one_line(folder: RunFolder, manifest: str) -> None:
    (folder.model / "manifest.json").write_text(manifest)
    with refused(NightjarError, "damaged_manifest", wording=False, file=folder.model / "manifest.json"):
        embeddings.load(folder.model)


def test_an_empty_manifest_and_a_file_that_none_names_are_refused(folder: RunFolder) -> None:
    manifest = folder.model / "manifest.json"
    written = manifest.read_text()
    manifest.write_text('{"sha256": {}}')
    with refused(NightjarError, "file_not_in_manifest", wording=False, file=folder.model / "item_biases.npy"):
        embeddings.load(folder.model)
    manifest.write_text(written)
    np.save(folder.model / "cooccurrence_rule.npy", np.array([1.0, 1.0]))
    with refused(NightjarError, "file_not_in_manifest", wording=False, file=folder.model / "cooccurrence_rule.npy"):
        embeddings.load(folder.model)


def test_a_pickle_that_its_manifest_vouches_for_is_not_loaded(folder: RunFolder) -> None:
    np.save(folder.model / "item_known.npy", np.array([{"a": 1}] * 20, object), allow_pickle=True)
    manifest = json.loads((folder.model / "manifest.json").read_text())
    manifest["sha256"]["item_known.npy"] = embeddings.sha256(folder.model / "item_known.npy")
    (folder.model / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"allow_pickle=False|Python objects"):
        embeddings.load(folder.model)


def test_no_module_loads_a_pickle() -> None:
    # numpy's default refuses pickles; nothing may turn that off, and nothing else that unpickles is imported.
    words = ("import pickle", "joblib", "cloudpickle", "allow_pickle=True", "torch.load", "read_pickle")
    for package in ("nightjar", "ml", "spark_jobs", "dags"):
        for path in (REPOSITORY / package).rglob("*.py"):
            assert [word for word in words if word in path.read_text(encoding="utf-8")] == [], path


def test_a_model_with_a_nan_is_refused_although_its_manifest_is_right(folder: RunFolder) -> None:
    model = model_of(11)
    model.item_vectors[3, 3] = np.nan
    model_folder.save(ModelSources(model), folder.model)
    with refused(NightjarError, "not_finite", wording=False, path=folder.model, array="item_vectors"):
        check_artifacts(folder)
    with pytest.raises(NightjarError):
        hnsw.build(model.item_vectors, model.item_ids, hnsw.COSINE, Settings())


def test_vectors_of_another_number_than_their_ids_are_refused(folder: RunFolder) -> None:
    model = model_of(11)
    model_folder.save(ModelSources(replace(model, item_ids=model.item_ids[:-1])), folder.model)
    with refused(NightjarError, "wrong_row_count", wording=False, array="item_vectors", count=20):
        embeddings.load(folder.model)


def test_an_index_of_another_model_or_of_stale_ids_is_refused(settings: Settings, folder: RunFolder) -> None:
    stale = model_of(11, items=25)
    index = hnsw.build(stale.item_vectors, stale.item_ids, hnsw.COSINE, settings)

    def write_index(model_sha256: str) -> None:
        digest = index.save(folder.index("retrieval"), {"model_sha256": model_sha256})
        path = folder.output("index_manifest") / "part-0.parquet"
        rows = small_runs.parquet_of(folder, "index_manifest")
        pq.write_table(pa.Table.from_pylist([rows[0] | {"sha256": digest}], arrow_schema("index_manifest")), path)

    write_index(model_digest(folder.model))
    with refused(NightjarError, "unknown_items", wording=False, count=5, item_id="i20"):
        check_artifacts(folder)
    index = hnsw.build(model_of(11).item_vectors, model_of(11).item_ids, hnsw.COSINE, settings)
    write_index("of another model")
    with refused(NightjarError, "index_of_another_model", wording=False, path=folder.index("retrieval")):
        check_artifacts(folder)


def mutants(schema: pa.Schema, name: str) -> dict[str, pa.Schema]:
    """The schemas of one output with one column dropped, renamed or of another type."""
    place = schema.get_field_index(name)
    other = pa.int64() if pa.types.is_string(schema.field(name).type) else pa.string()
    return {
        "drop": schema.remove(place),
        "rename": schema.set(place, schema.field(name).with_name(f"{name}_")),
        "retype": schema.set(place, schema.field(name).with_type(other)),
    }


def test_every_dropped_renamed_or_retyped_output_column_is_refused_before_any_row_is_staged(
    settings: Settings, warehouse: Warehouse
) -> None:
    insert_events(settings)
    run = begin_attempt(settings, warehouse, RunRequest(of_date("2026-03-11"), "run"))
    folder = RunFolder.of(settings.lake, run.publication_id)
    write_outputs(settings, folder, 11)
    caught, missed = 0, []
    for table, name in OUTPUT_COLUMNS:
        path = folder.output(table.name) / "part-0.parquet"
        written = path.read_bytes()
        for kind, schema in mutants(arrow_schema(table.name), name).items():
            pq.write_table(schema.empty_table(), path)
            try:
                load_staging.run(settings, folder)
                missed.append((table.name, name, kind))
            except NightjarError as error:
                assert name in (error.fields.get("column"), *error.fields.get("columns", ()))
                assert error.code == ("wrong_type" if kind == "retype" else "missing_columns")
                caught += 1
        path.write_bytes(written)
    assert missed == []
    assert caught == 3 * len(OUTPUT_COLUMNS)
    assert rows_of(settings, "select count(*) from recs_staging.recommendations") == [(0,)]


def value_of_type(kind: pa.DataType) -> object:
    if pa.types.is_list(kind):
        return [value_of_type(kind.value_type)]
    return "x" if pa.types.is_string(kind) else 1


def test_a_null_in_any_obligatory_column_of_any_output_is_refused(settings: Settings, warehouse: Warehouse) -> None:
    insert_events(settings)
    run = begin_attempt(settings, warehouse, RunRequest(of_date("2026-03-11"), "run"))
    folder = RunFolder.of(settings.lake, run.publication_id)
    write_outputs(settings, folder, 11)
    mutants = 0
    for table in STAGED:
        schema = arrow_schema(table.name)
        nullable = pa.schema([field.with_nullable(True) for field in schema])
        path = folder.output(table.name) / "part-0.parquet"
        row = {field.name: value_of_type(field.type) for field in schema}
        for name in [field.name for field in schema if not field.nullable]:
            pq.write_table(pa.Table.from_pylist([row | {name: None}], nullable), path)
            with refused(NightjarError, "rows_do_not_fit", wording=False, table=table.full_name) as caught:
                warehouse.load({table: folder.output(table.name)}, run.publication_id, run.data_date)
            assert name in str(caught.value)
            mutants += 1
    assert mutants == sum(not c.nullable for table in STAGED for c in table.columns) - 2 * len(STAGED)


def test_files_of_a_killed_begin_are_no_part_of_the_next_attempt(settings: Settings, warehouse: Warehouse) -> None:
    insert_events(settings)
    left = RunFolder.of(settings.lake, "2026-03-11.1")
    left.path.mkdir(parents=True)
    left.tuned_configuration.write_text('{"name": "of another night"}')
    begin_attempt(settings, warehouse, RunRequest(of_date("2026-03-11"), "run"))
    assert not left.tuned_configuration.exists()


def test_the_alias_follows_the_pointer_also_when_another_run_moves_it_meanwhile(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    publish_run(settings, 11)
    named: list[str] = []

    def set_champion(_: Settings, version: str) -> None:
        named.append(version)
        if len(named) == 1:
            roll_back(open_warehouse(settings), "2026-03-10.1", actor="another", reason="meanwhile")

    monkeypatch.setattr(champion_alias.tracking, "set_champion", set_champion)
    champion_alias.name_champion(settings, warehouse)
    assert named == ["11", "10"]


@pytest.mark.parametrize(
    "text", ["../../etc", "2026-03-11.1/../..", "٢٠٢٦-03-11.1", "2026-03-11.1\n", "", "2026-03-11.1\0"]
)
def test_a_text_that_is_no_publication_id_names_no_folder(tmp_path: Path, text: str) -> None:
    with refused(BadInput, "not_a_publication_id", wording=False, value=text):
        RunFolder.of(tmp_path, text)
