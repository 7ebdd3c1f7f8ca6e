"""A trained model on a whole corpus that it has not seen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mtlser.data import clips, manifest
from mtlser.errors import MtlserError
from mtlser.evaluation import gathering
from mtlser.evaluation.groups import described, group_scores
from mtlser.evaluation.number_records import Numbers
from mtlser.evaluation.numbers import numbers
from mtlser.evaluation.predictor import Done, System, beside_truth, unheeded
from mtlser.evaluation.score_records import GroupScores
from mtlser.evaluation.verification import seen
from mtlser.records import CLEAN, Cell, Fold, FoldPlan, Prediction, Record, Utterance
from mtlser.storage import custody

State = Literal["yes", "not at hand"]


class UnseenScores(Record):
    """`unseen.json`: a model's scores on all utterances of a corpus, clean."""

    cell: str
    """Of the model; empty where its folder does not say."""
    manifest_digest: str
    unseen: State
    """Whether nothing of the corpus had a part in the model."""
    detail: str
    """What shows it."""
    numbers: Numbers
    groups: tuple[GroupScores, ...]
    """Speakers, genders, then corpora, each from the lowest UA to the highest."""


def check(model: Path, utterances: Sequence[Utterance]) -> tuple[State, str]:
    """Whether a model has seen nothing of some utterances, and what shows it.

    Args:
        model: model folder.
        utterances: that it is to be scored on.

    Raises:
        MtlserError: it has seen one of them, or their speakers, dialogues, recordings or audio.
    """
    known = seen.load(model)
    if known is None:
        return (
            "not at hand",
            f"the model folder has no {seen.SEEN}: what it was trained on is unknown",
        )
    both = seen.shared(known, [utterance.id for utterance in utterances], utterances)
    if both is not None:
        raise MtlserError(
            f"{model}: this model is {known.cell} and has seen {both} of this corpus, so a score "
            "on it would be too high; give a corpus of other speakers (rename people who only "
            "share a name), or read the cross-validation of the model in its report"
        )
    return "yes", (
        f"of {len(known.fitted) + len(known.chosen_on)} utterances by {len(known.speakers)} "
        "speakers that had a part in the model, none is in the corpus"
    )


def predictions(
    system: System,
    model: Path,
    name: str,
    corpus: Path,
    utterances: Sequence[Utterance],
    done: Done = unheeded,
) -> list[Prediction]:
    """What the system says of every utterance, beside the truth.

    Args:
        system: loaded from the model folder.
        model: model folder.
        name: of the system.
        corpus: corpus folder with the audio.
        utterances: its manifest.
        done: called after each batch.
    """
    record = custody.read(model)
    cell = Cell.parse(record.cell) if record else Cell(system=name, fold=None, seed=0)
    recipe_hash = record.recipe_hash if record else ""
    outputs = system.predict([clips.load(corpus, each) for each in utterances], done)
    return [
        beside_truth(each, output, cell, "test", CLEAN, each.speaker, recipe_hash)
        for each, output in zip(utterances, outputs, strict=True)
    ]


def score(
    model: Path,
    predicted: Sequence[Prediction],
    utterances: Sequence[Utterance],
    known: tuple[State, str],
) -> UnseenScores:
    """The scores of predictions of a whole corpus.

    Args:
        model: model folder.
        predicted: one for each utterance.
        utterances: the manifest.
        known: what `check` says of the two.

    Raises:
        MtlserError: the predictions cannot be scored.
    """
    record, digest = custody.read(model), manifest.digest(utterances)
    columns = gathering.columns(predicted)
    block = next(iter(columns.blocks.values()))
    ids = tuple(utterance.id for utterance in utterances)
    whole = Fold(
        index=predicted[0].fold, name="all", train=(), validation=(), test=ids, speaker_check=()
    )
    plan = FoldPlan(protocol="loso", seed=0, manifest_digest=digest, folds=(whole,))
    return UnseenScores(
        cell=record.cell if record else "",
        manifest_digest=digest,
        unseen=known[0],
        detail=known[1],
        numbers=numbers(columns, block),
        groups=group_scores(columns, block, plan, described(utterances)),
    )
