"""Every setting of Nightjar in one frozen object, read from `NIGHTJAR_*` variables.

The only module that reads the process environment; everything else is handed a `Settings`.
"""

import json
import os
import re
import sys
from pathlib import Path, PurePath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from nightjar.contract.errors import BadInput
from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.schedule import check_cron

REPOSITORY = Path(__file__).resolve().parents[2]
DBT_PROJECT = REPOSITORY / "dbt_project"

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65_535)]
MemorySize = Annotated[str, Field(pattern=r"^[1-9][0-9]*[kmgtKMGT]$")]

_ADDRESS = r"[A-Za-z0-9.-]+:[0-9]{1,5}"
_MASTER = re.compile(rf"local(\[(\*|[1-9][0-9]*)(,[1-9][0-9]*)?\])?|spark://{_ADDRESS}(,{_ADDRESS})*")
# Part of registered URIs such as `models:/nightjar/7` and of filters in quotes.
_MLFLOW_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
# A name and a password in an address.
_IN_ADDRESS = re.compile(r"//[^/\s]*@")
# What a Spark job may know of the environment it is launched from. A list of what is kept, because nobody knows every
# name that a secret may have; the job itself gets all it needs as arguments.
_SPARK_VARIABLES = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|_?JAVA_\w+|JDK_\w+|(PY)?SPARK_\w+|PYTHON\w*|HADOOP_\w+"
    r"|(OPENBLAS|OMP)_NUM_THREADS|OPENBLAS_CORETYPE|NIGHTJAR_STACK|SPT_NOENV"
)
# DuckDB and Spark take these for patterns, or lose their way; Airflow puts a variable's value in place of $NAME, and
# makes a folder named {AIRFLOW_HOME} where its own has a percent sign.
_NOT_IN_A_HOME = re.compile(r"[%*?\[\]{}\\$\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UTF_8 = re.compile(r"utf-?8", re.IGNORECASE)
_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|_KEY")

# Where Airflow's API server shows the page about every table.
TABLES_PATH = "/nightjar/tables/"

# Of the setting cold_item_choice.
FIXED = "fixed"

# Set in every process of a home's local stack, to the home.
STACK_MARK = "NIGHTJAR_STACK"

# Set in every process that `nightjar run` starts, to that command's own process (`nightjar.publishing.runner_process`).
RUNNER = "NIGHTJAR_RUNNER"

# Where services answer, what the stack starts, and who is told what: these differ between two homes that give the
# same result.
_CONNECTIONS = ("home", "warehouse_busy_minutes", "failure_notifier", "failure_notifier_arguments")
_SERVICES = ("mlflow_", "spark_", "postgres_", "airflow_", "stack_", "explorer_")
# For the commands that initialise a server: no child process gets them.
_ADMINISTRATION = (
    "postgres_analyst_password",
    "postgres_admin_user",
    "postgres_admin_password",
    "airflow_database_password",
    "mlflow_database_password",
    "airflow_admin_password",
)


class Settings(BaseSettings):
    """All settings; each field is the variable `NIGHTJAR_<FIELD>` and its description is the documentation."""

    model_config = SettingsConfigDict(env_prefix="NIGHTJAR_", frozen=True, extra="ignore", hide_input_in_errors=True)

    home: Path = Field(Path("var"), description="Folder that holds all state; two homes never share anything.")
    warehouse_engine: Literal["duckdb", "postgres"] = Field(
        "duckdb", description="duckdb: a file in the home; postgres: a database that a team shares."
    )
    warehouse_busy_minutes: float = Field(
        30.0,
        ge=0,
        description="Minutes that a run, or a command that writes, waits for a DuckDB file that another process has "
        "open; it says at once who that is.",
    )
    postgres_host: str = Field("127.0.0.1", description="PostgreSQL's host, or the folder of its socket.")
    postgres_port: Port = Field(5432, description="PostgreSQL's port.")
    postgres_database: str = Field("nightjar", description="PostgreSQL's database that is the warehouse.")
    postgres_user: str = Field("nightjar_pipeline", description="Role that writes the warehouse in PostgreSQL.")
    postgres_password: SecretStr = Field(SecretStr(""), description="Password of that role.")
    postgres_analyst_password: SecretStr = Field(
        SecretStr(""), description="Password of the role `nightjar_analyst`, set by `nightjar warehouse init`."
    )
    postgres_admin_user: str = Field(
        "postgres", description="Role that `nightjar warehouse init` connects as; it may create roles and databases."
    )
    postgres_admin_password: SecretStr = Field(
        SecretStr(""), description="Password of that role; no other command needs it."
    )
    schedule: str = Field("0 0 * * *", description="Cron expression (UTC) whose ticks bound the data intervals.")
    deadline_minutes: int = Field(
        360,
        ge=0,
        description="Minutes after it was queued, or cleared, at which a run counts as late, a backfill's never; "
        "0: none.",
    )
    failure_notifier: str = Field(
        "", description="Class of the Airflow notifier that is told of failed and late runs; empty for none."
    )
    failure_notifier_arguments: str = Field("{}", description="Arguments of that class, as a JSON object.")
    lookback_days: int = Field(
        3, ge=0, description="Days before the interval whose events dbt builds again, for late arrivals."
    )

    attribution_window_hours: PositiveInt = Field(
        168, description="Hours after an exposure within which a click or a conversion is credited to it."
    )
    attribution_touch: Literal["last", "first"] = Field(
        "last", description="Which of several exposures within those hours is credited: last or first."
    )
    control_variant: str = Field(
        "control",
        pattern=r"^[\w.-]{1,100}$",
        description="Variant of an experiment that the others are compared with in the marts.",
    )
    performance_schedule: str = Field(
        "0 6 * * *", description="Cron expression (UTC) of the daily online metrics; empty: only with the nights."
    )

    min_interval_events: int = Field(
        1, ge=0, description="Events that the run's own interval must hold; 0 lets a night without events pass."
    )
    empty_interval: Literal["skip", "fail"] = Field(
        "skip",
        description="What a scheduled run does whose interval holds no event. skip: it ends without a result and says "
        "so in its note; fail: an event was expected. A run that a person asks for fails; "
        "NIGHTJAR_MIN_INTERVAL_EVENTS above 1 expects events of every run.",
    )

    min_volume_share: Fraction = Field(
        0.01,
        description="Refused: events, in all, of one type, in one domain, by users or with items seen before, below "
        "this share of the least of the 7 intervals before; 0 asks nothing. 0.5 suits a shop with many events a day.",
    )
    max_silent_hours: int = Field(
        0,
        ge=0,
        description="Refused: no event in this many hours before the interval's end, as of a source that is late; "
        "0 asks nothing.",
    )

    unknown_event_weight: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Weight of an event whose type has none (see `nightjar events`); 0: the item was met but is not "
        "liked.",
    )
    max_events_per_day: int = Field(
        0,
        ge=0,
        description="Events of weight above 0 that a user may have on one date (UTC): the events of users with more, "
        "such as bots, count for nothing in the run; 0: no limit.",
    )

    import_max_gb: PositiveInt = Field(
        20, description="Gigabytes of text that a packed file (.gz, Parquet) may hold; one with more is not imported."
    )

    retention_schedule: str = Field("0 12 * * 0", description="Cron expression (UTC) of the clean-up of old attempts.")
    retention_publication_days: int = Field(
        90, ge=0, description="Data dates that a date's last publication stays queryable and restorable; 0 keeps all."
    )
    retention_rollback_publications: PositiveInt = Field(
        5, description="Publications that were current before the current one and stay whole, to roll back to."
    )
    retention_run_folder_days: int = Field(
        14,
        ge=0,
        description="Data dates after which unpublished and replaced attempts go, and the work files of the others; "
        "0 keeps all.",
    )
    retention_mlflow_days: int = Field(
        90,
        ge=0,
        description="Data dates after which attempts whose rows or files went lose their MLflow run; 0: never.",
    )

    spark_master: str = Field(
        "local[2]", description="Spark master: `local[CORES]`, or `spark://host:7077` for a cluster."
    )
    spark_driver_memory: MemorySize = Field("2g", description="Memory of the Spark driver (JVM size string).")
    spark_driver_java_options: str = Field(
        "-XX:TieredStopAtLevel=1",
        description="JVM options of the Spark driver; the default halves the start-up work; empty for large data.",
    )
    spark_executor_memory: MemorySize = Field(
        "1g",
        description="Memory of an executor's JVM on a cluster (JVM size string); its Python processes take more.",
    )
    spark_partitions: PositiveInt = Field(4, description="Shuffle partitions of the Spark jobs.")

    popularity_weight: Fraction = Field(
        1.0, description="What an item's mean score over all users is multiplied by: less shows less popular items."
    )
    diversity_weight: Fraction = Field(
        0.0, description="How much a list avoids items like those above them (MMR); 0 ranks by the model's score alone."
    )
    top_k: PositiveInt = Field(10, description="Recommendations per user and domain, K.")
    similar_k: PositiveInt = Field(10, description="Similar items per item and target domain.")
    popular_k: PositiveInt = Field(50, description="Popular items per segment and domain.")
    repeat_after_days: str = Field(
        "",
        description="Days after a user's last event with an item from which it may be recommended to them again; "
        "empty: never. A number, or by domain `groceries=7,music=0`, `*` for the others (see "
        "docs/decisions/repeats.md).",
    )
    min_feature_support: PositiveInt = Field(
        3, description="A feature carried by fewer items (or users) is folded into `kind:(rare)`."
    )
    max_feature_weight: float = Field(
        10.0, gt=0, description="Sum of one item's (or user's) feature weights; larger sums are scaled down to it."
    )
    title_word_weight: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Weight of each word of an item's title as a feature of it, beside that of its identity, 1; 0: "
        "titles say nothing (see docs/decisions/text-features.md).",
    )
    text_model: str = Field(
        "",
        description="Folder of a sentence-transformers model whose view of titles and descriptions becomes features of "
        "items; empty: none (see docs/decisions/text-features.md).",
    )
    text_dimensions: PositiveInt = Field(16, description="Dimensions that this view is reduced to (PCA), at most.")
    text_weight: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="Sum of one item's weights of them; that of its identity is 1. NIGHTJAR_MAX_FEATURE_WEIGHT leaves "
        "them out.",
    )
    popularity_half_life_days: float = Field(
        90.0,
        ge=0,
        allow_inf_nan=False,
        description="Days after which an event counts half in popularity lists, besides its type's decay; 0: never.",
    )
    min_segment_users: PositiveInt = Field(20, description="Users a segment needs for a popularity list of its own.")
    recency_rank_power: float = Field(
        2.0,
        ge=0,
        description="Weight of a user's n-th of N events is (n/N)^power: newer events count more, right while a visit "
        "goes on. 0: all alike, right where users come back after days.",
    )

    holdout_fraction: Fraction = Field(0.2, description="Share of each user's newest items held out for evaluation.")
    cold_holdout_fraction: Fraction = Field(
        0.05, description="Share of users (and of items) held out entirely, to measure cold start."
    )
    domain_holdout_fraction: Fraction = Field(
        0.1,
        description="Share of users with several domains held out of one of them, to measure across domains; 0: off.",
    )

    fold_in_items: PositiveInt = Field(
        20, description="Newest items that make the vector of a user who is folded in, without training."
    )
    embedding_dim: PositiveInt = Field(64, description="Dimension of the embeddings.")
    epochs: PositiveInt = Field(30, description="LightFM training epochs.")
    max_train_pairs: PositiveInt = Field(
        200_000_000,
        description="Pairs that a training goes through at most, all epochs counted: large data takes fewer.",
    )
    warm_start: Literal["off", "on"] = Field(
        "off", description="on: nights of new dates go on from the training of the newest published date, not anew."
    )
    warm_start_epochs: PositiveInt = Field(2, description="LightFM training epochs of a night that goes on.")
    learning_rate: float = Field(0.02, gt=0, description="LightFM learning rate (adagrad).")
    max_sampled: PositiveInt = Field(50, description="Negatives WARP samples at most for one update.")
    item_alpha: float = Field(0.0, ge=0, description="L2 penalty on item feature embeddings.")
    user_alpha: float = Field(0.0, ge=0, description="L2 penalty on user feature embeddings.")
    train_threads: PositiveInt = Field(1, description="LightFM threads; only one thread is repeatable.")
    cooccurrence_share: Fraction = Field(
        0.25, description="Share of item-item co-occurrence in the score of a published list; 0: the embeddings alone."
    )
    cooccurrence_lambda: float = Field(
        200.0, gt=0, description="Ridge of the item-item weights: larger ones trust only items met together often."
    )
    cooccurrence_sparse_share: Fraction = Field(
        0.5, description="NIGHTJAR_COOCCURRENCE_SHARE of catalogues beyond NIGHTJAR_COOCCURRENCE_DENSE_ITEMS."
    )
    cooccurrence_shrinkage: float = Field(
        3.0, gt=0, description="NIGHTJAR_COOCCURRENCE_LAMBDA of those catalogues, whose weights are shrunk cosines."
    )
    cooccurrence_fit_exponent: float = Field(
        0.25, ge=0, le=10, description="What the pairs' weights are raised to in the fit of the item-item weights."
    )
    cooccurrence_history_exponent: float = Field(
        4.0, ge=0, le=10, description="The same in a user's history: above 1 the newest items say more than the rest."
    )
    cooccurrence_neighbours: PositiveInt = Field(200, description="Item-item weights kept of each item.")
    cold_item_choice: Literal["holdout", "fixed"] = Field(
        "holdout",
        description="holdout: each night takes other values of the two shares below where these surely find more of "
        "the items it holds out; fixed: as they are.",
    )
    cold_item_share: Fraction = Field(
        0.2,
        description="As NIGHTJAR_COOCCURRENCE_SHARE, of items without events, whose item-item weights come from their "
        "features; 0: by their embeddings alone.",
    )
    cold_item_regression_share: Fraction = Field(
        0.5,
        description="Share of the regression of the other items' embeddings in theirs; the rest is the sum of what "
        "their features learned.",
    )
    cold_item_lambda: float = Field(
        3.0,
        gt=0,
        description="Ridge of those weights, and of their embeddings: larger lets fewer, surer features count.",
    )
    cold_item_neighbours: PositiveInt = Field(1_000, description="Item-item weights kept of each such item.")
    cooccurrence_dense_items: PositiveInt = Field(
        20_000,
        description="Items with events up to which the weights come from a dense inverse (8 bytes a pair of items); "
        "of more features than that, those of most items count for items without events.",
    )
    seed: int = Field(20260101, ge=0, description="Seed of everything random.")

    recipe: str = Field(
        "latest",
        pattern=r"^(latest|none|\d{4}-\d{2}-\d{2}\.\d+)$",
        description="Tuned settings that nights take instead of those above. latest: the newest that passed, of a "
        "date before the night's; none; or the name of one (see nightjar recipes).",
    )
    tuning_schedule: str = Field(
        "", description="Cron expression (UTC) of the search for better settings; empty: only when somebody starts it."
    )
    tuning_minutes: PositiveInt = Field(30, description="Minutes that a search for better settings may take.")

    metric_k: PositiveInt = Field(10, description="Cut-off k of the offline metrics and of index recall.")
    gate_confidence: float = Field(
        0.95,
        ge=0.5,
        lt=1,
        description="How sure a gate must be that a model is behind: of equal models it refuses at most the rest to 1.",
    )
    gate_popularity_margin: float = Field(
        1.0, ge=0, description="Refused: recall@k or NDCG@k surely below this many times the popularity baseline's."
    )
    gate_champion_tolerance: Fraction = Field(
        0.02, description="Refused: surely more than this share behind the champion's recipe on the same holdout."
    )
    gate_record_tolerance: Fraction = Field(
        0.1, description="Share of the recall@k that the champion had on its own night that a new one may lose."
    )
    gate_coverage_tolerance: Fraction = Field(
        0.2, description="Share of the coverage@k of the champion's recipe on the same holdout that a new one may lose."
    )
    gate_coverage_floor: Fraction = Field(
        0.0,
        description="Share of the catalogue that the holdout's lists must show at least; 0 leaves it to the champion.",
    )
    index_m: PositiveInt = Field(16, description="HNSW links per node, M.")
    index_ef_construction: PositiveInt = Field(200, description="HNSW candidate list size while building.")
    index_ef: PositiveInt = Field(64, description="HNSW candidate list size while searching, before it is raised.")
    index_ef_max: PositiveInt = Field(8192, description="Bound up to which `ef` is raised to reach the recall wanted.")
    index_recall_target: Fraction = Field(0.99, description="Recall@k against exact search that `ef` is raised for.")
    index_recall_floor: Fraction = Field(0.95, description="Recall@k against exact search that an index must reach.")

    airflow_port: Port = Field(8080, description="Loopback port of the stack's Airflow UI and API.")
    mlflow_port: Port = Field(5000, description="Loopback port of the stack's MLflow server.")
    explorer_port: Port = Field(8501, description="Loopback port of the explorer, `nightjar explore`.")
    explorer_busy_seconds: PositiveInt = Field(
        15, description="How long the explorer waits for a DuckDB file that is being written before it says so."
    )
    mlflow_url: str = Field(
        "", description="MLflow server that the stages log to; empty: the home's own file. The stack sets its server."
    )
    mlflow_public_url: str = Field(
        "", description="Address of that server in a browser, for links; empty: the same as the stages use."
    )
    mlflow_name: str = Field(
        "nightjar",
        description="Name of the experiment and of the model in MLflow; warehouses that share a server differ in it.",
    )

    stack_kind: Literal["local", "team"] = Field(
        "local",
        description="What `make up` starts. local: DuckDB and Spark in one process; team: the programs of "
        "docker-compose.yml as processes of this machine.",
    )
    spark_master_port: Port = Field(7077, description="Loopback port of the team stack's Spark master.")
    spark_ui_port: Port = Field(
        8090, description="Loopback port of the Spark master's UI; those of its workers' UIs follow it."
    )
    spark_workers: PositiveInt = Field(2, description="Spark workers that the team stack starts on this machine.")
    spark_worker_cores: PositiveInt = Field(2, description="Tasks that one worker runs at once.")
    spark_worker_memory: MemorySize = Field(
        "2g", description="Memory that one worker gives to executors (JVM size string)."
    )
    airflow_database_password: SecretStr = Field(
        SecretStr(""), description="Password of Airflow's role, set by `nightjar stack init-databases`."
    )
    mlflow_database_password: SecretStr = Field(
        SecretStr(""), description="Password of MLflow's role, set by `nightjar stack init-databases`."
    )
    airflow_admin_password: SecretStr = Field(
        SecretStr(""), description="Password of Airflow's user `admin`, set by `nightjar stack init-airflow`."
    )

    @field_validator("schedule", "retention_schedule")
    @classmethod
    def _coming_due(cls, cron: str) -> str:
        return check_cron(cron)

    @field_validator("performance_schedule", "tuning_schedule")
    @classmethod
    def _coming_due_if_any(cls, cron: str) -> str:
        return check_cron(cron) if cron else cron

    @field_validator("spark_master")
    @classmethod
    def _known_master(cls, master: str) -> str:
        if not _MASTER.fullmatch(master):
            raise ValueError("expected local[CORES], local[*] or spark://host:port")
        return master

    @field_validator("mlflow_url", "mlflow_public_url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        address = urlsplit(url)
        if "@" in address.netloc:
            raise ValueError("put name and password into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        if url and (
            address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment
        ):
            raise ValueError("expected http://host:port or https://host:port")
        return url.rstrip("/")

    @field_validator("mlflow_name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _MLFLOW_NAME.fullmatch(name):
            raise ValueError("expected letters, digits, - and _, at most 100 of them")
        return name

    @field_validator("repeat_after_days")
    @classmethod
    def _known_repeats(cls, text: str) -> str:
        Repeats.of(text)
        return text

    @field_validator("home")
    @classmethod
    def _absolute_home(cls, home: Path) -> Path:
        folder = home.expanduser().absolute()
        if fault := _fault_of_home(str(folder)):
            raise ValueError(fault)
        return folder

    @field_validator("text_model")
    @classmethod
    def _absolute_text_model(cls, folder: str) -> str:
        return str(Path(folder).expanduser().absolute()) if folder else ""

    @property
    def repeats(self) -> Repeats:
        """Which items may be recommended again."""
        return Repeats.of(self.repeat_after_days)

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file of the embedded warehouse."""
        return self.home / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """The DuckDB file that readers open; written aside and renamed, so that nobody waits for them."""
        return self.home / "published.duckdb"

    @property
    def lake(self) -> Path:
        """Folder of the run folders."""
        return self.home / "lake"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: metadata database and logs."""
        return self.home / "airflow"

    @property
    def dbt_state(self) -> Path:
        """Folder of dbt's compiled project, manifest and logs, which differ between engines."""
        return self.home / "dbt" / self.warehouse_engine

    @property
    def mlflow_uri(self) -> str:
        """MLflow's tracking and registry store, as its clients reach it."""
        return self.mlflow_url or self.mlflow_database

    @property
    def mlflow_database(self) -> str:
        """The file behind MLflow's server, or instead of one."""
        return f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        """Folder of MLflow's artifacts."""
        return self.home / "mlartifacts"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        BadInput: a variable holds a value that its setting does not take; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        found = error.errors()
        faults = "; ".join(
            f"{variable(str(fault['loc'][0]))}={fault['input']!r}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in found
        )
        raise BadInput(
            _IN_ADDRESS.sub("//...@", faults),
            code="unknown_setting_value",
            setting=variable(str(found[0]["loc"][0])),
            value=_IN_ADDRESS.sub("//...@", str(found[0]["input"])),
            settings=[variable(str(fault["loc"][0])) for fault in found],
        ) from error


def run_parameters(settings: Settings) -> dict[str, object]:
    """Return the settings that a run may tell to MLflow: no secret, and nothing about how a service is reached."""
    return {
        name: value
        for name, value in settings
        if name not in _CONNECTIONS and not name.startswith(_SERVICES) and not name.endswith("_port")
    }


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment for the Airflow, dbt and Spark processes of one home, the warehouse's password with it.

    What only the initialisation of servers needs is left out, also where this process has it.
    """
    kept_back = {variable(name) for name in _ADMINISTRATION}
    return {
        **{name: value for name, value in inherited_environment().items() if name not in kept_back},
        **{variable(name): _revealed(value) for name, value in settings if name not in _ADMINISTRATION},
        **dbt_secrets(settings),
        **places_environment(settings, REPOSITORY, sys.executable),
        **_of_the_stack(settings),
    }


def inherited_environment() -> dict[str, str]:
    """Return this process's environment, with the interpreter's programs before all others."""
    interpreter_folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([interpreter_folder, os.environ.get("PATH", "")])
    return {**os.environ, **_locale(), "PATH": path}


def places_environment(settings: Settings, repository: PurePath, interpreter: str) -> dict[str, str]:
    """Return where Airflow, dbt and Spark of a home find their files, and what they must not do.

    Args:
        settings: of the home.
        repository: folder of this project where the processes run.
        interpreter: the Python that they run on.
    """
    spark_host, _, spark_port = settings.spark_master.rpartition(":")
    spark_connection = {"conn_type": "spark", "host": settings.spark_master}
    if spark_port.isdigit():
        spark_connection = {"conn_type": "spark", "host": spark_host, "port": spark_port}
    return {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(repository / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{settings.airflow_home / 'airflow.db'}",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(spark_connection),
        **warehouse_address(settings),
        "DBT_PROFILES_DIR": str(repository / DBT_PROJECT.name),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYSPARK_PYTHON": interpreter,
        "PYSPARK_DRIVER_PYTHON": interpreter,
        # One Spark core runs one Python worker: more BLAS threads than that fight for the same core.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TZ": "UTC",
    }


def spark_environment() -> dict[str, str]:
    """Return the environment for spark-submit, out of this process's own: none of its variables can hold a secret."""
    return {
        name: value
        for name, value in {**os.environ, **_locale()}.items()
        if _SPARK_VARIABLES.fullmatch(name) and not _SECRET.search(name)
    }


def warehouse_address(settings: Settings) -> dict[str, str]:
    """Return the variables by which dbt's profile finds the warehouse; everybody may see them."""
    reached_by = ("postgres_host", "postgres_port", "postgres_database", "postgres_user")
    return {
        "NIGHTJAR_WAREHOUSE": str(settings.warehouse_path),
        **{variable(name): str(getattr(settings, name)) for name in reached_by},
    }


def dbt_secrets(settings: Settings) -> dict[str, str]:
    """Return the variables of a dbt process that nobody may see; dbt hides the values of this prefix in its logs."""
    return {"DBT_ENV_SECRET_POSTGRES_PASSWORD": settings.postgres_password.get_secret_value()}


def tracking_login() -> tuple[str, str, str]:
    """Return user, password and token by which MLflow's clients log in; each may be empty."""
    names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
    user, password, token = (os.environ.get(name, "") for name in names)
    return user, password, token


def inherited_runner() -> str | None:
    """Return the process of `nightjar run` that this one works for; none under a scheduler."""
    return os.environ.get(RUNNER)


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"NIGHTJAR_{name.upper()}"


def _locale() -> dict[str, str]:
    """Return what a process needs to take names of files as UTF-8: cron, systemd and ssh often give no locale.

    Python finds its way without; a Java process writes `h??me` and finds nothing there.
    """
    effective = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    return {} if _UTF_8.search(effective) else {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def _fault_of_home(home: str) -> str:
    """Return why a home of that path cannot work, or nothing."""
    if found := sorted(set(_NOT_IN_A_HOME.findall(home))):
        named = " ".join(each if each.isprintable() else ascii(each).strip("'") for each in found)
        return f"a home may not have {named} in its path, which databases and Spark take for something else"
    if not home.isascii() and not _UTF_8.search(sys.getfilesystemencoding()):
        return f"a home with other than ASCII letters needs a UTF-8 locale, this is {sys.getfilesystemencoding()}"
    return ""


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _of_the_stack(settings: Settings) -> dict[str, str]:
    """Return what a task of the stack hands on as it found it: the stack's Airflow is not the home's file."""
    if os.environ.get(STACK_MARK) != str(settings.home):
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW__")}
