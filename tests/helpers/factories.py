"""Made-up plans and predictions with known quality, for tests and for looking at the page."""

from collections.abc import Sequence

import numpy as np

from mtlser.recipe import Recipe, load
from mtlser.records import CLEAN, FOUR, Fold, FoldPlan, Prediction, Protocol, Split

SHARES = (0.31, 0.29, 0.2, 0.2)
WORDS = ("well", "i", "do", "not", "know", "what", "you", "want", "from", "me", "today")


def make_recipe(*overrides: str) -> Recipe:
    """A complete recipe, with babble at three levels."""
    return load(
        'name = "made-up"\n[data]\ncorpus = "iemocap"\nroot = "nowhere"\n'
        "[noise]\nsnr_db = [0, 10, 20]\n[search]\nalphas = [0.1, 0.3]\nbetas = [0.2, 0.8]\n",
        overrides,
    )


def make_plan(
    folds: int = 5, per_fold: int = 40, protocol: Protocol = "session", check: int = 10
) -> FoldPlan:
    """Folds with test `k-0000...`; fold k validates on the next fold's test."""
    groups = [tuple(f"Ses{k + 1:02}-{i:04}" for i in range(per_fold)) for k in range(folds + 2)]
    built = []
    for k in range(folds):
        validation = (k + 1) % folds if folds > 1 else folds
        rest = tuple(u for j, g in enumerate(groups) if j not in (k, validation) for u in g)
        built.append(
            Fold(
                index=k,
                name=f"Ses{k + 1:02}",
                train=rest[check:],
                validation=groups[validation],
                test=groups[k],
                speaker_check=rest[:check],
            )
        )
    return FoldPlan(
        protocol=protocol, seed=0, manifest_digest="0123456789abcdef", folds=tuple(built)
    )


def make_prediction(
    utterance_id: str,
    truth: str = "neutral",
    predicted: str | None = None,
    *,
    system: str = "mtlser",
    fold: int = 0,
    split: Split = "test",
    condition: str = CLEAN,
    confidence: float = 0.7,
    text: tuple[str | None, str | None] = ("yes", "yes"),
    speaker: tuple[str, str | None] | None = None,
    style: str | None = "improvised",
    seed: int = 0,
    recipe_hash: str = "made-up",
) -> Prediction:
    """One prediction; `predicted` has the given confidence, the rest is shared.

    Without `speaker` the woman of the utterance's session speaks, and is named right.
    """
    woman = f"{utterance_id[:5]}_F"
    spoken, named = speaker or (woman, woman)
    rest = (1 - confidence) / (len(FOUR) - 1)
    chosen = truth if predicted is None else predicted
    return Prediction(
        utterance_id=utterance_id,
        system=system,
        fold=fold,
        seed=seed,
        split=split,
        condition=condition,
        style=style,
        emotion_true=truth,
        emotion_probabilities={e: confidence if e == chosen else rest for e in FOUR},
        text_true=text[0],
        text_predicted=text[1],
        speaker_true=spoken,
        speaker_predicted=named,
        recipe_hash=recipe_hash,
    )


def make_predictions(
    plan: FoldPlan,
    system: str = "mtlser",
    quality: float = 0.7,
    snr_db: Sequence[float] = (),
    seed: int = 0,
) -> list[Prediction]:
    """A whole system: test (clean and noisy), validation and speaker check of every fold.

    Args:
        plan: whose utterances are predicted.
        system: `svm` neither transcribes nor names speakers.
        quality: about the share of right emotions on clean speech.
        snr_db: noisy conditions to add; each lower level costs accuracy and words.
        seed: of the mistakes; the truth depends on the utterance alone.
    """
    built: list[Prediction] = []
    for fold in plan.folds:
        rng = np.random.default_rng([seed, fold.index])
        level = quality + rng.normal(0, 0.03)
        parts: list[tuple[Split, str, float]] = [
            ("validation", CLEAN, level + 0.03),
            ("test", CLEAN, level),
            ("speaker_check", CLEAN, level + 0.1),
        ]
        parts += [("test", f"babble@{s:g}dB", level - 0.25 * 0.93**s) for s in snr_db]
        for split, condition, right in parts:
            built += [
                _one(rng, utterance, system, fold.index, split, condition, right)
                for utterance in getattr(fold, split)
            ]
    return built


def _one(
    rng: np.random.Generator,
    utterance: str,
    system: str,
    fold: int,
    split: Split,
    condition: str,
    right: float,
) -> Prediction:
    own = np.random.default_rng(list(utterance.encode()))
    truth = str(own.choice(FOUR, p=SHARES))
    others = [name for name in FOUR if name != truth]
    wrong = str(rng.choice(others, p=(0.6, 0.25, 0.15)))
    text = None if own.uniform() < 0.05 else " ".join(own.choice(WORDS, size=own.integers(2, 9)))
    speaker = f"{utterance[:5]}_{'F' if own.uniform() < 0.5 else 'M'}"
    heard, named = None, None
    if system != "svm":
        heard = " ".join(w for w in (text or "noise").split() if rng.uniform() < right + 0.1)
        named = speaker if rng.uniform() < 0.9 else "Ses01_F"
    return make_prediction(
        utterance,
        truth,
        truth if rng.uniform() < right else wrong,
        system=system,
        fold=fold,
        split=split,
        condition=condition,
        confidence=float(rng.uniform(0.4, 0.95)),
        text=(text, heard),
        speaker=(speaker, named),
        style="improvised" if own.uniform() < 0.53 else "scripted",
    )
