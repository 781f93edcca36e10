"""Every setting of Nightjar in one frozen object, read from `NIGHTJAR_*` variables."""

import re

from pydantic import ValidationError

from nightjar.contract.errors import BadInput
from nightjar.contract.settings.blend import BlendSettings
from nightjar.contract.settings.cold_items import ColdItemSettings
from nightjar.contract.settings.evaluation import EvaluationSettings
from nightjar.contract.settings.features import FeatureSettings
from nightjar.contract.settings.gates import GateSettings
from nightjar.contract.settings.home import HomeSettings
from nightjar.contract.settings.indices import IndexSettings
from nightjar.contract.settings.inputs import InputSettings
from nightjar.contract.settings.mlflow import MlflowSettings
from nightjar.contract.settings.online_metrics import OnlineMetricSettings
from nightjar.contract.settings.postgres import PostgresSettings
from nightjar.contract.settings.recommendations import RecommendationSettings
from nightjar.contract.settings.registry import variable
from nightjar.contract.settings.retention import RetentionSettings
from nightjar.contract.settings.schedule import ScheduleSettings
from nightjar.contract.settings.sequence import SequenceSettings
from nightjar.contract.settings.spark import SparkSettings
from nightjar.contract.settings.stack import StackSettings
from nightjar.contract.settings.training import TrainingSettings
from nightjar.contract.settings.tuning import TuningSettings

# A name and a password in an address.
_IN_ADDRESS = re.compile(r"//[^/\s]*@")


class Settings(
    HomeSettings,
    ScheduleSettings,
    InputSettings,
    RecommendationSettings,
    FeatureSettings,
    TrainingSettings,
    SequenceSettings,
    BlendSettings,
    ColdItemSettings,
    EvaluationSettings,
    GateSettings,
    IndexSettings,
    TuningSettings,
    OnlineMetricSettings,
    RetentionSettings,
    SparkSettings,
    PostgresSettings,
    MlflowSettings,
    StackSettings,
):
    """All settings; each field is the variable `NIGHTJAR_<FIELD>`, each base a group of them."""

    @property
    def mlflow_uri(self) -> str:
        """MLflow's tracking and registry store, as its clients reach it."""
        return self.mlflow_url or self.mlflow_database


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
