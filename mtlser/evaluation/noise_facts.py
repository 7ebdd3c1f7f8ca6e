"""How noise was added, for one cell and for all cells together."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

from pydantic import Field

from mtlser.errors import MtlserError
from mtlser.evaluation.fact_records import NoiseFacts
from mtlser.recipe import NoiseRecipe
from mtlser.records import read_json

NOISE = "noise.json"
"""Beside the noisy `predictions.jsonl` of a cell."""
CORPUS_BABBLE = "corpus babble"
TOLERANCE_DB = 0.1
"""How far an SNR that is measured back may lie from the one that was asked for."""


class NoiseRun(NoiseFacts):
    """One cell's noisy conditions (`noise.json`)."""

    snr_db: tuple[float, ...]
    clips: int = Field(ge=0)
    """Mixed clips, each of which was measured."""
    beyond_full_scale: int = Field(ge=0)
    """Samples louder than full scale; floats hold them, nothing was clipped."""


def condition(kind: str, snr_db: float) -> str:
    """The name of one noisy condition.

    >>> condition("babble", 5.0)
    'babble@5dB'
    """
    return f"{kind}@{snr_db:g}dB"


def parts(name: str) -> tuple[str, str] | None:
    """The kind of noise and the SNR, as text, of a noisy condition's name; `None`: another name.

    >>> parts("babble@5dB"), parts("a@b@-2.5dB"), parts("clean")
    (('babble', '5'), ('a@b', '-2.5'), None)
    """
    kind, at, level = name.rpartition("@")
    return (kind, level.removesuffix("dB")) if at else None


def conditions(recipe: NoiseRecipe) -> dict[str, tuple[str, float]]:
    """The kind of noise and the SNR of each noisy condition, by name, in the recipe's order."""
    return {condition(*pair): pair for pair in product(recipe.kinds, recipe.snr_db)}


def load(folders: Sequence[Path]) -> NoiseFacts | None:
    """The facts in the cells' `noise.json`, as one; `None` where there is none.

    Raises:
        MtlserError: cells were mixed in different ways, so that they are no one condition.
    """
    runs = [(f, read_json(f / NOISE, NoiseRun)) for f in folders if (f / NOISE).is_file()]
    if not runs:
        return None
    where, first = runs[0]
    for folder, run in runs[1:]:
        for name in ("source", "level", "trained_on"):
            one, other = getattr(first, name), getattr(run, name)
            if one != other:
                raise MtlserError(
                    f"noise of {where} and {folder}: {name} {one!r} and {other!r}; expected one "
                    "for all cells; run `mtlser noise-eval` of both with one recipe"
                )
    deviations = [r.largest_deviation_db for _, r in runs if r.largest_deviation_db is not None]
    return NoiseFacts(
        kinds=tuple(dict.fromkeys(kind for _, run in runs for kind in run.kinds)),
        source=first.source,
        level=first.level,
        trained_on=first.trained_on,
        largest_deviation_db=max(deviations, default=None),
    )
