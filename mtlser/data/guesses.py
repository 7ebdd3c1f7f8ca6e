"""Baselines that use no audio: a system's score has to be above theirs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Literal

from mtlser.records import FOUR, Rate, Record, Utterance

GuessName = Literal["majority", "nearest_turn", "transcript", "speaker"]
GUESSES: dict[GuessName, str] = {
    "majority": "the most common class of training",
    "nearest_turn": "the class of the nearest turn by the same speaker in the same dialogue",
    "transcript": "the most common class of the same transcript",
    "speaker": "the most common class of the same speaker",
}
"""The baselines that use no audio, in the order of preference on a tie. Each uses labels of
training alone, and the most common class where training has no matching utterance."""


class Guess(Record):
    """Score of one baseline on test."""

    name: GuessName
    wa: Rate
    """Share of test utterances classified correctly (weighted accuracy)."""
    covered: Rate
    """Share of test utterances that have a matching utterance in training."""


def turns_of(utterances: Sequence[Utterance]) -> dict[str, int]:
    """Each utterance's place in its dialogue: the number at the end of its id (`M012`: 12).

    Where an id of the dialogue does not end in digits, or two of one speaker end alike, the place
    is the rank among the dialogue's ids.
    """
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for utterance in utterances:
        groups[utterance.dialogue, utterance.speaker].append(utterance.id)
    turns: dict[str, int] = {}
    for names in groups.values():
        last = [name.split("_")[-1] for name in names]
        digits = [token[len(token.rstrip("0123456789")) :] for token in last]
        if all(digits) and len({int(number) for number in digits}) == len(names):
            turns.update(zip(names, map(int, digits), strict=True))
        else:
            turns.update((name, place) for place, name in enumerate(sorted(names)))
    return turns


def guesses(
    train: Sequence[Utterance], test: Sequence[Utterance], turns: Mapping[str, int]
) -> tuple[Guess, ...]:
    """The score of every baseline on `test`, from the labels of `train`, in the order of `GUESSES`.

    Args:
        train: the utterances of training; never empty.
        test: the utterances that are classified; never empty.
        turns: each utterance's place in its dialogue, by id, from `turns_of`.
    """
    majority = _most_common(u.emotion for u in train)
    by_text = _usual_class(train, test, lambda u: u.text)
    by_speaker = _usual_class(train, test, lambda u: u.speaker)
    dialogues = {u.dialogue for u in test}
    near: dict[tuple[str | None, str], list[Utterance]] = defaultdict(list)
    for utterance in train:
        if utterance.dialogue is not None and utterance.dialogue in dialogues:
            near[utterance.speaker, utterance.dialogue].append(utterance)

    def nearest(utterance: Utterance) -> str | None:
        own = near.get((utterance.speaker, utterance.dialogue or ""), [])
        here = turns[utterance.id]
        closest = min(own, key=lambda u: (abs(turns[u.id] - here), turns[u.id]), default=None)
        return None if closest is None else closest.emotion

    rules: dict[GuessName, Callable[[Utterance], str | None]] = {
        "majority": lambda u: majority,
        "nearest_turn": nearest if near else lambda _: None,
        "transcript": lambda u: by_text.get(u.text),
        "speaker": lambda u: by_speaker.get(u.speaker),
    }
    scores = []
    for name, rule in rules.items():
        predicted = [rule(u) for u in test]
        right = sum((one or majority) == u.emotion for one, u in zip(predicted, test, strict=True))
        covered = sum(one is not None for one in predicted)
        scores.append(Guess(name=name, wa=right / len(test), covered=covered / len(test)))
    return tuple(scores)


def _usual_class(
    train: Sequence[Utterance],
    test: Sequence[Utterance],
    key: Callable[[Utterance], str | None],
) -> dict[str | None, str]:
    """The most common class of train by each `key` of test; where it is `None` there is none."""
    asked = {key(utterance) for utterance in test} - {None}
    classes: dict[str | None, list[str]] = defaultdict(list)
    for utterance in train:
        if (name := key(utterance)) in asked:
            classes[name].append(utterance.emotion)
    return {name: own[0] if len(own) == 1 else _most_common(own) for name, own in classes.items()}


def _most_common(emotions: Iterable[str]) -> str:
    """The most common class; the first in label order, then by name, on a tie.

    >>> _most_common(["sad", "angry", "sad", "angry"])
    'angry'
    """
    counts = Counter(emotions)
    rank = {name: position for position, name in enumerate(FOUR)}
    return min(counts, key=lambda name: (-counts[name], rank.get(name, len(rank)), name))
