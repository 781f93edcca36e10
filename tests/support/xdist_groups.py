"""The tests that one of several pytest processes runs together, so that slow fixtures are set up once."""

from xdist.scheduler import LoadScopeScheduling

# Folders whose tests share a fixture of the session: the demo shop after its runs, a Spark session, a stack.
_TOGETHER = ("tests/end_to_end/shop", "tests/integration/spark_jobs", "tests/stack", "tests/stack/team")
# Files of such folders that start their own processes.
_ON_THEIR_OWN = ("tests/integration/spark_jobs/test_cluster.py", "tests/integration/spark_jobs/test_spark_submit.py")


class GroupByFixtures(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process all tests of a file, of a folder whose tests share something, or of dbt on one engine."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        folder = file.rpartition("/")[0]
        if folder.startswith("tests/integration/dbt_project"):
            return f"dbt on {'postgres' if 'postgres' in test.partition('[')[2] else 'duckdb'}"
        return folder if folder in _TOGETHER and file not in _ON_THEIR_OWN else file
