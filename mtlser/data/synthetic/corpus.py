"""Synthetic speech corpora in IEMOCAP's layout: the demo's release and the pre-training corpus.

Each session has two actors of its own, who both speak in every dialogue; the dialogue's prefix
(`Ses01F`) says who wore the markers and is therefore not the speaker. What is said is drawn
without regard to the emotion; the emotion moves pitch, range, rate and loudness.
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
from mtlser.data.synthetic.voices import DEMO_VOICES, PRETRAINING_VOICES, Pair
from mtlser.errors import MtlserError

PRETRAINING_TURNS = 20
"""Turns of a pre-training dialogue."""

ACCENTED = "The café was open until nine."
"""First sentence of the demo's release: its transcription file is no valid UTF-8."""


class _Spoken(NamedTuple):
    """A dialogue with the sentence and the prosody of each turn."""

    dialogue: Dialogue
    sentences: list[str]
    prosodies: list[Prosody]


def write_release(folder: Path, seed: int, size: Size = DEMO_SIZE) -> None:
    """Writes the demo's release below `folder`: five sessions, ten actors; byte-identical.

    Args:
        folder: an empty or absent folder.
        seed: 0 or more; labels, sentences, prosody and dirt follow from it.
        size: how much is written.

    Raises:
        MtlserError: a bad seed, a folder that holds something or cannot be written.
    """
    _check(folder, seed)
    with _reported(folder):
        spoken = _demo(seed, size)
        _write(folder, spoken, DEMO_VOICES, seed)
        for one in (spoken[0], spoken[-1]):
            write_stray(folder, one.dialogue)


def write_pretraining(folder: Path, seed: int, utterances: int) -> None:
    """Writes the pre-training corpus below `folder`: nine sessions, 18 actors; byte-identical.

    Its voices and its sentences are not the demo's; every sentence is another. Prosody is drawn
    evenly, and the label slot says which quadrant of pitch and rate was drawn.

    Args:
        folder: an empty or absent folder.
        seed: 0 or more.
        utterances: how many, at least 2 for each session.

    Raises:
        MtlserError: a bad seed or number, a folder that holds something or cannot be written.
    """
    _check(folder, seed)
    if utterances < 2 * len(PRETRAINING_VOICES):
        raise MtlserError(
            f"{utterances} utterances: the pre-training corpus needs at least "
            f"{2 * len(PRETRAINING_VOICES)}, one for each of its voices"
        )
    with _reported(folder):
        _write(folder, _pretraining(seed, utterances), PRETRAINING_VOICES, seed)


def _demo(seed: int, size: Size) -> list[_Spoken]:
    """The demo's dialogues, in the order in which they are spoken."""
    names = list(size.dialogues(len(DEMO_VOICES)))
    labels = deal_labels(len(names), size.turns, generator(seed, "synthetic labels"))
    bases = {
        (session, letter): prosody.actor_base(generator(seed, "actor", f"{session}{letter}"))
        for session in range(1, len(DEMO_VOICES) + 1)
        for letter in "FM"
    }
    without_text = gaps(len(names), size.turns, generator(seed, "synthetic gaps"))
    spoken = []
    for number, (session, name) in enumerate(names):
        rng = generator(seed, "synthetic dialogue", name)
        # A script is the same in all sessions; what is improvised is not.
        part = name.partition("_")[2] if "script" in name else name
        letters, sentences = script(SENTENCES, size.turns, generator(seed, "script", part))
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
        spoken.append(_Spoken(dialogue, sentences, prosodies))
    return spoken


def _pretraining(seed: int, utterances: int) -> list[_Spoken]:
    """The pre-training dialogues, in the order in which they are spoken."""
    seen: set[str] = set()
    spoken = []
    shares = np.diff(np.linspace(0, utterances, len(PRETRAINING_VOICES) + 1).round().astype(int))
    for session, share in enumerate(shares, start=1):
        count = -(-int(share) // PRETRAINING_TURNS)
        for number, turns in enumerate(np.array_split(np.arange(share), count)):
            name = f"Ses{session:02d}{'FM'[number % 2]}_impro{number + 1:02d}"
            rng = generator(seed, "pretraining", name)
            sentences = list(islice(_new_sentences(rng, seen), len(turns)))
            letters = speakers(len(turns), rng)
            prosodies = [prosody.any_prosody(rng) for _ in turns]
            labels = [prosody.quadrant(one) for one in prosodies]
            dialogue = _dialogue(session, name, letters, labels, sentences, crlf=False)
            spoken.append(_Spoken(dialogue, sentences, prosodies))
    return spoken


def _new_sentences(rng: np.random.Generator, seen: set[str]) -> Iterator[str]:
    """Sentences that were not seen before; keeps book in `seen`."""
    while True:
        sentence = pretraining_sentence(rng)
        if sentence not in seen:
            seen.add(sentence)
            yield sentence


def _dialogue(
    session: int,
    name: str,
    letters: Sequence[str],
    labels: Sequence[str],
    transcripts: Sequence[str | None],
    crlf: bool,
) -> Dialogue:
    """The dialogue with its turns named: the letter of the speaker, then a count of its own."""
    counts = {letter: iter(range(1000)) for letter in "FM"}
    turns = tuple(
        Turn(f"{name}_{letter}{next(counts[letter]):03d}", label, transcript)
        for letter, label, transcript in zip(letters, labels, transcripts, strict=True)
    )
    return Dialogue(name, session, turns, crlf)


def _write(folder: Path, spoken: Sequence[_Spoken], voices: Sequence[Pair], seed: int) -> None:
    """Speaks all turns, then writes the text files, whose times follow from the durations."""
    clips = [clip for one in spoken for clip in _clips(folder, one, voices, seed)]
    for parent in dict.fromkeys(Path(clip.path).parent for clip in clips):
        parent.mkdir(parents=True)
    durations_s = iter(render(clips))
    for dialogue, _, _ in spoken:
        rng = generator(seed, "synthetic texts", dialogue.id)
        write_texts(folder, dialogue, list(islice(durations_s, len(dialogue.turns))), rng)


def _clips(folder: Path, one: _Spoken, voices: Sequence[Pair], seed: int) -> Iterator[Clip]:
    """What eSpeak NG is asked for each turn."""
    pair = voices[one.dialogue.session - 1]
    for turn, sentence, setting in zip(
        one.dialogue.turns, one.sentences, one.prosodies, strict=True
    ):
        yield Clip(
            path=str(folder / one.dialogue.wav(turn)),
            text=sentence,
            voice=pair.female if turn.letter == "F" else pair.male,
            seed=int(generator(seed, "clip", turn.id).integers(2**31)),
            **setting.rounded(),
        )


def _check(folder: Path, seed: int) -> None:
    """Refuses what would mix two releases, or could not be repeated."""
    if seed < 0:
        raise MtlserError(f"seed {seed}: expected 0 or more, for example `--seed 0`")
    if folder.is_dir() and any(folder.iterdir()):
        raise MtlserError(f"{folder}: holds files already; give an absent or empty folder")


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """Turns a failure to write below `folder` into the user's error."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise MtlserError(
            f"{folder}: cannot be written ({error.strerror}); give a folder that can, "
            "for example `--out build/synthetic`"
        ) from None
