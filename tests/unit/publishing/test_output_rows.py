from pathlib import Path

import pyarrow as pa
import pytest

from nightjar.contract.run_folder import RunFolder
from nightjar.publishing.output_rows import arrow_schema, read_rows, write_columns, write_rows

ROW = {"model": "nightjar", "slice": "all", "metric": "auc", "k": 0, "value": None, "users": 3}


def test_rows_come_back_as_the_contract_types_them(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write_rows(folder, "model_metrics", [ROW])
    assert read_rows(folder, "model_metrics") == [ROW]
    write_rows(folder, "model_metrics", [])
    assert read_rows(folder, "model_metrics") == []


def test_the_schema_is_the_table_without_what_the_loader_adds() -> None:
    schema = arrow_schema("item_embeddings")
    assert schema.names == ["item_id", "embedding", "bias", "source"]
    assert schema.field("embedding").type == pa.list_(pa.float32())
    assert schema.field("bias").type == pa.float32()


def test_a_missing_column_is_refused_and_the_old_rows_stay(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write_rows(folder, "model_metrics", [ROW])
    with pytest.raises(KeyError, match="users"):
        write_columns(folder, "model_metrics", {name: [value] for name, value in ROW.items() if name != "users"})
    assert read_rows(folder, "model_metrics") == [ROW]
