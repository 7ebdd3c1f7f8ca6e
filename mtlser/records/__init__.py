"""Records that stages write and read: utterances, folds, cells, predictions."""

import hashlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from mtlser.errors import MtlserError
from mtlser.records.files import read_json, read_jsonl, write_json, write_jsonl
from mtlser.records.paths import PathBelow

__all__ = [
    "CLEAN", "FOUR", "LEAKING_PROTOCOLS", "SAMPLE_RATE_HZ", "Cell", "CellResult", "Fold",
    "FoldPlan", "Prediction", "Protocol", "Rate", "Record", "Split", "Utterance", "most_probable",
    "read_json", "read_jsonl", "timestamp", "write_json", "write_jsonl",
]  # fmt: skip

FOUR = ("neutral", "happy", "angry", "sad")
"""The classes of the paper's table 2, in label order 0..3; a recipe may name others."""

Split = Literal["train", "validation", "test", "speaker_check"]
Protocol = Literal["loso", "session", "speakers", "official", "cross", "recording", "random"]
LEAKING_PROTOCOLS: tuple[Protocol, ...] = ("recording", "random")
"""Protocols whose test speakers (and, for `random`, dialogues) are also in train."""

SAMPLE_RATE_HZ = 16_000
"""Of all audio after ingest, which every encoder and feature expects."""
CLEAN = "clean"
"""The condition of an utterance as it was recorded; a noisy one is `babble@5dB`."""

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, AfterValidator(sys.intern)]
"""Text that many records hold: of equal ones they share one in memory."""


def timestamp() -> str:
    """The time now as records hold it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Record(BaseModel):
    """Base of all records: immutable, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Utterance:
    """One utterance of a corpus after ingest.

    A dataclass with slots, because a manifest of a million is held in memory: 0.6 kB each, where
    a model with these fields has 1.7 kB.
    """

    id: Name
    corpus: Name
    audio: PathBelow
    """The shard that holds its clip, a path below the corpus folder; see `mtlser.data.clips`."""
    audio_sha256: str
    """SHA-256 of the decoded 16-bit samples: equal for duplicate audio."""
    duration_s: float
    level_dbfs: float
    """RMS level in dB relative to full scale."""
    emotion: Name
    """Its class."""
    speaker: Name | None
    """`None` where nobody knows who speaks."""
    gender: Literal["F", "M"] | None
    session: Name | None
    dialogue: Name | None
    recording: Name | None
    """The prefix that Cai et al. (2021) take for the speaker, e.g. `Ses01F`."""
    style: Literal["improvised", "scripted"] | None
    text: str | None
    """Transcript as normalised by `mtlser.data.text.normalise`, or `None` where there is none."""
    language: Name
    label: Name | None = None
    """The corpus' own label, of which the recipe made the class; `None`: not kept."""
    partition: Literal["train", "validation", "test"] | None = None
    """Of the corpus' official partitions."""
    ratings: dict[str, float] | None = None
    """Valence, arousal, dominance as the corpus gives them."""

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """The utterance with other values of some fields, as other records have it."""
        return replace(self, **update)


class Fold(Record):
    """One fold: four disjoint lists of utterance ids."""

    index: int
    name: str
    """What is held out, e.g. `Ses01_F`, `Ses01`, `random-0`."""
    train: tuple[Name, ...]
    validation: tuple[Name, ...]
    test: tuple[Name, ...]
    speaker_check: tuple[Name, ...]
    """A slice of each training speaker's utterances that is never trained on."""


class FoldPlan(Record):
    """All folds of one protocol on one manifest (`folds.json`)."""

    protocol: Protocol
    seed: int
    manifest_digest: str
    folds: tuple[Fold, ...]
    shares_speakers: bool = False
    """True for official partitions that have a speaker on two sides."""

    @property
    def leaks(self) -> bool:
        """True where test speakers are also in train by construction."""
        return self.shares_speakers or self.protocol in LEAKING_PROTOCOLS

    @property
    def digest(self) -> str:
        """SHA-256 of the plan: the same folds of the same data have the same."""
        content = self.model_dump_json(exclude_defaults=True)  # as before younger fields
        return hashlib.sha256(content.encode()).hexdigest()


def most_probable(probabilities: Mapping[str, float]) -> str:
    """The class with the highest probability; the first in the mapping's order on a tie.

    >>> most_probable({"neutral": 0.25, "happy": 0.375, "angry": 0.375})
    'happy'
    """
    return max(probabilities, key=probabilities.__getitem__)


class Prediction(Record):
    """One system's output for one utterance: the only hand-off to measurement."""

    utterance_id: str
    system: str
    fold: int
    seed: int
    split: Split
    condition: str
    style: str | None
    emotion_true: str
    emotion_probabilities: dict[str, float]
    """Probability of each class, in label order; sums to 1."""
    text_true: str | None
    text_predicted: str | None
    """`None` where the system does not transcribe."""
    speaker_true: str | None
    speaker_predicted: str | None
    """`None` where the system does not name speakers."""
    recipe_hash: str

    @property
    def emotion_predicted(self) -> str:
        """The most probable class; the first in label order on a tie."""
        return most_probable(self.emotion_probabilities)


class Cell(Record):
    """One training, as text `SYSTEM:fFOLD:sSEED` (`mtlser:f3:s0`, `svm:f0:s0`, `mtlser:final:s0`).

    Cells travel through the DAG as text, because a loop over dicts turns 3 into 3.0.

    >>> Cell.parse("mtlser:f3:s0")
    Cell(system='mtlser', fold=3, seed=0)
    >>> Cell(system="mtlser", fold=None, seed=0).text
    'mtlser:final:s0'
    """

    system: str
    fold: int | None
    """`None` is the final fit on all data."""
    seed: int

    @property
    def text(self) -> str:
        """The cell as text, for `parse`."""
        fold = "final" if self.fold is None else f"f{self.fold}"
        return f"{self.system}:{fold}:s{self.seed}"

    @property
    def flags(self) -> str:
        """The flags of `mtlser train` and `mtlser noise-eval` that name the cell.

        >>> Cell(system="svm", fold=3, seed=1).flags
        '--fold 3 --system svm --seed 1'
        """
        where = ["--final"] if self.fold is None else ["--fold", str(self.fold)]
        return shlex.join([*where, "--system", self.system, "--seed", str(self.seed)])

    @classmethod
    def parse(cls, text: str) -> "Cell":
        """The cell that `text` names.

        Raises:
            MtlserError: the text has another shape.
        """
        parts = text.split(":")
        if len(parts) == 3 and parts[2][1:].isdecimal() and parts[2][0] == "s":
            system, fold, seed = parts[0], parts[1], int(parts[2][1:])
            if fold == "final":
                return cls(system=system, fold=None, seed=seed)
            if fold[:1] == "f" and fold[1:].isdecimal():
                return cls(system=system, fold=int(fold[1:]), seed=seed)
        raise MtlserError(
            f"cell {text!r}: expected SYSTEM:fFOLD:sSEED or SYSTEM:final:sSEED, "
            "for example mtlser:f0:s0"
        )


class CellResult(Record):
    """How one training ended (`result.json`); validation scores only."""

    cell: str
    alpha: float | None
    """`None` for systems without auxiliary tasks."""
    beta: float | None
    epoch: int | None
    """Epoch whose weights were kept."""
    epochs_run: int | None
    score: float | None
    validation: dict[str, float | None]
    """`loss wa ua f1 wer` on validation and `speaker_accuracy` on `speaker_check`."""
    seconds: float
    weights_sha256: str | None
