"""How many speakers, dialogues, recordings and clips two sides of a fold share, counted."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mtlser.data.fingerprints import Near
from mtlser.records import Fold, FoldPlan, Record, Utterance

Pair = Literal["train-test", "train-validation", "validation-test"]


class Shared(Record):
    """What two sides of one fold have in common; `speaker_check` counts as training."""

    fold: int
    name: str
    pair: Pair
    speakers: int
    """Whose names are known."""
    dialogues: int
    recordings: int
    audio: int
    """Utterances of the second side whose very samples are on the first."""
    near_audio: int | None = None
    """Those near-identical to one on the first; `None` where there are no fingerprints."""
    unknown: int | None = None
    """Utterances of both sides whose speaker nobody knows, so that it may be anybody; `None` in
    scores of an older version, for which all of them had one speaker."""


def counted(
    plan: FoldPlan, utterances: Sequence[Utterance], near: Near | None = None
) -> tuple[Shared, ...]:
    """What the sides of each fold share, fold by fold.

    Args:
        plan: the folds.
        utterances: the manifest.
        near: near-identical audio by SHA-256; `None`: there are no fingerprints.
    """
    by_id = {utterance.id: utterance for utterance in utterances}
    return tuple(each for fold in plan.folds for each in _of_fold(fold, by_id, near))


def agree(one: Sequence[Shared], other: Sequence[Shared]) -> bool:
    """Whether two countings are alike in all that both of them counted."""
    return len(one) == len(other) and all(map(_alike, one, other))


def _alike(one: Shared, other: Shared) -> bool:
    apart: dict[str, int | None] = {}
    if None in (one.near_audio, other.near_audio):
        apart["near_audio"] = None
    if None in (one.unknown, other.unknown):
        apart["unknown"] = None
        if one.unknown or other.unknown:
            apart["speakers"] = 0
    return one.model_copy(update=apart) == other.model_copy(update=apart)


def test_speakers(plan: FoldPlan, utterances: Sequence[Utterance]) -> int:
    """Known speakers whom some fold tests."""
    tested = {name for fold in plan.folds for name in fold.test}
    return len({u.speaker for u in utterances if u.id in tested} - {None})


def _of_fold(fold: Fold, by_id: Mapping[str, Utterance], near: Near | None) -> list[Shared]:
    train = [by_id[name] for name in (*fold.train, *fold.speaker_check)]
    validation = [by_id[name] for name in fold.validation]
    test = [by_id[name] for name in fold.test]
    pairs: tuple[tuple[Pair, list[Utterance], list[Utterance]], ...] = (
        ("train-test", train, test),
        ("train-validation", train, validation),
        ("validation-test", validation, test),
    )
    return [_pair(fold, *each, near) for each in pairs]


def _pair(
    fold: Fold,
    pair: Pair,
    first: Sequence[Utterance],
    second: Sequence[Utterance],
    near: Near | None,
) -> Shared:
    heard = {u.audio_sha256 for u in first}
    return Shared(
        fold=fold.index,
        name=fold.name,
        pair=pair,
        speakers=len({u.speaker for u in first} & {u.speaker for u in second} - {None}),
        dialogues=len({u.dialogue for u in first} & {u.dialogue for u in second} - {None}),
        recordings=len({u.recording for u in first} & {u.recording for u in second} - {None}),
        audio=sum(u.audio_sha256 in heard for u in second),
        near_audio=None
        if near is None
        else sum(not heard.isdisjoint(near.get(u.audio_sha256, ())) for u in second),
        unknown=sum(u.speaker is None for u in (*first, *second)),
    )
