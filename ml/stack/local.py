"""The local stack: the embedded warehouse, Spark in the tasks' own processes, one user."""

from ml.stack.airflow_repair import repair_airflow
from ml.stack.credentials import load_credentials
from ml.stack.database import prepare_database
from ml.stack.environment import stack_environment
from ml.stack.places import Places
from ml.stack.plan import Plan
from ml.stack.services import services
from warehouse.dbt_runner import write_tables_page
from warehouse.home import list_dags, prepare_airflow, prepare_data
from warehouse.settings import Settings


def local_plan(settings: Settings) -> Plan:
    """Return how the local stack of a home is started; makes its secrets if they are missing."""
    places = Places.of(settings)
    credentials = load_credentials(places)
    environment = stack_environment(settings, credentials)

    def prepare() -> None:
        prepare_database(places, credentials)
        prepare_data(settings)
        write_tables_page(settings)

    def initialise() -> None:
        if prepare_airflow(environment, places.database):
            list_dags(environment)
        repair_airflow(environment)

    return Plan(
        programs=services(settings, credentials),
        environment=environment,
        prepare=prepare,
        initialise=initialise,
    )
