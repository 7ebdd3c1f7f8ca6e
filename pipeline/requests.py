"""What steps should ask a cluster for, from what they took where they were measured.

The rule: the peak that was measured; for a search, in proportion to the trainings side by side;
plus what was measured to grow with the corpus; a quarter more, rounded up. What depends on the
encoder is taken of that encoder alone.
"""

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import Field

from mtlser.recipe import Recipe
from pipeline.dags.profile import STEPS, Profile, Section

TABLE = "measured.toml"
MARGIN = 1.25
ROUND_MIB, LEAST_MIB = 256, 512
PREDICTIONS = "report_prediction"
"""Growth of `report` for each prediction."""
UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} | {
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


class Row(Section):
    """One measurement of a step."""

    step: str
    encoder: str = ""
    """As recipes name it; empty: the step loads none."""
    side_by_side: int = Field(1, ge=1)
    """Trainings at a time."""
    memory_mib: int
    seconds: float | None = None
    clips: int
    cpu: int = 1
    """Processors that it was given, rounded down."""
    on: str
    """Where and of what, see `Measured.conditions`."""


class Measured(Section):
    """The table."""

    conditions: dict[str, str]
    growth: dict[str, int]
    """Bytes for each clip beyond a row's, by step."""
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Request:
    """What a step should ask for; `None` where nothing was measured."""

    step: str
    row: Row | None
    is_least: bool
    """Whether the row is of another encoder, so that this is no more than a lower bound."""
    peak_mib: int | None
    """The expected peak."""
    memory_mib: int | None
    """The request: the peak with a margin, rounded up."""


@cache
def measured() -> Measured:
    """The table that ships with the package."""
    text = resources.files("pipeline").joinpath(TABLE).read_text(encoding="utf-8")
    return Measured.model_validate(tomllib.loads(text))


def requests(recipe: Recipe, clips: int, encoder: str) -> list[Request]:
    """What each step should ask for, in the order of the table; steps without a row last.

    Args:
        recipe: how many trainings run side by side, and what is predicted.
        clips: utterances of the corpus.
        encoder: as a recipe names it; another one than the table has takes the least of any.
    """
    table = measured()
    known = dict.fromkeys(row.step for row in table.rows)
    steps = (*known, *sorted(STEPS - known.keys()))
    return [_request(step, recipe, clips, encoder, table) for step in steps]


def _request(step: str, recipe: Recipe, clips: int, encoder: str, table: Measured) -> Request:
    rows = [row for row in table.rows if row.step == step]
    own = [row for row in rows if row.encoder in {"", encoder}]
    if not rows:
        return Request(step=step, row=None, is_least=False, peak_mib=None, memory_mib=None)
    row = min(own or rows, key=lambda each: each.memory_mib)
    trainings = recipe.search.jobs / row.side_by_side if step == "search" else 1.0
    bytes_more = table.growth.get(step, 0) * max(0, clips - row.clips)
    if step == "report":
        bytes_more += table.growth[PREDICTIONS] * predictions(recipe, clips)
    peak = row.memory_mib * trainings + bytes_more / 2**20
    asked = max(LEAST_MIB, ROUND_MIB * math.ceil(MARGIN * peak / ROUND_MIB))
    return Request(step=step, row=row, is_least=not own, peak_mib=math.ceil(peak), memory_mib=asked)


def predictions(recipe: Recipe, clips: int) -> int:
    """How many predictions a report scores: each clip by system, seed and condition."""
    conditions = 1 + len(recipe.noise.kinds) * len(recipe.noise.snr_db)
    return clips * conditions * (recipe.train.seeds + len(recipe.baseline.systems))


def too_small(found: list[Request], profile: Profile) -> list[tuple[Request, str]]:
    """Requests whose step asks for less than the expected peak, with what the profile asks for."""
    return [
        (each, asks)
        for each in found
        if (asks := profile.of(each.step).memory)
        and each.peak_mib is not None
        and quantity(asks) < each.peak_mib * 2**20
    ]


def quantity(text: str) -> float:
    """A Kubernetes quantity as a number.

    >>> quantity("4Gi") / 2**30, quantity("500m"), quantity("2")
    (4.0, 0.5, 2.0)
    """
    digits = text.rstrip("".join(UNITS))
    return float(digits) * UNITS[text.removeprefix(digits)]
