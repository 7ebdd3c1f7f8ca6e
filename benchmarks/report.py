"""How long a report and its verification take, how big its page is, how soon a browser paints it.

Ten folds and ten systems on 10,000 utterances of ten speakers: 280,000 predictions of test,
validation and the speaker check, each with a transcript of about 8 words, in folders with custody
records as `mtlser train` leaves them; the manifest at hand, no audio, no weights. Only the stages
`report` and `verify` are timed. `make bench BENCH=report` prints one line of JSON:

    report_s, verify_s, total_s    wall time; `..._cpu_s`: processor time of this process
    lines                          predictions
    bytes                          of `report.html`
    first_paint_ms                 of the page in headless Chromium; null where there is none
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import common
from mtlser import stages
from mtlser.data import manifest
from mtlser.data.speaker_labels import speaker_label
from mtlser.evaluation import metrics
from mtlser.evaluation.choices import Choice, SearchResult, SearchRow
from mtlser.recipe import Recipe, load
from mtlser.records import (
    CLEAN,
    FOUR,
    Cell,
    Fold,
    FoldPlan,
    Utterance,
    most_probable,
    read_json,
    write_json,
    write_jsonl,
)
from mtlser.stages.verification import Verification
from mtlser.storage import custody

PER_SPEAKER = 1000
SYSTEMS = ("mtlser", "svm", "strl-ser", "amsnet", "cai", "tim-net", "zou", "li", "mmer", "probe")
WORDS = ("WELL", "I", "DO", "NOT", "KNOW", "WHAT", "YOU", "WANT", "FROM", "ME", "TODAY", "HERE")
LONGEST = 12
"""Words of the longest transcript; the shortest has four."""
SHARES = (0.31, 0.29, 0.2, 0.2)
SPLITS = {"test": 0.0, "validation": -0.03, "speaker_check": -0.1}
"""How much less often each split is right."""
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def utterances() -> list[Utterance]:
    """Five sessions of two speakers; each has 20 dialogues."""
    rng = np.random.default_rng(0)
    built: list[Utterance] = []
    for speaker in (f"Ses{s:02}_{gender}" for s in range(1, 6) for gender in "FM"):
        for i in range(PER_SPEAKER):
            words = rng.choice(WORDS, size=rng.integers(4, LONGEST + 1))
            name = f"{speaker}_{i:04}"
            dialogue = f"{speaker[:5]}{speaker[-1]}_impro{i % 20:02}"
            built.append(
                Utterance(
                    id=name, corpus="iemocap", audio=f"audio/{name}.flac",
                    audio_sha256=f"{len(built):064x}", duration_s=4.0, level_dbfs=-12,
                    emotion=str(rng.choice(FOUR, p=SHARES)), speaker=speaker,
                    gender="F" if speaker[-1] == "F" else "M", session=speaker[:5],
                    dialogue=dialogue, recording=dialogue,
                    style="improvised" if i % 3 else "scripted",
                    text=" ".join(words), language="en",
                )
            )  # fmt: skip
    return built


def predictions(
    cell: Cell, fold: Fold, known: dict[str, Utterance], recipe: Recipe
) -> Iterator[dict[str, Any]]:
    """Yields one system's predictions of a fold, as JSON values."""
    place = SYSTEMS.index(cell.system)
    rng, quality = np.random.default_rng([place, fold.index]), 0.72 - 0.02 * place
    for split, more in SPLITS.items():
        names, right = getattr(fold, split), quality - more
        scores = rng.dirichlet([0.6] * len(FOUR), size=len(names))
        chances = rng.uniform(size=(len(names), 2))
        kept = rng.uniform(size=(len(names), LONGEST)) < right
        heard = np.asarray(WORDS)[rng.integers(len(WORDS), size=kept.shape)].tolist()
        for i, name in enumerate(names):
            one, probabilities = known[name], scores[i].tolist()
            if chances[i, 0] < right:
                best, top = FOUR.index(one.emotion), int(scores[i].argmax())
                probabilities[best], probabilities[top] = probabilities[top], probabilities[best]
            spoken = speaker_label(one, recipe.train.speaker_label)
            pairs = zip((one.text or "").split(), kept[i], heard[i], strict=False)
            yield {
                "utterance_id": name, "system": cell.system, "fold": fold.index, "seed": cell.seed,
                "split": split, "condition": CLEAN, "style": one.style,
                "emotion_true": one.emotion,
                "emotion_probabilities": dict(zip(FOUR, probabilities, strict=True)),
                "text_true": one.text,
                "text_predicted": " ".join(word if keep else other for word, keep, other in pairs),
                "speaker_true": spoken,
                "speaker_predicted": spoken if chances[i, 1] < 0.9 else "Ses01_F",
                "recipe_hash": recipe.hash,
            }  # fmt: skip


def search(reached: dict[int, float]) -> SearchResult:
    """The paper's grid of 121 pairs on every fold; the best one reached these UAs."""
    grid = [i / 10 for i in range(11)]
    rows = [
        _row(fold, alpha, beta, best - abs(alpha - 0.1) / 9 - abs(beta - 0.8) / 20)
        for fold, best in reached.items()
        for alpha in grid
        for beta in grid
    ]
    choices = [Choice(fold=fold, alpha=0.1, beta=0.8, run=None) for fold in reached]
    return SearchResult(scope="fold", metric="ua", choices=tuple(choices), rows=tuple(rows))


def _row(fold: int, alpha: float, beta: float, ua: float) -> SearchRow:
    return SearchRow(
        fold=fold,
        alpha=alpha,
        beta=beta,
        epoch=9,
        score=ua,
        loss=1.0,
        wa=ua,
        ua=ua,
        f1=ua,
        wer=0.3 + 0.5 * abs(alpha - 0.1),
        speaker_accuracy=min(1.0, 0.5 + beta / 2),
    )


def validation_ua(predictions: list[dict[str, Any]]) -> float:
    """UA of a cell's validation predictions."""
    chosen = [p for p in predictions if p["split"] == "validation"]
    guesses = [most_probable(p["emotion_probabilities"]) for p in chosen]
    return metrics.unweighted_accuracy([p["emotion_true"] for p in chosen], guesses)


def write_run(root: Path, recipe: Recipe) -> tuple[list[str], int]:
    """Writes corpus, folds, choices and cells below `root`; the cells and the number of lines."""
    every, corpus = utterances(), root / "corpus"
    corpus.mkdir()
    write_jsonl(corpus / "manifest.jsonl", every)
    custody.seal(corpus, "ingest", ("manifest.jsonl",), manifest=manifest.digest(every))
    stages.split(str(corpus), recipe, str(root / "folds"))
    plan, known = read_json(root / "folds" / "folds.json", FoldPlan), {u.id: u for u in every}
    made_from = {name: custody.read(root / name) for name in ("corpus", "folds")}

    def seal(folder: Path, step: custody.Step, name: str, cell: str = "") -> None:
        custody.seal(
            folder, step, (name,), made_from=made_from, cell=cell, recipe_hash=recipe.hash,
            manifest=plan.manifest_digest, folds=plan.digest,
        )  # fmt: skip

    places, count, reached = [], 0, {}
    for fold in plan.folds:
        for system in SYSTEMS:
            cell = Cell(system=system, fold=fold.index, seed=recipe.seed)
            folder = root / "cells" / cell.text.replace(":", "-")
            folder.mkdir(parents=True)
            built = list(predictions(cell, fold, known, recipe))
            text = "".join(json.dumps(each) + "\n" for each in built)
            (folder / "predictions.jsonl").write_text(text, encoding="utf-8")
            seal(folder, "train", "predictions.jsonl", cell.text)
            places.append(str(folder))
            count += len(built)
            if system == SYSTEMS[0]:
                reached[fold.index] = validation_ua(built)
    (root / "chosen").mkdir()
    write_json(root / "chosen" / "chosen.json", search(reached))
    seal(root / "chosen", "search", "chosen.json")
    return places, count


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall time and of this process's processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    action()
    return round(time.perf_counter() - wall, 2), round(time.process_time() - processor, 2)


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
    """Makes the run, writes and verifies its report, and prints the figures."""
    os.environ["MTLSER_TRACKING"] = "off"
    keep = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    recipe = load("paper", ('name="benchmark"', "baseline.systems=[]", "noise.kinds=[]"))
    with tempfile.TemporaryDirectory(prefix="mtlser-bench-") as scratch:
        root = Path(scratch)
        places, count = write_run(root, recipe)
        corpus, folds, chosen = (str(root / name) for name in ("corpus", "folds", "chosen"))
        out = str(keep or root / "report")
        report_s, report_cpu_s = timed(
            lambda: stages.report(corpus, folds, chosen, places, recipe, out)
        )
        verify_s, verify_cpu_s = timed(lambda: stages.verify(out, corpus, str(root / "verified")))
        found = read_json(root / "verified" / "verification.json", Verification)
        page = Path(out).resolve() / "report.html"
        figures = {
            "utterances": 10 * PER_SPEAKER,
            "systems": len(SYSTEMS),
            "lines": count,
            "report_s": report_s,
            "verify_s": verify_s,
            "total_s": round(report_s + verify_s, 2),
            "report_cpu_s": report_cpu_s,
            "verify_cpu_s": verify_cpu_s,
            "total_cpu_s": round(report_cpu_s + verify_cpu_s, 2),
            "findings": {each.name: each.state for each in found.findings},
            "bytes": page.stat().st_size,
            "first_paint_ms": first_paint_ms(page),
        }
    common.report("report", figures)


if __name__ == "__main__":
    main()
