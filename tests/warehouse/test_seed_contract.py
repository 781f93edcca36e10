"""What the files of the seeds may hold, before dbt meets them."""

import shutil
from pathlib import Path

import pytest

from warehouse.errors import BadInput
from warehouse.seed_contract import check_seeds
from warehouse.settings import DBT_PROJECT

YML = """
seeds:
  - name: weights
    columns:
      - {name: kind, data_type: text}
      - {name: weight, data_type: double precision}
      - {name: days, data_type: integer}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "dbt_project" / "seeds"
    folder.mkdir(parents=True)
    (folder / "weights.yml").write_text(YML)
    return folder.parent


def write(project: Path, content: bytes) -> None:
    (project / "seeds" / "weights.csv").write_bytes(content)


def test_the_seeds_of_the_project_can_be_loaded() -> None:
    check_seeds()


def test_blank_values_and_a_byte_order_mark_are_allowed(project: Path) -> None:
    write(project, b"\xef\xbb\xbfkind,weight,days\nview,0.3,\nlike,1e-1,7\n\n")
    check_seeds(project)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"kind,weight,days\nview,1,\nlike,abc,\n", ("line 3", "weight='abc'")),
        (b"kind,weight,days\nview,1,2.5\n", ("line 2", "days='2.5'")),
        (b"kind,weight\nview,1\n", ("line 1", "kind,weight,days")),
        (b"", ("line 1", "found nothing")),
        (b"kind,weight,days\nview,1,2,3\n", ("line 2", "expected 3 values, found 4")),
        (b"kind,weight,days\ncaf\xe9,1,2\n", ("0xe9",)),
        (b'kind,weight,days\n"view,1,2\n', ("line 2",)),
        (None, ("missing",)),
    ],
)
def test_what_dbt_could_not_load_is_named_with_file_and_line(
    project: Path, content: bytes | None, named: tuple[str, ...]
) -> None:
    if content is not None:
        write(project, content)
    with pytest.raises(BadInput) as refused:
        check_seeds(project)
    for part in ("dbt_project/seeds/weights.csv", *named):
        assert part in str(refused.value)


def test_five_faults_are_named_and_the_others_counted(project: Path) -> None:
    write(project, b"kind,weight,days\n" + b"view,x,\n" * 7)
    with pytest.raises(BadInput) as refused:
        check_seeds(project)
    assert str(refused.value).count("weight='x'") == 5
    assert str(refused.value).endswith("and 2 more")


def test_a_seed_of_the_project_with_one_more_column_is_refused(tmp_path: Path) -> None:
    shutil.copytree(DBT_PROJECT / "seeds", tmp_path / "dbt_project" / "seeds")
    for path in (tmp_path / "dbt_project" / "seeds").glob("*.csv"):
        head, _, rest = path.read_text().partition("\n")
        path.write_text(f"{head},other\n{rest}")
        with pytest.raises(BadInput, match="line 1"):
            check_seeds(tmp_path / "dbt_project")
