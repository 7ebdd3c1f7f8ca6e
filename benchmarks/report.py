"""How long a report takes, how big its page is, and how soon a browser paints it.

Ten folds, six conditions and nine systems at IEMOCAP's size: 5,531 utterances, 360,000 predictions,
with transcripts of three systems. `make bench BENCH=report` prints one line of JSON:

    seconds          from prediction files to the finished folder
    bytes            of `report.html`
    first_paint_ms   of the page in headless Chromium; null where there is none
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtlser import stages
from mtlser.evaluation.choices import Choice, Reached, SearchResult, SearchRow
from mtlser.recipe import load
from mtlser.records import CLEAN, EMOTIONS, Fold, FoldPlan, write_json

SIZES = {
    **{"Ses01_F": 528, "Ses01_M": 557, "Ses02_F": 481, "Ses02_M": 542, "Ses03_F": 522},
    **{"Ses03_M": 629, "Ses04_F": 528, "Ses04_M": 503, "Ses05_F": 590, "Ses05_M": 651},
}
"""Utterances of each IEMOCAP speaker."""
SYSTEMS = ("mtlser", "svm", "strl-ser", "amsnet", "cai", "tim-net", "zou", "li", "mmer")
TRANSCRIBE = ("mtlser", "cai", "mmer")
SNRS_DB = (0, 5, 10, 15, 20)
WORDS = ("WELL", "I", "DO", "NOT", "KNOW", "WHAT", "YOU", "WANT", "FROM", "ME", "TODAY", "HERE")
SHARES = (0.31, 0.29, 0.2, 0.2)
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def plan() -> FoldPlan:
    """One fold a speaker; the next speaker validates, a tenth of the others checks speakers."""
    ids = {s: tuple(f"{s}-{i:04}" for i in range(size)) for s, size in SIZES.items()}
    names, folds = list(ids), []
    for index, held in enumerate(names):
        judge = names[(index + 1) % len(names)]
        rest = [u for name in names if name not in (held, judge) for u in ids[name]]
        folds.append(
            Fold(
                index=index,
                name=held,
                train=tuple(u for i, u in enumerate(rest) if i % 10),
                validation=ids[judge],
                test=ids[held],
                speaker_check=tuple(rest[::10]),
            )
        )
    return FoldPlan(protocol="loso", seed=0, manifest_digest="0" * 64, folds=tuple(folds))


def truths(folds: FoldPlan) -> dict[str, dict[str, object]]:
    """What is true of each utterance."""
    rng = np.random.default_rng(0)
    measured: dict[str, dict[str, object]] = {}
    for fold in folds.folds:
        for name in fold.test:
            measured[name] = {
                "utterance_id": name,
                "emotion_true": str(rng.choice(EMOTIONS, p=SHARES)),
                "text_true": " ".join(rng.choice(WORDS, size=rng.integers(2, 16))),
                "speaker_true": name.partition("-")[0],
                "style": "improvised" if rng.uniform() < 0.53 else "scripted",
            }
    return measured


def lines(system: str, folds: FoldPlan, truth: dict[str, dict[str, object]]) -> Iterator[str]:
    """Yields one system's predictions as JSON, all folds, splits and conditions."""
    place = SYSTEMS.index(system)
    rng, quality = np.random.default_rng(place + 1), 0.72 - 0.02 * place
    conditions = [(CLEAN, 0.0)] + [(f"babble@{snr}dB", 0.3 * 0.92**snr) for snr in SNRS_DB]
    for fold in folds.folds:
        parts = [("test", name, loss) for name, loss in conditions]
        parts += [("validation", CLEAN, -0.03), ("speaker_check", CLEAN, -0.1)]
        for split, condition, loss in parts:
            for name in getattr(fold, split):
                known = truth[name]
                right = quality - loss + rng.normal(0, 0.01)
                scores = rng.dirichlet([0.6] * len(EMOTIONS))
                best = EMOTIONS.index(str(known["emotion_true"]))
                if rng.uniform() < right:
                    top = int(scores.argmax())
                    scores[[best, top]] = scores[[top, best]]
                heard = None
                if system in TRANSCRIBE:
                    heard = " ".join(
                        w for w in str(known["text_true"]).split() if rng.uniform() < right
                    )
                yield json.dumps(
                    {
                        **known,
                        "system": system,
                        "fold": fold.index,
                        "seed": 0,
                        "split": split,
                        "condition": condition,
                        "emotion_probabilities": dict(zip(EMOTIONS, scores.tolist(), strict=True)),
                        "text_predicted": heard,
                        "speaker_predicted": known["speaker_true"] if heard is not None else None,
                        "recipe_hash": "benchmark",
                    }
                )


def search(folds: FoldPlan) -> SearchResult:
    """The paper's grid of 121 pairs on every fold."""
    grid, rng = [i / 10 for i in range(11)], np.random.default_rng(0)
    rows, choices, reached = [], [], []
    for fold in folds.folds:
        tried = [_row(fold.index, a, b, rng) for a in grid for b in grid]
        best = max(tried, key=lambda row: row.score)
        rows += tried
        choices.append(
            Choice(
                fold=fold.index,
                alpha=best.alpha,
                beta=best.beta,
                run=None,
            )
        )
        reached.append(Reached(fold=fold.index, epoch=best.epoch, score=best.score))
    return SearchResult(
        scope="fold",
        metric="ua",
        choices=tuple(choices),
        reached=tuple(reached),
        rows=tuple(rows),
    )


def _row(fold: int, alpha: float, beta: float, rng: np.random.Generator) -> SearchRow:
    ua = 0.7 - abs(alpha - 0.1) / 10 - abs(beta - 0.8) / 20 + rng.normal(0, 0.01)
    return SearchRow(
        fold=fold,
        alpha=alpha,
        beta=beta,
        epoch=9,
        score=ua,
        loss=1.0,
        wa=ua + 0.01,
        ua=ua,
        f1=0.7,
        wer=0.3 + 0.5 * abs(alpha - 0.1),
        speaker_accuracy=min(1.0, 0.5 + beta / 2),
    )


def first_paint_ms(page: Path) -> float | None:
    """Milliseconds to the first contentful paint; `None` without Chromium or playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if not CHROMIUM.is_file():
        return None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        view = browser.new_page()
        view.goto(page.as_uri())
        view.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        measured = view.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        browser.close()
    return round(float(measured), 1)


def main() -> None:
    """Makes the set, writes its report, and prints the three figures."""
    os.environ["MTLSER_TRACKING"] = "off"
    keep = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(prefix="mtlser-bench-") as scratch:
        root, folds = Path(scratch), plan()
        write_json(root / "folds.json", folds)
        (root / "chosen").mkdir()
        write_json(root / "chosen" / "chosen.json", search(folds))
        truth = truths(folds)
        files = []
        for system in SYSTEMS:
            files.append(root / f"{system}.jsonl")
            with files[-1].open("w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in lines(system, folds, truth))
        recipe = load("paper", ('name="benchmark"', "baseline.systems=[]"))
        out = keep or root / "report"
        start = time.perf_counter()
        places = [str(file) for file in files]
        stages.report("", str(root / "folds.json"), str(root / "chosen"), places, recipe, str(out))
        seconds = time.perf_counter() - start
        page = out.resolve() / "report.html"
        figures = {
            "seconds": round(seconds, 2),
            "bytes": page.stat().st_size,
            "first_paint_ms": first_paint_ms(page),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
