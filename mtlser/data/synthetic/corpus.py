"""Synthetic speech corpora in IEMOCAP's layout: the demo's release and the pre-training corpus.

Each session has two actors of its own, who both speak in every dialogue; the dialogue's prefix
(`Ses01F`) says who wore the markers and is therefore not the speaker. Sentences are drawn
independently of the emotion; the emotion shifts pitch, range, rate and loudness.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mtlser.data.rng import generator
from mtlser.data.synthetic import prosody
from mtlser.data.synthetic.casting import DEMO_SIZE, Size, deal_labels, gaps, say, script, speakers
from mtlser.data.synthetic.prosody import Prosody
from mtlser.data.synthetic.release import Dialogue, Turn, write_stray, write_texts
from mtlser.data.synthetic.rendering import Clip, render
from mtlser.data.synthetic.sentences import SENTENCES, pretraining_sentence
from mtlser.data.synthetic.voices import DEMO_VOICES, PRETRAINING_VOICES, SessionVoices
from mtlser.errors import MtlserError

PRETRAINING_TURNS = 20
"""Turns of a pre-training dialogue."""

ACCENTED = "The café was open until nine."
"""First sentence of the demo's release, whose transcription file is Latin-1, not valid UTF-8."""


class _Part(NamedTuple):
    """A dialogue with the sentence and the prosody of each turn."""

    dialogue: Dialogue
    sentences: list[str]
    prosodies: list[Prosody]


def write_release(folder: Path, seed: int, size: Size = DEMO_SIZE) -> None:
    """Writes the demo's release below `folder`: five sessions, ten actors; byte-identical.

    Args:
        folder: an empty or absent folder.
        seed: 0 or more; labels, sentences, prosody and flaws follow from it.
        size: amount of data.

    Raises:
        MtlserError: a bad seed, a folder that is not empty or cannot be written.
    """
    _check(folder, seed)
    with _writable(folder):
        parts = _demo(seed, size)
        _write(folder, parts, DEMO_VOICES, seed)
        for part in (parts[0], parts[-1]):
            write_stray(folder, part.dialogue)


def write_pretraining(folder: Path, seed: int, utterances: int) -> None:
    """Writes the pre-training corpus below `folder`: nine sessions, 18 actors; byte-identical.

    Its voices and its sentences are not the demo's; no sentence occurs twice. Prosody is drawn
    evenly, and the label slot says which quadrant of pitch and rate was drawn.

    Args:
        folder: an empty or absent folder.
        seed: 0 or more.
        utterances: how many, at least 2 for each session.

    Raises:
        MtlserError: a bad seed or number, a folder that is not empty or cannot be written.
    """
    _check(folder, seed)
    if utterances < 2 * len(PRETRAINING_VOICES):
        raise MtlserError(
            f"{utterances} utterances: the pre-training corpus needs at least "
            f"{2 * len(PRETRAINING_VOICES)}, one for each of its voices"
        )
    with _writable(folder):
        _write(folder, _pretraining(seed, utterances), PRETRAINING_VOICES, seed)


def _demo(seed: int, size: Size) -> list[_Part]:
    """The demo's dialogues, in the order of synthesis."""
    names = list(size.dialogues(len(DEMO_VOICES)))
    labels = deal_labels(len(names), size.turns, generator(seed, "synthetic labels"))
    bases = {
        (session, letter): prosody.actor_base(generator(seed, "actor", f"{session}{letter}"))
        for session in range(1, len(DEMO_VOICES) + 1)
        for letter in "FM"
    }
    without_text = gaps(len(names), size.turns, generator(seed, "synthetic gaps"))
    parts = []
    for number, (session, name) in enumerate(names):
        rng = generator(seed, "synthetic dialogue", name)
        # All sessions play the same scripts; each improvised dialogue has sentences of its own.
        title = name.partition("_")[2] if "script" in name else name
        letters, sentences = script(SENTENCES, size.turns, generator(seed, "script", title))
        if number == 0:
            sentences[0] = ACCENTED
        transcripts = [
            None if (number, turn) in without_text else say(sentence, rng)
            for turn, sentence in enumerate(sentences)
        ]
        dialogue = _dialogue(session, name, letters, labels[number], transcripts, number % 4 == 1)
        prosodies = [
            prosody.emotional(bases[session, letter], label, rng)
            for letter, label in zip(letters, labels[number], strict=True)
        ]
        parts.append(_Part(dialogue, sentences, prosodies))
    return parts


def _pretraining(seed: int, utterances: int) -> list[_Part]:
    """The pre-training dialogues, in the order of synthesis."""
    used: set[str] = set()
    parts = []
    shares = np.diff(np.linspace(0, utterances, len(PRETRAINING_VOICES) + 1).round().astype(int))
    for session, share in enumerate(shares, start=1):
        count = -(-int(share) // PRETRAINING_TURNS)
        for number, turns in enumerate(np.array_split(np.arange(share), count)):
            name = f"Ses{session:02d}{'FM'[number % 2]}_impro{number + 1:02d}"
            rng = generator(seed, "pretraining", name)
            sentences = list(islice(_new_sentences(rng, used), len(turns)))
            letters = speakers(len(turns), rng)
            prosodies = [prosody.any_prosody(rng) for _ in turns]
            labels = [prosody.quadrant(one) for one in prosodies]
            dialogue = _dialogue(session, name, letters, labels, sentences, crlf=False)
            parts.append(_Part(dialogue, sentences, prosodies))
    return parts


def _new_sentences(rng: np.random.Generator, used: set[str]) -> Iterator[str]:
    """Yields sentences that are not in `used`, and adds them to it."""
    while True:
        sentence = pretraining_sentence(rng)
        if sentence not in used:
            used.add(sentence)
            yield sentence


def _dialogue(
    session: int,
    name: str,
    letters: Sequence[str],
    labels: Sequence[str],
    transcripts: Sequence[str | None],
    crlf: bool,
) -> Dialogue:
    """The dialogue; its turns are numbered for each speaker."""
    counts = {letter: iter(range(1000)) for letter in "FM"}
    turns = tuple(
        Turn(f"{name}_{letter}{next(counts[letter]):03d}", label, transcript)
        for letter, label, transcript in zip(letters, labels, transcripts, strict=True)
    )
    return Dialogue(name, session, turns, crlf)


def _write(
    folder: Path, parts: Sequence[_Part], voices: Sequence[SessionVoices], seed: int
) -> None:
    """Synthesises all turns, then writes the text files, whose times follow from the durations."""
    clips = [clip for part in parts for clip in _clips(folder, part, voices, seed)]
    for parent in dict.fromkeys(Path(clip.path).parent for clip in clips):
        parent.mkdir(parents=True)
    durations_s = iter(render(clips))
    for dialogue, _, _ in parts:
        rng = generator(seed, "synthetic texts", dialogue.id)
        write_texts(folder, dialogue, list(islice(durations_s, len(dialogue.turns))), rng)


def _clips(folder: Path, part: _Part, voices: Sequence[SessionVoices], seed: int) -> Iterator[Clip]:
    """Yields the text, voice and settings of each turn for eSpeak NG."""
    actors = voices[part.dialogue.session - 1]
    for turn, sentence, setting in zip(
        part.dialogue.turns, part.sentences, part.prosodies, strict=True
    ):
        yield Clip(
            path=str(folder / part.dialogue.wav(turn)),
            text=sentence,
            voice=actors.female if turn.letter == "F" else actors.male,
            seed=int(generator(seed, "clip", turn.id).integers(2**31)),
            **setting.rounded(),
        )


def _check(folder: Path, seed: int) -> None:
    """Refuses a folder with files, which would mix two releases, and a negative seed."""
    if seed < 0:
        raise MtlserError(f"seed {seed}: expected 0 or more, for example `--seed 0`")
    if folder.is_dir() and any(folder.iterdir()):
        raise MtlserError(f"{folder}: is not empty; choose an absent or empty folder")


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Makes `folder`; turns a failure to write below it into a `MtlserError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise MtlserError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder, "
            "for example `--out build/synthetic`"
        ) from None
