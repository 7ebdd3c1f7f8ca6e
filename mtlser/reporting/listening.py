"""Misclassified test clips as audio inside the page, for `mtlser report --listen N`."""

import base64
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np

from mtlser.data import clips as stored
from mtlser.errors import MtlserError
from mtlser.evaluation.columns import Block, Columns
from mtlser.records import CLEAN, SAMPLE_RATE_HZ, FoldPlan, Rate, Record, Utterance

MOST_CLIPS = 50
LONGEST_S = 4.0
MOST_BYTES = 10_000_000
"""Upper bound of what all clips add to a page: 50 clips of 4 s, stored losslessly as 16 bits, as
base64 text, with room for the container."""


class Clip(Record):
    """One misclassified utterance with its audio."""

    utterance: str
    speaker: str
    fold: str
    truth: str
    predicted: str
    confidence: Rate
    """Probability of the predicted class."""
    duration_s: float
    """Of the whole recording."""
    played_s: float
    """Of the audio in the page: the beginning, at most `LONGEST_S`."""
    audio: str
    """FLAC as a `data:` URI."""


def check(count: int, corpus: Path | None, manifest: bool) -> None:
    """Refuses a number of clips that is out of range, or clips without a corpus.

    Raises:
        MtlserError: either is the case.
    """
    if not 0 <= count <= MOST_CLIPS:
        raise MtlserError(
            f"--listen {count}: expected 0 to {MOST_CLIPS} clips; the page would grow too large "
            "with more"
        )
    if count and not (corpus and manifest):
        raise MtlserError(
            f"--listen {count}: the audio lies in the corpus folder; name it with `--manifest`, as "
            "`mtlser ingest` wrote it"
        )


def clips(
    columns: Columns,
    system: str,
    plan: FoldPlan,
    corpus: Path,
    manifest: Mapping[str, Utterance],
    count: int,
) -> tuple[Clip, ...]:
    """The system's most confident mistakes on clean test, taken from each true class in turn.

    Of a system with several seeds they are those of the first one.

    Args:
        columns: all predictions.
        system: whose mistakes.
        plan: the folds, for their names.
        corpus: folder that the manifest's audio paths start from.
        manifest: utterances by id.
        count: how many clips at most; fewer where there are fewer mistakes.

    Raises:
        MtlserError: an utterance is not in the manifest, or its audio cannot be read.
    """
    block = columns.blocks[system, "test", CLEAN]
    block = block.where(block.seed == columns.seeds_of(system)[0])
    folds = {fold.index: fold.name for fold in plan.folds}
    return tuple(
        _clip(columns, block, index, folds, corpus, manifest)
        for _, index in zip(range(count), mistakes(columns, block), strict=False)
    )


def mistakes(columns: Columns, block: Block) -> Iterator[int]:
    """Yields places of wrong predictions in the block: from each true class in turn, by confidence.

    The most confident comes first; of two as confident, the first by utterance id.
    """
    by_class: dict[int, list[int]] = defaultdict(list)
    wrong = np.flatnonzero(~columns.right(block))
    for index in sorted(wrong.tolist(), key=lambda i: (-block.confidence[i], block.utterance[i])):
        by_class[int(columns.truth.emotion[block.utterance[index]])].append(index)
    turns = zip_longest(*(by_class[name] for name in sorted(by_class)))
    yield from (index for index in chain.from_iterable(turns) if index is not None)


def _clip(
    columns: Columns,
    block: Block,
    index: int,
    folds: Mapping[int, str],
    corpus: Path,
    manifest: Mapping[str, Utterance],
) -> Clip:
    truth, place = columns.truth, int(block.utterance[index])
    name = truth.names[place]
    if name not in manifest:
        raise MtlserError(
            f"{name}: predicted, but not in the manifest of {corpus}; give the corpus folder that "
            "was predicted with `--manifest`, or leave out `--listen`"
        )
    audio, played_s, duration_s = flac_uri(corpus, manifest[name])
    return Clip(
        utterance=name,
        speaker=(*columns.speakers, "not known")[truth.speaker[place]],
        fold=folds[int(block.fold[index])],
        truth=columns.classes[truth.emotion[place]],
        predicted=columns.classes[block.emotion[index]],
        confidence=float(block.confidence[index]),
        duration_s=round(duration_s, 2),
        played_s=round(played_s, 2),
        audio=audio,
    )


def flac_uri(corpus: Path, utterance: Utterance) -> tuple[str, float, float]:
    """The beginning of a clip as mono FLAC in a `data:` URI, its seconds, and all seconds.

    Raises:
        MtlserError: there is no audio.
    """
    import soundfile

    try:
        wav_n = stored.load(corpus, utterance)
    except MtlserError as error:
        raise MtlserError(
            f"{corpus / utterance.audio}: no audio that can be read ({error}); run `mtlser ingest` "
            "again, or leave out `--listen`"
        ) from None
    played_n = wav_n[: int(LONGEST_S * SAMPLE_RATE_HZ)]
    target = io.BytesIO()
    soundfile.write(target, played_n, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    uri = "data:audio/flac;base64," + base64.b64encode(target.getvalue()).decode("ascii")
    return uri, len(played_n) / SAMPLE_RATE_HZ, len(wav_n) / SAMPLE_RATE_HZ
