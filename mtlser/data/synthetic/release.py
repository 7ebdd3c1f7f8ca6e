"""Writes the text files of an IEMOCAP-shaped release, in the real one's formats, flaws included."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]"
STRAY = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
"""First bytes of an AppleDouble file, as archives made on a Mac hold them."""

_WORDS = {
    "neu": "Neutral", "hap": "Happiness", "exc": "Excited", "ang": "Anger", "sad": "Sadness",
    "fru": "Frustration", "sur": "Surprise", "fea": "Fear", "dis": "Disgust", "oth": "Other",
    "xxx": "Neutral",
}  # fmt: skip
_AFFECT = {
    "hap": (4, 3, 3), "exc": (4, 4, 3), "ang": (2, 4, 4), "sad": (2, 2, 2), "fru": (2, 3, 3),
}  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """One utterance of a dialogue."""

    id: str
    label: str
    """IEMOCAP's three letters, e.g. `neu`, `exc`, `xxx`."""
    transcript: str | None
    """`None`: the transcription file has no line for it."""

    @property
    def letter(self) -> str:
        """`F` or `M`: which of the session's two actors speaks."""
        return self.id[-4]


@dataclass(frozen=True)
class Dialogue:
    """One dialogue: its turns in order, by both actors of its session."""

    id: str
    session: int
    turns: tuple[Turn, ...]
    crlf: bool
    """Whether its label file has Windows line ends."""

    @property
    def session_folder(self) -> str:
        """Folder of its session: `Session1`."""
        return f"Session{self.session}"

    def wav(self, turn: Turn) -> str:
        """Path of a turn's wav below the release."""
        return f"{self.session_folder}/sentences/wav/{self.id}/{turn.id}.wav"


def write_texts(
    folder: Path, dialogue: Dialogue, durations_s: Sequence[float], rng: np.random.Generator
) -> None:
    """Writes the dialogue's label file, categorical file and transcription file below `folder`."""
    times_s = _times(durations_s, rng)
    base = folder / dialogue.session_folder / "dialog"
    end = "\r\n" if dialogue.crlf else "\n"
    blocks = [
        _block(turn, start_s, end_s, rng)
        for turn, (start_s, end_s) in zip(dialogue.turns, times_s, strict=True)
    ]
    labels = end.join([HEADER, "", *(line for block in blocks for line in (*block, ""))]) + end
    _write(base / "EmoEvaluation" / f"{dialogue.id}.txt", labels)
    votes = [f"{turn.id} :{_WORDS[turn.label]}; ()\n" for turn in dialogue.turns]
    _write(base / "EmoEvaluation" / "Categorical" / f"{dialogue.id}_e2_cat.txt", "".join(votes))
    lines = [
        f"{turn.id} [{start_s:08.4f}-{end_s:08.4f}]: {turn.transcript}\n"
        for turn, (start_s, end_s) in zip(dialogue.turns, times_s, strict=True)
        if turn.transcript is not None
    ]
    _write(base / "transcriptions" / f"{dialogue.id}.txt", "".join(lines))


def write_stray(folder: Path, dialogue: Dialogue) -> None:
    """Writes the files that a Mac leaves beside a dialogue's own."""
    session = folder / dialogue.session_folder
    wavs = session / "sentences" / "wav"
    for path in (
        wavs / ".DS_Store",
        wavs / dialogue.id / ".DS_Store",
        wavs / dialogue.id / f"._{dialogue.turns[0].id}.wav",
        session / "dialog" / "EmoEvaluation" / f"._{dialogue.id}.txt",
        session / "dialog" / "transcriptions" / f"._{dialogue.id}.txt",
    ):
        path.write_bytes(STRAY)


def _times(durations_s: Sequence[float], rng: np.random.Generator) -> list[tuple[float, float]]:
    """Start and end of each turn in its dialogue."""
    now_s, times_s = 6.0, []
    for duration_s in durations_s:
        now_s += float(rng.uniform(0.2, 1.5))
        times_s.append((now_s, now_s + duration_s))
        now_s += duration_s
    return times_s


def _block(turn: Turn, start_s: float, end_s: float, rng: np.random.Generator) -> list[str]:
    """A turn's lines in the label file: its label, then each annotator's rating."""
    middle = np.array(_AFFECT.get(turn.label, (3, 3, 3)))
    rated = np.clip(middle + rng.integers(-1, 2, size=(3, 3)), 1, 5)
    valence, activation, dominance = rated[:2].mean(axis=0)
    word, own = _WORDS[turn.label], turn.letter
    return [
        f"[{start_s:.4f} - {end_s:.4f}]\t{turn.id}\t{turn.label}"
        f"\t[{valence:.4f}, {activation:.4f}, {dominance:.4f}]",
        *(f"C-{who}:\t{word};\t()" for who in ("E2", "E3", "E4", f"{own}1")),
        *(
            f"A-{who}:\tval {v}; act {a}; dom {d};\t()"
            for who, (v, a, d) in zip(("E3", "E4", f"{own}1"), rated, strict=True)
        ),
    ]


def _write(path: Path, text: str) -> None:
    """Writes `text` in Latin-1, as the real release's editors did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("latin-1"))
