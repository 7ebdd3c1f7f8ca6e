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
    dialogues: int
    recordings: int
    audio: int
    """Utterances of the second side whose very samples are on the first."""
    near_audio: int | None = None
    """Those near-identical to one on the first; `None` where there are no fingerprints."""


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
    near = all(each.near_audio is not None for each in (*one, *other))
    return one == other if near else _without_near(one) == _without_near(other)


def _without_near(shared: Sequence[Shared]) -> list[Shared]:
    return [each.model_copy(update={"near_audio": None}) for each in shared]


def test_speakers(plan: FoldPlan, utterances: Sequence[Utterance]) -> int:
    """Speakers whom some fold tests."""
    tested = {name for fold in plan.folds for name in fold.test}
    return len({u.speaker for u in utterances if u.id in tested})


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
        speakers=len({u.speaker for u in first} & {u.speaker for u in second}),
        dialogues=len({u.dialogue for u in first} & {u.dialogue for u in second} - {None}),
        recordings=len({u.recording for u in first} & {u.recording for u in second} - {None}),
        audio=sum(u.audio_sha256 in heard for u in second),
        near_audio=None
        if near is None
        else sum(not heard.isdisjoint(near.get(u.audio_sha256, ())) for u in second),
    )
