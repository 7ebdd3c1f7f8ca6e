"""What is known of all utterances of a corpus, in columns: some 150 bytes of memory for each."""

from array import array
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from mtlser.data.clip_facts import ClipFacts
from mtlser.records import Utterance

Places = NDArray[np.int64] | NDArray[np.bool_]
"""Which utterances: their places, or true for each of them."""


class Names:
    """A column of names that recur; 4 bytes for each utterance."""

    def __init__(self) -> None:
        self._codes: dict[str | None, int] = {None: 0}
        self._code_n = array("i")

    def add(self, name: str | None) -> None:
        """Takes the next name; `None`: it is not known."""
        self._code_n.append(self._codes.setdefault(name, len(self._codes)))

    @property
    def code_n(self) -> NDArray[np.int32]:
        """The number of each utterance's name; 0 where it is not known.

        They begin at 1, in the order of the names' first utterances.
        """
        return np.frombuffer(self._code_n, np.int32)

    @property
    def names(self) -> list[str | None]:
        """By their numbers; the first is `None`, whether or not it is there."""
        return list(self._codes)

    @property
    def known(self) -> list[str]:
        """The different names."""
        return [name for name in self._codes if name is not None]

    def counts(self, chosen_n: Places | None = None) -> dict[str | None, int]:
        """Utterances of each name that there is, `None` among them, in the order of their first.

        Args:
            chosen_n: which utterances; `None`: all.
        """
        code_n = self.code_n if chosen_n is None else self.code_n[chosen_n]
        different, first, count = np.unique(code_n, return_index=True, return_counts=True)
        order, names = np.argsort(first), self.names
        return {names[different[place]]: int(count[place]) for place in order}


class Same:
    """A column of texts of which counts which are equal; 9 bytes for each utterance."""

    def __init__(self) -> None:
        self._hash_n, self._known_n = array("q"), array("b")

    def add(self, text: str | None) -> None:
        """Takes the next text; `None`: there is none."""
        self._hash_n.append(hash(text) if text is not None else 0)
        self._known_n.append(text is not None)

    @property
    def hash_n(self) -> NDArray[np.int64]:
        """64 bits for each text, equal for equal ones: two others meet once in 10^19 pairs."""
        return np.frombuffer(self._hash_n, np.int64)

    @property
    def known_n(self) -> NDArray[np.bool_]:
        """Whether there is a text."""
        return np.frombuffer(self._known_n, np.bool_)


class Texts:
    """A column of texts in one piece of memory."""

    def __init__(self) -> None:
        self._content, self._ends = bytearray(), array("q", [0])

    def add(self, text: str) -> None:
        """Takes the next text."""
        self._content += text.encode()
        self._ends.append(len(self._content))

    def __getitem__(self, place: int) -> str:
        return self._content[self._ends[place] : self._ends[place + 1]].decode()


class Overview:
    """Columns of the utterances, in the order in which they were added."""

    def __init__(self) -> None:
        self.id = Texts()
        self.corpus, self.emotion, self.speaker, self.gender = Names(), Names(), Names(), Names()
        self.session, self.style, self.language, self.label = Names(), Names(), Names(), Names()
        self.rate_hz = Names()
        """Sample rates of the recordings as text."""
        self.dialogue, self.text, self.audio = Same(), Same(), Same()
        self._numbers = {name: array("d") for name in NUMBERS}
        self._silent_channels = array("b")

    def add(self, utterance: Utterance, facts: ClipFacts | None) -> None:
        """Takes the next utterance with what was measured of its clip; `None`: nothing."""
        self.id.add(utterance.id)
        self.corpus.add(utterance.corpus)
        self.emotion.add(utterance.emotion)
        self.speaker.add(utterance.speaker)
        self.gender.add(utterance.gender)
        self.session.add(utterance.session)
        self.style.add(utterance.style)
        self.language.add(utterance.language or None)
        self.label.add(utterance.label)
        self.dialogue.add(utterance.dialogue)
        self.text.add(utterance.text)
        self.audio.add(utterance.audio_sha256)
        self.rate_hz.add(None if facts is None else str(facts.rate_hz))
        self._silent_channels.append(facts is not None and facts.silent_channels > 0)
        values = (
            utterance.duration_s,
            utterance.level_dbfs,
            np.nan if utterance.text is None else len(utterance.text),
            np.nan if facts is None else facts.clipped,
            np.nan if facts is None else facts.end_db,
        )
        for column, value in zip(self._numbers.values(), values, strict=True):
            column.append(value)

    def __len__(self) -> int:
        return len(self._silent_channels)

    def number(self, name: str) -> NDArray[np.float64]:
        """A column of numbers, NaN where one is not known; `name` is one of `NUMBERS`."""
        return np.frombuffer(self._numbers[name], np.float64)

    @property
    def silent_channels(self) -> int:
        """Utterances with a channel without sound."""
        return sum(self._silent_channels)


NUMBERS = ("duration_s", "level_dbfs", "characters", "clipped", "end_db")
"""Duration and level of a clip, characters of its transcript, and two of its `ClipFacts`."""


def of(utterances: Iterable[Utterance], facts: Mapping[str, ClipFacts] | None = None) -> Overview:
    """The columns of some utterances.

    Args:
        utterances: the manifest.
        facts: by the utterances' ids; `None`: not known.
    """
    overview = Overview()
    for each in utterances:
        overview.add(each, (facts or {}).get(each.id))
    return overview
