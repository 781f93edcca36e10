from pathlib import Path

import duckdb

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import OUTPUTS, Table
from nightjar.publishing.content_hash import content_hash

SAMPLES = {
    "text": "'a'",
    "integer": "1::integer",
    "bigint": "1::bigint",
    "double": "0.5::double",
    "real": "0.5::real",
    "real[]": "[0.5, 1.0]::real[]",
}


def row(table: Table, **changed: str) -> str:
    columns = [column for column in table.columns if column.name not in ("publication_id", "data_date")]
    return "select " + ", ".join(f"{changed.get(each.name, SAMPLES[each.type])} as {each.name}" for each in columns)


def run_folder(path: Path, **changed: str) -> RunFolder:
    """Write one row to each output, and two in reverse order to the recommendations."""
    folder = RunFolder(path)
    for table in OUTPUTS:
        folder.output(table.name).mkdir(parents=True)
        query = row(table, **changed)
        if table.name == "recommendations":
            query = f"{query} union all {row(table, rank='2::integer')}"
        duckdb.sql(query).write_parquet(str(folder.output(table.name) / "part.parquet"))
    return folder


def test_equal_rows_in_other_files_and_order_give_an_equal_digest(tmp_path: Path) -> None:
    one = run_folder(tmp_path / "one")
    two = run_folder(tmp_path / "two")
    recommendations = two.output("recommendations")
    rows = duckdb.read_parquet(str(recommendations / "part.parquet")).order("rank desc").arrow().read_all()
    (recommendations / "part.parquet").unlink()
    for number in range(2):
        part = rows.slice(number, 1)
        duckdb.from_arrow(part).write_parquet(str(recommendations / f"part-{number}.parquet"))
    assert content_hash(one) == content_hash(two)


def test_any_other_value_gives_another_digest(tmp_path: Path) -> None:
    changes = (
        {},
        {"item_id": "'b'"},
        {"score": "0.25::real"},
        {"embedding": "[1.0, 0.5]::real[]"},
        {"reason_item_id": "null::varchar"},
        {"value": "0.25::double"},
    )
    digests = {content_hash(run_folder(tmp_path / str(n), **changed)) for n, changed in enumerate(changes)}
    assert len(digests) == len(changes)


def test_where_an_index_lies_does_not_count(tmp_path: Path) -> None:
    here = run_folder(tmp_path / "here", uri="'here'")
    there = run_folder(tmp_path / "there", uri="'there'")
    assert content_hash(here) == content_hash(there)


def test_the_champions_metrics_do_not_change_the_hash_but_the_models_own_do(tmp_path: Path) -> None:
    digests = {
        content_hash(run_folder(tmp_path / f"{model}-{value}", model=f"'{model}'", value=f"{value}::double"))
        for model in ("champion", "nightjar")
        for value in (0.1, 0.2)
    }
    assert len(digests) == 3
