"""Sentences without an emotional cue: a list for the demo, a grammar for pre-training."""

import re
from functools import cache
from pathlib import Path

import numpy as np

_HERE = Path(__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")


def _lines(name: str) -> list[str]:
    """The lines of one of this folder's text files, without comments."""
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


SENTENCES: tuple[str, ...] = tuple(_lines("demo_sentences.txt"))
"""Sentences of the demo's corpus; pre-training never uses them."""


def plain(text: str) -> str:
    """Lower-case words of a sentence, for comparing sentences.

    >>> plain("Please, open the DOOR!")
    'please open the door'
    """
    return " ".join(re.findall(r"[a-z']+", text.lower()))


@cache
def pretraining_words() -> dict[str, tuple[str, ...]]:
    """The words of the pre-training grammar by category."""
    categories = (line.split(":", 1) for line in _lines("pretraining_words.txt"))
    return {name: tuple(words.split()) for name, words in categories}


@cache
def _templates() -> tuple[str, ...]:
    return tuple(_lines("pretraining_templates.txt"))


@cache
def _reserved() -> frozenset[str]:
    return frozenset(plain(sentence) for sentence in SENTENCES)


def pretraining_sentence(rng: np.random.Generator) -> str:
    """One sentence of the pre-training grammar, never one of `SENTENCES`.

    It need not make sense: it is there for its spelling.
    """
    words, templates = pretraining_words(), _templates()
    while True:
        template = templates[rng.integers(len(templates))]
        filled = _SLOT.sub(lambda slot: _pick(words[slot[1]], rng), template)
        sentence = filled[0].upper() + filled[1:]
        if plain(sentence) not in _reserved():
            return sentence


def _pick(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return words[rng.integers(len(words))]
