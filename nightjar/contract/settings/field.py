"""How a setting is declared: its default, what it does and where else it counts, in one place.

    top_k: PositiveInt = setting(10, recorded=None, basic=True, description="Recommendations per user and domain, K.")

Used by the groups of settings beside this file; every list of settings is derived from it (`registry`).
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from nightjar.contract.schedule import check_cron
from nightjar.contract.settings.ranges import Range

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65_535)]
MemorySize = Annotated[str, Field(pattern=r"^[1-9][0-9]*[kmgtKMGT]$")]
Cron = Annotated[str, AfterValidator(check_cron)]
CronOrEmpty = Annotated[str, AfterValidator(lambda text: check_cron(text) if text else text)]

# Part of the recorded configuration. model: what fit and ranking read; features: what the Spark jobs read, so that one
# run has one set of features; protocol: which pairs are evaluated, so figures under two protocols are no comparison.
Recorded = Literal["model", "features", "protocol"]
Job = Literal["build_features", "score_users"]


class SettingsGroup(BaseSettings):
    """Some settings that belong together; the first line of the docstring is the group's title."""

    # Only the class that holds all groups is built: the others would cost each process a third of a second.
    model_config = SettingsConfigDict(
        env_prefix="NIGHTJAR_", frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )


@dataclass(frozen=True)
class Traits:
    """What a setting is beside its type, default and description.

    Attributes:
        recorded: its part of the recorded configuration; None: it has no effect on the evaluation.
        before_recording: what older runs had, which have no record of it; None: unknown.
        tunable: where a search looks for its value; None: a search leaves it alone.
        is_basic: newcomers need it.
        jobs: the Spark jobs that get it as an argument.
        is_logged: MLflow keeps it as a parameter of a run.
        is_administrative: only commands that initialise a server read it; no child process gets it.
    """

    recorded: Recorded | None = None
    before_recording: str | None = None
    tunable: Range | None = None
    is_basic: bool = False
    jobs: tuple[Job, ...] = ()
    is_logged: bool = True
    is_administrative: bool = False


def setting(
    default: object,
    *,
    description: str,
    recorded: Recorded | None,
    before_recording: str | None = None,
    tunable: Range | None = None,
    basic: bool = False,
    jobs: tuple[Job, ...] = (),
    **constraints: Any,
) -> Any:
    """Declare a setting; `constraints` are those of pydantic's `Field`, the others those of `Traits`."""
    traits = Traits(recorded, before_recording, tunable, basic, jobs)
    return _declared(default, description, traits, constraints)


def connection(
    default: object, *, description: str, basic: bool = False, administrative: bool = False, **constraints: Any
) -> Any:
    """Declare where a service answers, what the stack starts or who is notified.

    Such settings differ between two homes that give the same result; no run records them.
    """
    traits = Traits(is_basic=basic, is_logged=False, is_administrative=administrative)
    return _declared(default, description, traits, constraints)


def _declared(default: object, description: str, traits: Traits, constraints: dict[str, Any]) -> Any:
    field = Field(default, description=description, **constraints)
    field.metadata.append(traits)
    return field
