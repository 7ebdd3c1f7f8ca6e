"""The records of what was verified, as they stand in `scores.json`."""

from collections.abc import Sequence
from typing import Literal

from mtlser.records import Record

Name = Literal["data", "folds", "speakers", "weights", "selection"]
State = Literal["yes", "no", "not at hand"]


class Claim(Record):
    """One thing that a report claims, and what shows it."""

    name: Name
    state: State
    detail: str


class Scoring(Record):
    """One system of one recipe whose test predictions on a fold plan were scored."""

    folds: str
    """Digest of the fold plan."""
    system: str
    recipe_hash: str
    seeds: tuple[int, ...] = ()
    """Of its trainings; empty in a record of an older version."""
    when: str = ""
    """UTC, ISO 8601; empty where it is known from MLflow."""
    who: str = ""
    run: str = ""
    """Id of the MLflow run."""


def unverified(claims: Sequence[Claim]) -> list[str]:
    """Names of the claims that are not shown; those that are false are in it too."""
    return [claim.name for claim in claims if claim.state != "yes"]
