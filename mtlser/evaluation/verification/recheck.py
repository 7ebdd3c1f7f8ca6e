"""The figures of a report folder, computed again from its own predictions and folds."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from mtlser.errors import MtlserError
from mtlser.evaluation import scores
from mtlser.evaluation.groups import described
from mtlser.evaluation.score_records import GroupKind, Scores
from mtlser.evaluation.summary import flat
from mtlser.evaluation.verification import reading, truth
from mtlser.evaluation.verification.reading import Key, Reading
from mtlser.files import read_text
from mtlser.recipe import Recipe, load
from mtlser.records import FoldPlan, Utterance, read_json
from mtlser.storage import custody
from mtlser.storage.layout import FOLDS, PREDICTIONS, RECIPE, SCORES, SUMMARY

SAME = 1e-9
"""Figures of the same predictions differ by no more than this, whatever the machine."""
NOT_DERIVED = {"notes", "noise", "cost", "claims", "sharing", "scorings"}
"""Fields of the scores that say what was given to the report, or need what is not beside it."""
OF_A_RECIPE = {"recipe_name", "corpus", "literature"}
"""Those that need the recipe."""
SENTENCES = {"reading", "trust"}
"""Fields that say in words what other fields say in numbers, in the words of their version."""
OTHERWISE_BEFORE = {"p_holm"}
"""Fields that versions without custody records defined in another way."""
SECONDS = "seconds"
"""Of the whole run, in its summary."""


def check(
    folder: Path,
    utterances: Sequence[Utterance] | None = None,
    known: Reading | None = None,
) -> bool:
    """True where the report's figures are those of its predictions; False: it has none.

    Args:
        folder: a report or run folder.
        utterances: the manifest; `None`: not at hand.
        known: its predictions, read and checked already; `None`: they are read here.

    Raises:
        MtlserError: the first file that was changed, or the first figure that is another one.
    """
    record = custody.verified(folder)
    stated = read_json(folder / SCORES, Scores)
    _check_summary(folder, stated, recorded=record is not None)
    plan = read_json(folder / FOLDS, FoldPlan) if (folder / FOLDS).is_file() else None
    if plan is not None and stated.folds_digest and stated.folds_digest != plan.digest:
        raise MtlserError(
            f"{folder / SCORES} is of folds {stated.folds_digest[:12]}, {FOLDS} beside it is "
            f"{plan.digest[:12]}; write the report again with `mtlser report`"
        )
    if plan is None or not (folder / PREDICTIONS).is_file():
        return False
    recipe = load(str(folder / RECIPE)) if (folder / RECIPE).is_file() else None
    measured = scores.measure(
        (known or read(folder, utterances, recipe)).columns,
        plan,
        recipe or scores.any_recipe(),
        main=stated.main,
        described=None if utterances is None else described(utterances),
    )
    left_out = NOT_DERIVED if recipe is not None else NOT_DERIVED | OF_A_RECIPE
    kinds = ("speaker",) if utterances is None else get_args(GroupKind)
    # As it is written: an older version wrote fewer fields.
    here = _derived(json.loads(read_text(folder / SCORES)), left_out, kinds)
    if record is None:
        here = _without(here, OTHERWISE_BEFORE)
    there = _derived(measured.model_dump(mode="json"), left_out, kinds)
    place = difference(here, _only(here, there))
    if place is not None:
        name, one, other = place
        raise MtlserError(
            f"{folder / SCORES}: {name} is {one}, its predictions and folds give {other}; write "
            "the report again with `mtlser report`"
        )
    return True


def _derived(
    figures: Mapping[str, Any], left_out: set[str], kinds: Sequence[str]
) -> dict[str, Any]:
    """What the predictions, the folds and the recipe decide."""
    values = {key: value for key, value in figures.items() if key not in left_out}
    if "groups" in values:
        values["groups"] = [group for group in values["groups"] if group["kind"] in kinds]
    return {key: _without(value, SENTENCES) for key, value in values.items()}


def _without(value: Any, names: set[str]) -> Any:
    """The JSON value without the fields of these names, wherever they are."""
    if isinstance(value, Mapping):
        return {k: _without(inner, names) for k, inner in value.items() if k not in names}
    if isinstance(value, list):
        return [_without(inner, names) for inner in value]
    return value


def _only(here: Any, there: Any) -> Any:
    """The second JSON value with the fields alone that the first has."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        return {key: _only(here[key], value) for key, value in there.items() if key in here}
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        return [_only(*each) for each in zip(here, there, strict=True)]
    return there


def read(
    folder: Path,
    utterances: Sequence[Utterance] | None = None,
    recipe: Recipe | None = None,
    wanted: Collection[Key] = (),
) -> Reading:
    """The predictions of a report folder, each checked against the manifest where it is given."""
    checks = [truth.against(utterances, recipe)] if utterances is not None else []
    return reading.read(folder / PREDICTIONS, checks, wanted)


def _check_summary(folder: Path, stated: Scores, *, recorded: bool) -> None:
    path = folder / SUMMARY
    if not path.is_file():
        return
    content = json.loads(read_text(path))
    here = {k: v for k, v in content.items() if k != SECONDS}
    there = {k: v for k, v in flat(stated).items() if k != SECONDS}
    if not recorded:  # as above
        here = {k: v for k, v in here.items() if not k.startswith("welch_holm")}
    place = difference(here, _only(here, json.loads(json.dumps(there))))
    if place is not None:
        name, one, other = place
        raise MtlserError(
            f"{path}: {name} is {one}, {SCORES} beside it gives {other}; write the report again "
            "with `mtlser report`"
        )


def difference(here: Any, there: Any, name: str = "") -> tuple[str, str, str] | None:
    """The first value that differs in two JSON values: its name, and both; `None`: they agree.

    >>> difference({"a": [1.0, 2.0]}, {"a": [1.0, 2.5]})
    ('a.1', '2.0', '2.5')
    """
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        keys = dict.fromkeys((*here, *there))
        pairs = [(str(key), here.get(key), there.get(key)) for key in keys]
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        pairs = [(str(i), *each) for i, each in enumerate(zip(here, there, strict=True))]
    elif _equal(here, there):
        return None
    else:
        return name, _short(here), _short(there)
    for key, one, other in pairs:
        place = difference(one, other, f"{name}.{key}" if name else key)
        if place is not None:
            return place
    return None


def _equal(here: Any, there: Any) -> bool:
    numbers = [isinstance(x, int | float) and not isinstance(x, bool) for x in (here, there)]
    if all(numbers):
        return bool(abs(here - there) <= SAME * max(1.0, abs(here), abs(there)))
    return bool(here == there)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
