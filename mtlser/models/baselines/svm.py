"""The paper's SVM baseline (Kurpukdee et al. 2017, in its table 4): a reconstruction.

Statistics of log-mel energies per utterance, z-normalised on train, and a support vector machine
whose kernel, C and gamma are chosen by inner folds that never split a speaker. Its code was never
published: what is here follows the abstract, and tables are to label it "reconstruction".
"""

import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlser.data.rng import generator
from mtlser.errors import MtlserError
from mtlser.files import atomic_file
from mtlser.records import FOUR, Record, read_json, write_json
from mtlser.storage import custody

INNER_FOLDS = 5
SEARCH_UTTERANCES = 1500
"""The inner search sees at most so many utterances, drawn by the seed; the final fit sees all."""
TRUSTED: list[str] = []
"""Types to load beside those that skops trusts by itself: none are needed."""
_LOG = logging.getLogger(__name__)


class SvmChoice(Record):
    """What the inner folds chose (`svm.json`)."""

    kernel: str
    c: float
    gamma: float
    """Times the number of features: 1 is scikit-learn's `auto`."""
    inner_ua: float | None
    """Mean recall over the inner folds, 0-1; `None` where there was nothing to choose on."""
    temperature: float
    """Divides the decision values before the softmax; fitted on the inner folds' held-out parts."""
    emotions: tuple[str, ...] = FOUR
    """Classes in the order of the probabilities."""


@dataclass(frozen=True)
class SvmModel:
    """A fitted machine: z-norm and SVC as a scikit-learn pipeline, and how it was chosen."""

    pipeline: Any
    choice: SvmChoice


_DEFAULT = SvmChoice(kernel="poly", c=10.0, gamma=1.0, inner_ua=None, temperature=1.0)


def fit(
    features_nd: NDArray[np.float64],
    labels: Sequence[str],
    groups: Sequence[str],
    seed: int,
    emotions: tuple[str, ...] = FOUR,
) -> SvmModel:
    """The machine with the best mean recall over inner folds grouped by speaker, fitted on all.

    Decision values of the inner folds' held-out parts also fit one temperature, so probabilities
    are the softmax of decision values and the most probable class is the machine's own decision.
    Where no inner fold can hold every class (one speaker alone, say), the default (polynomial
    degree 3, C 10, gamma 1/d) is taken and a warning is logged.

    Args:
        features_nd: one row per utterance, from `mel_statistics.features`.
        labels: emotion of each row.
        groups: speaker of each row.
        seed: seed of the inner folds, and of the draw where train is large.
        emotions: classes in the order of the probabilities.

    Raises:
        MtlserError: lengths differ, or there are fewer than two classes.
    """
    truth_n, speaker_n = np.asarray(labels), np.asarray(groups)
    if not len(features_nd) == len(truth_n) == len(speaker_n):
        raise MtlserError(
            f"{len(features_nd)} rows of features, {len(truth_n)} labels, {len(speaker_n)} groups: "
            "expected one of each per utterance"
        )
    if len(set(labels)) < 2:
        raise MtlserError(
            f"labels {sorted(set(labels))}: an SVM needs two classes or more; check the fold with "
            "`mtlser audit`"
        )
    rng = generator(seed, "svm")
    drawn_n = np.sort(rng.permutation(len(truth_n))[:SEARCH_UTTERANCES])
    choice = _choose(features_nd[drawn_n], truth_n[drawn_n], speaker_n[drawn_n], seed)
    choice = choice.model_copy(update={"emotions": emotions})
    return SvmModel(_pipeline(choice, features_nd.shape[1]).fit(features_nd, truth_n), choice)


def predict_probabilities(model: SvmModel, features_nd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Class probabilities (n, classes) in the model's order; 0 for a class that train had not.

    Raises:
        MtlserError: the rows are not those of `mel_statistics.features`.
    """
    from scipy.special import softmax

    width = model.pipeline.n_features_in_
    if features_nd.ndim != 2 or features_nd.shape[1] != width:
        raise MtlserError(
            f"features of shape {features_nd.shape}: this SVM was trained on (n, {width}); "
            "train it again with `mtlser train`"
        )
    emotions = model.choice.emotions
    probabilities_nk = np.zeros((len(features_nd), len(emotions)))
    if not len(features_nd):  # scikit-learn refuses what has no rows
        return probabilities_nk
    scores_nc = _decisions(model.pipeline, features_nd) / model.choice.temperature
    places = [emotions.index(name) for name in model.pipeline.classes_]
    probabilities_nk[:, places] = softmax(scores_nc, axis=1)
    return probabilities_nk


def save(model: SvmModel, folder: Path) -> None:
    """Writes `svm.skops` (no pickle) and `svm.json` to `folder`, each whole."""
    from skops import io

    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / "svm.skops") as temporary:
        io.dump(model.pipeline, temporary)
    write_json(folder / "svm.json", model.choice)


def load(folder: Path) -> SvmModel:
    """The machine that `save` wrote; a file that holds any type but scikit-learn's is refused.

    Raises:
        MtlserError: a file is absent, broken, another one than the custody record says, or holds
            a type that is not trusted.
    """
    from skops import io

    custody.verified(folder)
    choice = read_json(folder / "svm.json", SvmChoice)
    path = folder / "svm.skops"
    if not zipfile.is_zipfile(path):
        raise MtlserError(f"{path}: no such skops file; train it again with `mtlser train`")
    foreign = sorted(set(io.get_untrusted_types(file=path)) - set(TRUSTED))
    if foreign:
        raise MtlserError(
            f"{path}: holds {', '.join(foreign)}; allowed are numpy's and scikit-learn's types; "
            "train it again with `mtlser train`"
        )
    return SvmModel(io.load(path, trusted=TRUSTED), choice)


def _grid() -> list[SvmChoice]:
    gammas = (0.3, 1.0, 3.0)
    settings = [("poly", c, g) for c in (1.0, 10.0, 100.0) for g in gammas]
    settings += [("rbf", c, g) for c in (1.0, 10.0, 100.0) for g in gammas]
    settings += [("linear", c, 1.0) for c in (0.001, 0.01, 0.1)]
    return [_DEFAULT.model_copy(update={"kernel": k, "c": c, "gamma": g}) for k, c, g in settings]


def _pipeline(choice: SvmChoice, width: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    gamma = choice.gamma / width
    machine = SVC(kernel=choice.kernel, degree=3, C=choice.c, gamma=gamma, break_ties=True)
    return make_pipeline(StandardScaler(), machine)


def _choose(
    features_nd: NDArray[np.float64], truth_n: NDArray[Any], speaker_n: NDArray[Any], seed: int
) -> SvmChoice:
    """The best of the grid over the inner folds; the first on a tie."""
    splits = inner_folds(truth_n, speaker_n, seed)
    if not splits:
        _LOG.warning("no inner fold of the SVM holds every class; its default is taken")
        return _DEFAULT
    best, best_scores = _DEFAULT, [np.zeros((0, 0))]
    for setting in _grid():
        scores = [
            _decisions(
                _pipeline(setting, features_nd.shape[1]).fit(features_nd[train], truth_n[train]),
                features_nd[held],
            )
            for train, held in splits
        ]
        ua = _inner_ua(scores, truth_n, splits)
        if best.inner_ua is None or ua > best.inner_ua:
            best, best_scores = setting.model_copy(update={"inner_ua": ua}), scores
    held_n = np.concatenate([held for _, held in splits])
    temperature = fit_temperature(np.concatenate(best_scores), _places(truth_n)[held_n])
    return best.model_copy(update={"temperature": temperature})


def inner_folds(
    truth_n: NDArray[Any], speaker_n: NDArray[Any], seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Row indices (train, held out) of up to five folds; no speaker is on both sides.

    Folds whose train part lacks a class are left out.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = int(np.unique(truth_n, return_counts=True)[1].min())
    count = min(INNER_FOLDS, len(set(speaker_n)), fewest)
    if count < 2:
        return []
    cutter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    cuts = cutter.split(truth_n, truth_n, speaker_n)
    return [(t, held) for t, held in cuts if held.size and set(truth_n[t]) == set(truth_n)]


def fit_temperature(scores_nc: NDArray[np.float64], true_n: NDArray[np.intp]) -> float:
    """The temperature of least log loss of softmax(scores / T), 0.05-20 (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    def loss(log_t: float) -> float:
        log_nc = log_softmax(scores_nc / np.exp(log_t), axis=1)
        return -float(log_nc[np.arange(len(true_n)), true_n].mean())

    optimum = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(optimum.x))


def _inner_ua(
    scores: Sequence[NDArray[np.float64]], truth_n: NDArray[Any], splits: Sequence[Any]
) -> float:
    """Mean recall over the classes, all held-out rows together."""
    true_n = _places(truth_n)[np.concatenate([held for _, held in splits])]
    right_n = np.concatenate(scores).argmax(axis=1) == true_n
    return float(np.mean([right_n[true_n == place].mean() for place in np.unique(true_n)]))


def _places(truth_n: NDArray[Any]) -> NDArray[np.intp]:
    """Each label's place among the sorted classes."""
    return np.unique(truth_n, return_inverse=True)[1]


def _decisions(pipeline: Any, features_nd: NDArray[np.float64]) -> NDArray[np.float64]:
    """One-versus-rest decision values (n, classes), also for two classes."""
    scores = np.asarray(pipeline.decision_function(features_nd), dtype=np.float64)
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)
