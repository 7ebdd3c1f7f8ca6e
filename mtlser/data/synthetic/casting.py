"""Speakers, labels and sentences of the synthetic dialogues, and flaws of their transcripts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlser.errors import MtlserError

SHARES = {"neu": 0.31, "hap": 0.11, "exc": 0.19, "ang": 0.20, "sad": 0.19}
"""Labels of the four-class task with IEMOCAP's own shares; excited counts as happy."""

OTHER_SHARES = {"fru": 0.36, "xxx": 0.34, "oth": 0.08, "sur": 0.10, "fea": 0.07, "dis": 0.05}
"""Labels outside the task."""

OTHERS = 0.12
"""Share of turns with a label outside the task."""

MAIN_EMOTION = 0.4
"""Share of turns with their dialogue's main emotion, as dialogues of the real corpus have one."""

EVENTS = ("[LAUGHTER]", "[BREATHING]", "[GARBAGE]", "{BR}", "{LG}", "{NS}")
EVENT_SHARE = 0.03
"""Share of transcripts with an event tag, which the audio does not contain."""

TURN_TAKING = 0.7
"""Probability that the other actor speaks next."""


@dataclass(frozen=True)
class Size:
    """Amount of data for each session and each of its two prefixes (`Ses01F`, `Ses01M`)."""

    improvised: int = 3
    """Improvised dialogues."""
    scripted: int = 3
    """Scripted dialogues."""
    turns: int = 12
    """Turns of a dialogue, at least 2: both actors speak."""

    def __post_init__(self) -> None:
        """Refuses a size that is too small for a release."""
        if self.turns < 2 or min(self.improvised, self.scripted) < 1:
            raise MtlserError(
                f"{self}: a release needs at least 1 improvised and 1 scripted dialogue "
                "for each prefix, and 2 turns for each dialogue"
            )

    def dialogues(self, sessions: int) -> Iterator[tuple[int, str]]:
        """Session number and name of every dialogue.

        >>> list(Size(1, 1).dialogues(1))[:2]
        [(1, 'Ses01F_impro01'), (1, 'Ses01F_script01_1')]
        """
        for session in range(1, sessions + 1):
            for letter in "FM":
                for number in range(1, self.improvised + 1):
                    yield session, f"Ses{session:02d}{letter}_impro{number:02d}"
                for number in range(self.scripted):
                    script_part = f"script{number // 3 + 1:02d}_{number % 3 + 1}"
                    yield session, f"Ses{session:02d}{letter}_{script_part}"


DEMO_SIZE = Size()
"""720 utterances, 634 of them in the four-class task."""


def deal_labels(dialogues: int, turns: int, rng: np.random.Generator) -> list[list[str]]:
    """Each dialogue's labels: `SHARES` overall, with a main emotion in each dialogue."""
    total = dialogues * turns
    main = _shuffled(SHARES, dialogues, rng)
    others = _shuffled(OTHER_SHARES, round(OTHERS * total), rng)
    remaining = Counter(_shuffled(SHARES, total - len(others), rng) + others)
    labels = [""] * total
    for index in rng.permutation(total).tolist():
        common = main[index // turns]
        label = (
            common if remaining[common] and rng.random() < MAIN_EMOTION else _draw(remaining, rng)
        )
        remaining[label] -= 1
        labels[index] = label
    return [labels[start : start + turns] for start in range(0, total, turns)]


def speakers(turns: int, rng: np.random.Generator) -> list[str]:
    """The letter of each turn's speaker, `F` or `M`; the first two turns have one each."""
    letters = ["FM"[rng.integers(2)]]
    for number in range(1, turns):
        change = number == 1 or rng.random() < TURN_TAKING
        letters.append(letters[-1] if not change else "M" if letters[-1] == "F" else "F")
    return letters


def script(
    sentences: Sequence[str], turns: int, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Speakers' letters and sentences of one dialogue."""
    letters = speakers(turns, rng)
    return letters, [sentences[index] for index in rng.integers(len(sentences), size=turns)]


def say(sentence: str, rng: np.random.Generator) -> str:
    """The sentence as its transcription file has it: sometimes with an event tag at one end."""
    if rng.random() >= EVENT_SHARE:
        return sentence
    event = EVENTS[rng.integers(len(EVENTS))]
    return f"{event} {sentence}" if rng.random() < 0.5 else f"{sentence} {event}"


def gaps(dialogues: int, turns: int, rng: np.random.Generator) -> set[tuple[int, int]]:
    """(dialogue, turn) of the turns without a transcript: 0.4 %, at least two."""
    total = dialogues * turns
    chosen = 1 + rng.permutation(total - 1)[: max(2, round(0.004 * total))]
    return {divmod(int(index), turns) for index in chosen}


def _shuffled(shares: Mapping[str, float], count: int, rng: np.random.Generator) -> list[str]:
    """`count` labels in random order, in these shares as nearly as whole numbers allow."""
    edges = np.rint(np.cumsum([0.0, *shares.values()]) * count).astype(int)
    labels = [label for label, n in zip(shares, np.diff(edges), strict=True) for _ in range(n)]
    return [labels[index] for index in rng.permutation(count)]


def _draw(remaining: Counter[str], rng: np.random.Generator) -> str:
    """One of the remaining labels, with a probability in proportion to its count."""
    return list(remaining.elements())[rng.integers(remaining.total())]
