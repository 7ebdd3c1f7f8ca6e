"""How fast predictions are read and scored, and in how much memory.

    python -m benchmarks.scoring [PREDICTIONS]

A synthetic set like the full comparison's: nine systems, six conditions, ten folds of two speakers,
each utterance transcribed by one system. Last line and `build/bench/scoring.json`: `predictions`,
`seconds_written` and `seconds_read` (lines sorted and copied while read), `seconds_scored` (all
metrics and statistics), `peak_mb` (of the process, once read and scored), `wer_pairs_per_s` (WER
and CER of ten-word pairs).
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import plans
from mtlser.evaluation import gathering, metrics, scores
from mtlser.recipe import Recipe, load
from mtlser.records import CLEAN, FOUR, Fold, FoldPlan, Prediction, write_jsonl

SYSTEMS = ("mtlser", "svm", "strl-ser", "amsnet", "cai", "tim-net", "zou", "li", "mmer")
SNRS = (0, 5, 10, 15, 20)
FOLDS = 10
WORDS = ("well", "i", "do", "not", "know", "what", "you", "want", "from", "me", "today")


def utterance(fold: int, index: int) -> str:
    """The id of one utterance."""
    return f"Ses{fold:02}_impro{index % 20:02}_{'FM'[index % 2]}{index:05}"


def made_plan(per_fold: int) -> FoldPlan:
    """Ten folds of two speakers each; each validates on the next one."""
    tests = [tuple(utterance(fold, index) for index in range(per_fold)) for fold in range(FOLDS)]
    return plans.ring(tests, [f"Ses{fold:02}" for fold in range(FOLDS)], "session", check=50)


def ten_words(rng: random.Random) -> str:
    """A synthetic sentence."""
    return " ".join(rng.choices(WORDS, k=10))


def misheard(text: str, rng: random.Random) -> str:
    """The sentence with every tenth word replaced and some lost."""
    heard = (rng.choice(WORDS) if rng.random() < 0.1 else word for word in text.split())
    return " ".join(word for word in heard if rng.random() < 0.95)


def cell(system: str, fold: Fold, rng: random.Random) -> Iterator[Prediction]:
    """Yields one system's test predictions of a fold, clean and noisy."""
    for condition in (CLEAN, *(f"babble@{snr}dB" for snr in SNRS)):
        for index, name in enumerate(fold.test):
            own = random.Random(name)
            truth, text = own.choice(FOUR), ten_words(own)
            guess = truth if rng.random() < 0.7 else rng.choice(FOUR)
            sure = rng.uniform(0.4, 0.97)
            yield Prediction(
                utterance_id=name,
                system=system,
                fold=fold.index,
                seed=0,
                split="test",
                condition=condition,
                style=("improvised", "scripted")[index % 3 == 0],
                emotion_true=truth,
                emotion_probabilities={
                    e: sure if e == guess else (1 - sure) / (len(FOUR) - 1) for e in FOUR
                },
                text_true=text,
                text_predicted=misheard(text, rng) if system == "mtlser" else None,
                speaker_true=f"Ses{fold.index:02}_{'FM'[index % 2]}",
                speaker_predicted=None,
                recipe_hash="made-up",
            )


def made_recipe() -> Recipe:
    """A recipe that asks for the conditions of `cell`."""
    return load('name = "benchmark"\n[data]\ncorpus = "iemocap"\nroot = "nowhere"\n')


def pairs_per_second(count: int = 50_000) -> float:
    """Ten-word pairs a second that WER and CER are counted of."""
    rng = random.Random(0)
    references = [ten_words(rng) for _ in range(count)]
    hypotheses = [misheard(text, rng) for text in references]
    start = time.perf_counter()
    metrics.word_error_rate(references, hypotheses)
    metrics.character_error_rate(references, hypotheses)
    return count / (time.perf_counter() - start)


def peak_mb() -> float:
    """The most memory that this process has held, in 10^6 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main(predictions: int) -> dict[str, float]:
    """The figures for about so many predictions."""
    plan = made_plan(per_fold=-(-predictions // (len(SYSTEMS) * (1 + len(SNRS)) * FOLDS)))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        files = []
        for system in SYSTEMS:
            for fold in plan.folds:
                files.append(Path(folder) / f"{system}-{fold.index}.jsonl")
                rng = random.Random(f"{system} {fold.index}")
                write_jsonl(files[-1], cell(system, fold, rng))
        written = time.perf_counter()
        columns = gathering.merge(files, Path(folder) / "predictions.jsonl")
        read = time.perf_counter()
        scores.measure(columns, plan, made_recipe())
        scored = time.perf_counter()
    return {
        "predictions": sum(len(block) for block in columns.blocks.values()),
        "seconds_written": round(written - start, 2),
        "seconds_read": round(read - written, 2),
        "seconds_scored": round(scored - read, 2),
        "peak_mb": round(peak_mb(), 1),
        "wer_pairs_per_s": round(pairs_per_second()),
    }


if __name__ == "__main__":
    figures = main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    from benchmarks.common import report  # its torch is no part of what was measured

    report("scoring", figures)
