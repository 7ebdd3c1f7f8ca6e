"""Records that stages write and read: utterances, folds, cells, predictions.

Every list of records is a JSON Lines file: one record a line, UTF-8, in a stable order.
"""

import codecs
import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mtlser.errors import MtlserError
from mtlser.files import atomic_file, not_utf8, read_text, write_text

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


def timestamp() -> str:
    """The time now as records hold it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Record(BaseModel):
    """Base of all records: immutable, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Utterance(Record):
    """One utterance of a corpus after ingest."""

    id: str
    corpus: str
    audio: str
    """Path below the corpus folder: `audio/ab/abcdef....flac`, 16 kHz mono."""
    audio_sha256: str
    """SHA-256 of the decoded 16-bit samples: equal for duplicate audio."""
    duration_s: float
    level_dbfs: float
    """RMS level in dB relative to full scale."""
    emotion: str
    """Its class."""
    speaker: str | None
    """`None` where nobody knows who speaks."""
    gender: Literal["F", "M"] | None
    session: str | None
    dialogue: str | None
    recording: str | None
    """The prefix that Cai et al. (2021) take for the speaker, e.g. `Ses01F`."""
    style: Literal["improvised", "scripted"] | None
    text: str | None
    """Transcript as normalised by `mtlser.data.text.normalise`, or `None` where there is none."""
    language: str
    label: str | None = None
    """The corpus' own label, of which the recipe made the class; `None`: not kept."""
    partition: Literal["train", "validation", "test"] | None = None
    """Of the corpus' official partitions."""
    ratings: dict[str, float] | None = None
    """Valence, arousal, dominance as the corpus gives them."""


class Fold(Record):
    """One fold: four disjoint lists of utterance ids."""

    index: int
    name: str
    """What is held out, e.g. `Ses01_F`, `Ses01`, `random-0`."""
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    speaker_check: tuple[str, ...]
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


RecordT = TypeVar("RecordT", bound=BaseModel)


def write_jsonl(path: Path, records: Iterable[BaseModel]) -> int:
    """Writes one record a line to `path`, whole; the number of lines."""
    count = 0
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(record.model_dump_json() + "\n")
            count += 1
    return count


def read_jsonl(path: Path, kind: type[RecordT]) -> Iterator[RecordT]:
    """Yields the records of `path` one by one, so that a large file needs no memory.

    A byte order mark of UTF-8, blank lines at the end and any line end are no part of them.

    Raises:
        MtlserError: the file is absent, or a line is not such a record.
    """
    if not path.is_file():
        raise MtlserError(f"{path}: no such file; expected one {kind.__name__} a line")
    with path.open("rb") as file:
        for number, line in numbered_lines(file):
            yield parse_line(line, kind, path, number)


def numbered_lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    r"""Yields number and bytes of each line, from 1, without the blank lines at the end.

    >>> list(numbered_lines([b"{}\n", b"\n", b"{}\r\n", b"\r\n"]))
    [(1, b'{}\n'), (2, b'\n'), (3, b'{}\r\n')]
    """
    blank: list[tuple[int, bytes]] = []
    for number, line in enumerate(file, start=1):
        if line.isspace():
            blank.append((number, line))
            continue
        yield from blank
        blank.clear()
        yield number, line


def parse_line(line: bytes, kind: type[RecordT], path: Path, number: int) -> RecordT:
    """The record that line `number` of `path` holds; before the first, a mark of UTF-8 is skipped.

    Raises:
        MtlserError: it is not such a record, or not UTF-8.
    """
    try:
        return kind.model_validate_json(line if number > 1 else line.removeprefix(codecs.BOM_UTF8))
    except ValidationError as error:
        if not _is_utf8(line):
            raise not_utf8(path, line, number) from None
        problem = error.errors()[0]
        raise MtlserError(
            f"{path}:{number}: not a {kind.__name__}: "
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        ) from None


def _is_utf8(line: bytes) -> bool:
    """False for bytes of another encoding; UTF-16 text shows by its zeros."""
    try:
        return "\0" not in line.decode("utf-8")
    except UnicodeDecodeError:
        return False


def write_json(path: Path, record: BaseModel) -> None:
    """Writes one record as indented JSON to `path`, whole."""
    write_text(path, record.model_dump_json(indent=1) + "\n")


def read_json(path: Path, kind: type[RecordT]) -> RecordT:
    """The record that `path` holds.

    Raises:
        MtlserError: the file is absent or holds something else.
    """
    if not path.is_file():
        raise MtlserError(f"{path}: no such file; expected a {kind.__name__} as JSON")
    try:
        return kind.model_validate_json(read_text(path))
    except ValidationError as error:
        problem = error.errors()[0]
        raise MtlserError(
            f"{path}: not a {kind.__name__}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        ) from None
