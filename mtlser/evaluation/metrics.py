"""Metrics as pure functions: sequences in, a number or an array out; rates are 0-1.

"WA" and "UA" are the names of the speech emotion literature: WA weights every class by its size,
which makes it plain accuracy; UA weights every class alike, which makes it the mean recall. Some
papers swap the two, hence the long names here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from mtlser.errors import MtlserError
from mtlser.evaluation import counts as of_counts

BINS = 15
"""Bins of equal width of the expected calibration error."""


def weighted_accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Share of utterances whose class is right, 0-1: `correct / all` (WA; Schuller et al. 2009).

    >>> weighted_accuracy(["sad", "sad", "sad", "angry"], ["sad", "sad", "angry", "angry"])
    0.75

    Raises:
        MtlserError: the sequences differ in length or are empty.
    """
    return float(of_counts.weighted_accuracy(_counted(truth, predicted)))


def unweighted_accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean of the per-class recalls, 0-1 (UA; Schuller et al. 2009).

    Classes are those PRESENT in `truth`: a class without an utterance has no recall and does not
    count, neither as 0 nor as 1.

    >>> unweighted_accuracy(["sad", "sad", "angry"], ["sad", "angry", "angry"])
    0.75

    Raises:
        MtlserError: the sequences differ in length or are empty.
    """
    return float(of_counts.unweighted_accuracy(_counted(truth, predicted)))


def per_class_recall(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Recall of each class present in `truth`, 0-1: `correct of the class / all of the class`.

    >>> per_class_recall(["sad", "sad", "angry"], ["sad", "angry", "angry"])
    {'angry': 1.0, 'sad': 0.5}

    Raises:
        MtlserError: the sequences differ in length or are empty.
    """
    classes = sorted({*truth, *predicted})
    recalls = of_counts.recalls(confusion(truth, predicted, classes)).tolist()
    present = set(truth)
    return {name: rate for name, rate in zip(classes, recalls, strict=True) if name in present}


def macro_f1(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean of the per-class F1 scores, 0-1: `F1 = 2 TP / (2 TP + FP + FN)`.

    Classes are those PRESENT in `truth`, as for UA: a class that is only predicted has no F1 of
    its own, and its false alarms lower the recall, and so the F1, of the true classes.

    >>> round(macro_f1(["sad", "sad", "sad", "angry"], ["sad", "sad", "angry", "angry"]), 4)
    0.7333

    Raises:
        MtlserError: the sequences differ in length or are empty.
    """
    return float(of_counts.macro_f1(_counted(truth, predicted)))


def weighted_f1(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean of the per-class F1 scores weighted by the class sizes in `truth`, 0-1.

    >>> round(weighted_f1(["sad", "sad", "sad", "angry"], ["sad", "sad", "angry", "angry"]), 4)
    0.7667

    Raises:
        MtlserError: the sequences differ in length or are empty.
    """
    return float(of_counts.weighted_f1(_counted(truth, predicted)))


def confusion(
    truth: Sequence[str], predicted: Sequence[str], classes: Sequence[str]
) -> NDArray[np.int64]:
    """Counts of utterances, (true class, predicted class), both axes in the order of `classes`.

    >>> confusion(["sad", "sad", "angry"], ["sad", "angry", "angry"], ["angry", "sad"]).tolist()
    [[1, 0], [1, 1]]

    Raises:
        MtlserError: the sequences differ in length, are empty, or hold a class not in `classes`.
    """
    _check(truth, predicted)
    place = {name: index for index, name in enumerate(classes)}
    unknown = sorted({*truth, *predicted} - place.keys())
    if unknown:
        raise MtlserError(f"class {unknown[0]!r} is not among {', '.join(classes)}")
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    rows = [place[name] for name in truth]
    columns = [place[name] for name in predicted]
    np.add.at(counts, (rows, columns), 1)
    return counts


def word_error_rate(
    references: Sequence[str | None], hypotheses: Sequence[str | None]
) -> float | None:
    """Word edits over reference words of the whole corpus, 0 or more (WER).

    `(substitutions + deletions + insertions) / reference words`, both summed over utterances, so
    that a long utterance weighs more than a short one. Utterances without a reference are left
    out; `without_reference` counts them. `None` where there is no reference word, or where the
    system does not transcribe.

    >>> word_error_rate(["a good day", "yes", None], ["a day", "yes", "no"])
    0.25

    Raises:
        MtlserError: the sequences differ in length, or only some hypotheses are absent.
    """
    pairs = _transcribed(references, hypotheses)
    return error_rate([edits(reference, hypothesis)[0] for reference, hypothesis in pairs])


def character_error_rate(
    references: Sequence[str | None], hypotheses: Sequence[str | None]
) -> float | None:
    """Character edits over reference characters of the whole corpus, 0 or more (CER).

    As `word_error_rate`, over characters; a space between words is a character.

    >>> character_error_rate(["abcd", None], ["abxd", "no"])
    0.25

    Raises:
        MtlserError: the sequences differ in length, or only some hypotheses are absent.
    """
    pairs = _transcribed(references, hypotheses)
    return error_rate([edits(reference, hypothesis)[1] for reference, hypothesis in pairs])


def edits(reference: str, hypothesis: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Word edits and reference words, character edits and reference characters of one utterance.

    Edits are substitutions, deletions and insertions, as few as do (Levenshtein 1966). Words are
    what white space parts; characters are those between the first word and the last.

    >>> edits("a good day", "a day")
    ((1, 3), (5, 10))
    """
    words, predicted = reference.split(), hypothesis.split()
    characters = reference.strip()
    return (
        (Levenshtein.distance(words, predicted), len(words)),
        (Levenshtein.distance(characters, hypothesis.strip()), len(characters)),
    )


def word_edits(reference: str, hypothesis: str) -> int:
    """The word edits of `edits` alone.

    >>> word_edits("a good day", "a day")
    1
    """
    return int(Levenshtein.distance(reference.split(), hypothesis.split()))


def error_rate(counted: Sequence[tuple[int, int]]) -> float | None:
    """All edits over all reference units; `None` where there is no unit.

    >>> error_rate([(1, 3), (0, 1)])
    0.25
    """
    units = sum(length for _, length in counted)
    return sum(wrong for wrong, _ in counted) / units if units else None


def without_reference(references: Sequence[str | None]) -> int:
    """Number of utterances that have no transcript and so no part in WER and CER.

    >>> without_reference(["yes", None, None])
    2
    """
    return sum(reference is None for reference in references)


def speaker_accuracy(truth: Sequence[str], predicted: Sequence[str | None]) -> float | None:
    """Share of utterances whose speaker is named right, 0-1; `None` where nobody is named.

    Only utterances of TRAINING speakers can be right: a held-out speaker is no class.

    >>> speaker_accuracy(["Ses01_F", "Ses01_M"], ["Ses01_F", "Ses01_F"])
    0.5

    Raises:
        MtlserError: the sequences differ in length, or only some predictions are absent.
    """
    if len(truth) != len(predicted):
        raise MtlserError(f"{len(truth)} true but {len(predicted)} predicted speakers")
    named = [name for name in predicted if name is not None]
    if not named:
        return None
    if len(named) < len(predicted):
        raise MtlserError(
            f"{len(predicted) - len(named)} of {len(predicted)} utterances have no predicted "
            "speaker; expected all or none; predict them again"
        )
    return weighted_accuracy(truth, named)


def expected_calibration_error(
    confidences: Sequence[float] | NDArray[np.float64],
    correct: Sequence[bool] | NDArray[np.bool_],
    bins: int = BINS,
) -> float:
    """Mean gap between confidence and accuracy, 0-1 (ECE; Guo et al. 2017, arXiv 1706.04599).

    `sum over bins of share * |accuracy - mean confidence|` over `bins` bins of equal width,
    each open below and closed above. 0 is calibrated.

    >>> round(expected_calibration_error([0.9, 0.9, 0.6, 0.6], [True, True, True, False]), 3)
    0.1

    Raises:
        MtlserError: the sequences differ in length or are empty, or a confidence is outside 0-1.
    """
    if len(confidences) != len(correct) or not len(confidences):
        raise MtlserError(
            f"{len(confidences)} confidences but {len(correct)} outcomes; expected as many, over 0"
        )
    confidence = np.asarray(confidences, dtype=np.float64)
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise MtlserError("a confidence is outside 0-1; give probabilities")
    right = np.asarray(correct, dtype=np.float64)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def _check(truth: Sequence[str], predicted: Sequence[str]) -> None:
    if len(truth) != len(predicted):
        raise MtlserError(f"{len(truth)} true but {len(predicted)} predicted classes")
    if not truth:
        raise MtlserError("no utterance to score; expected one or more")


def _counted(truth: Sequence[str], predicted: Sequence[str]) -> NDArray[np.int64]:
    return confusion(truth, predicted, sorted({*truth, *predicted}))


def _transcribed(
    references: Sequence[str | None], hypotheses: Sequence[str | None]
) -> list[tuple[str, str]]:
    """Pairs with a reference; empty where no hypothesis is given at all."""
    if len(references) != len(hypotheses):
        raise MtlserError(f"{len(references)} references but {len(hypotheses)} hypotheses")
    referenced = [(r, h) for r, h in zip(references, hypotheses, strict=True) if r is not None]
    pairs = [(r, h) for r, h in referenced if h is not None]
    if pairs and len(pairs) < len(referenced):
        raise MtlserError(
            f"{len(referenced) - len(pairs)} of {len(referenced)} utterances have no hypothesis; "
            "expected all or none; predict them again"
        )
    return pairs
