"""An honest small run, every folder with its custody record; weights and outputs are made up."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from mtlser import stages
from mtlser.data import clips, manifest
from mtlser.data import folds as fold_plans
from mtlser.evaluation import metrics
from mtlser.evaluation.choices import Choice, SearchResult, SearchRow
from mtlser.evaluation.selection import selection_score
from mtlser.recipe import Recipe, load
from mtlser.records import (
    CLEAN,
    FOUR,
    Cell,
    CellResult,
    Fold,
    FoldPlan,
    Prediction,
    Split,
    Utterance,
    write_json,
    write_jsonl,
)
from mtlser.storage import custody
from mtlser.training import cells
from mtlser.training.inputs import Inputs

TEXTS = ("yes", "no", "i do not know", "come here", "never again", "it is late")
EPOCHS = 3
PAIR = (0.1, 0.8)
CONDITION = "babble@10dB"


@dataclass(frozen=True)
class HonestRun:
    """The folders of one run."""

    place: Path
    recipe: Recipe
    utterances: list[Utterance]
    plan: FoldPlan

    @property
    def corpus(self) -> Path:
        """Holds the manifest."""
        return self.place / "corpus"

    @property
    def folds(self) -> Path:
        """Holds folds and audit."""
        return self.place / "folds"

    @property
    def chosen(self) -> Path:
        """Holds what the search chose."""
        return self.place / "chosen"

    @property
    def report(self) -> Path:
        """Holds the report."""
        return self.place / "report"

    @property
    def results(self) -> list[Path]:
        """Cells, then noisy folders."""
        return [*sorted(self.place.glob("cells/*")), *sorted(self.place.glob("noisy/*"))]

    def write_report(self, out: str = "report", *, manifest: bool = True) -> Path:
        """Writes the report anew."""
        with mock.patch.dict(os.environ, {"MTLSER_TRACKING": "off"}):
            stages.report(
                str(self.corpus) if manifest else "",
                str(self.folds),
                str(self.chosen),
                [str(path) for path in self.results],
                self.recipe,
                str(self.place / out),
            )
        return self.place / out


def make_honest_recipe(*overrides: str) -> Recipe:
    """Sessions are held out; one pair, one noise, the SVM beside the network."""
    return load(
        'name = "honest"\n[data]\ncorpus = "iemocap"\nroot = "nowhere"\n'
        "[noise]\nsnr_db = [10]\n[split]\nspeaker_check = 0.2\n"
        f"[search]\nalphas = [{PAIR[0]}]\nbetas = [{PAIR[1]}]\n",
        overrides,
    )


def make_utterances(sessions: int = 3, per_speaker: int = 12) -> list[Utterance]:
    """Two speakers a session, classes in turn, each session a dialogue a speaker."""
    return [
        Utterance(
            id=f"Ses{s:02}{gender}_{i:03}", corpus="iemocap", audio="audio",
            audio_sha256=clips.digest(tone(s, gender, i)), duration_s=0.2,
            level_dbfs=-12, emotion=FOUR[i % 4], speaker=f"Ses{s:02}_{gender}", gender=gender,
            session=f"Ses{s:02}", dialogue=f"Ses{s:02}{gender}_impro01",
            recording=f"Ses{s:02}{gender}",
            style="improvised" if i % 3 else "scripted", text=TEXTS[i % len(TEXTS)], language="en",
        )
        for s in range(1, sessions + 1)
        for gender in ("F", "M")
        for i in range(per_speaker)
    ]  # fmt: skip


def tone(session: int, gender: str, number: int) -> clips.Samples:
    """The clip of an utterance, (3200,): no two are alike."""
    phase = session * 100 + number + (0.5 if gender == "F" else 0.0)
    samples_n: clips.Samples = (np.sin(np.arange(3200) / 20 + phase) * 9000).astype(np.int16)
    return samples_n


def make_honest_run(
    place: Path, *, recipe: Recipe | None = None, utterances: Sequence[Utterance] | None = None
) -> HonestRun:
    """All folders of a run but its report, as the stages write them."""
    known = recipe or make_honest_recipe()
    every = list(utterances or make_utterances())
    corpus = place / "corpus"
    corpus.mkdir(parents=True)
    writer = clips.Writer(corpus)
    for each in make_utterances():
        where = int(each.id[3:5]), each.id[5], int(each.id[7:])
        writer.add(each.audio_sha256, tone(*where))
    shards = writer.close()
    every = [u.model_copy(update={"audio": shards.get(u.audio_sha256, u.audio)}) for u in every]
    write_jsonl(corpus / "manifest.jsonl", every)
    custody.seal(corpus, "ingest", ("manifest.jsonl",), manifest=manifest.digest(every))
    stages.split(str(corpus), known, str(place / "folds"))
    run = HonestRun(place, known, every, fold_plans.plan(every, known))
    inputs = Inputs(corpus, every, run.plan)
    every_cell = [Cell.parse(text) for text in stages.cells(run.plan, known)]
    results = [_write_cell(run, inputs, cell) for cell in every_cell]
    _write_chosen(run, [each for each in results if each.alpha is not None])
    return run


def make_answers(
    run: HonestRun, cell: Cell, fold: Fold, split: Split, condition: str = CLEAN
) -> list[Prediction]:
    """A system's made-up answers to one split of a fold."""
    wanted = set(getattr(fold, split))
    built = []
    for utterance in run.utterances:
        if utterance.id not in wanted:
            continue
        rng = np.random.default_rng(list(f"{cell.text} {condition} {utterance.id}".encode()))
        right = {"mtlser": 0.75, "svm": 0.5}[cell.system] - (0.2 if condition != CLEAN else 0)
        others = [name for name in FOUR if name != utterance.emotion]
        top = utterance.emotion if rng.uniform() < right else str(rng.choice(others))
        sure = float(rng.uniform(0.4, 0.9))
        network = cell.system == "mtlser"
        heard = "no" if network else None
        assert cell.fold is not None
        built.append(
            Prediction(
                utterance_id=utterance.id, system=cell.system, fold=cell.fold, seed=cell.seed,
                split=split, condition=condition, style=utterance.style,
                emotion_true=utterance.emotion,
                emotion_probabilities={e: sure if e == top else (1 - sure) / 3 for e in FOUR},
                text_true=utterance.text,
                text_predicted=utterance.text if network and rng.uniform() < right else heard,
                speaker_true=utterance.speaker,
                speaker_predicted=utterance.speaker if network else None,
                recipe_hash=run.recipe.hash,
            )
        )  # fmt: skip
    return built


def _write_cell(run: HonestRun, inputs: Inputs, cell: Cell) -> CellResult:
    assert cell.fold is not None
    fold = run.plan.folds[cell.fold]
    folder = run.place / "cells" / cell.text.replace(":", "-")
    noisy = run.place / "noisy" / folder.name
    for each in (folder / "model", noisy):
        each.mkdir(parents=True)
    weights = "weights.safetensors" if cell.system == "mtlser" else "svm.skops"
    (folder / "model" / weights).write_bytes(f"weights of {cell.text}".encode())
    answers = {
        split: make_answers(run, cell, fold, split)
        for split in ("validation", "test", "speaker_check")
    }
    write_jsonl(folder / "predictions.jsonl", [p for each in answers.values() for p in each])
    result = _write_result(folder, cell, answers["validation"], answers["speaker_check"])
    cells.seal_model(cell, fold, inputs, run.recipe, folder / "model")
    made_from = {name: custody.read(run.place / name) for name in ("corpus", "folds")}
    cells.seal(cell, run.plan, run.recipe, folder, made_from)
    write_jsonl(noisy / "predictions.jsonl", make_answers(run, cell, fold, "test", CONDITION))
    custody.seal(
        noisy,
        "noise_eval",
        ("predictions.jsonl",),
        made_from={"model": custody.read(folder / "model"), **made_from},
        cell=cell.text,
        recipe_hash=run.recipe.hash,
        manifest=run.plan.manifest_digest,
        folds=run.plan.digest,
    )
    return result


def _write_result(
    folder: Path, cell: Cell, validation: list[Prediction], checked: list[Prediction]
) -> CellResult:
    """`result.json` and `history.jsonl`, whose best epoch the validation predictions repeat."""
    truth = [p.emotion_true for p in validation]
    guess = [p.emotion_predicted for p in validation]
    figures: dict[str, float | None] = {
        "loss": 0.9,
        "wa": metrics.weighted_accuracy(truth, guess),
        "ua": metrics.unweighted_accuracy(truth, guess),
        "f1": metrics.macro_f1(truth, guess),
        "wer": 0.5,
        "speaker_accuracy": len(checked) and 1.0,
    }
    network = cell.system == "mtlser"
    if network:
        texts = [(p.text_true or "", p.text_predicted or "") for p in validation]
        figures["wer"] = metrics.word_error_rate([t for t, _ in texts], [h for _, h in texts])
        rows = []
        for epoch in range(1, EPOCHS + 1):
            less = 0.0 if epoch == 2 else 0.1
            row = {
                f"validation_{k}": None if v is None else max(0.0, v - less)
                for k, v in figures.items()
            }
            rows.append(json.dumps({"epoch": epoch, "train_loss": 1.0, **row}) + "\n")
        (folder / "history.jsonl").write_text("".join(rows), encoding="utf-8")
    result = CellResult(
        cell=cell.text,
        alpha=PAIR[0] if network else None,
        beta=PAIR[1] if network else None,
        epoch=2 if network else None,
        epochs_run=EPOCHS if network else None,
        score=selection_score(figures, "ua") if network else None,
        validation=figures if network else {},
        seconds=1.0,
        weights_sha256="0" * 64 if network else None,
    )
    write_json(folder / "result.json", result)
    return result


def _write_chosen(run: HonestRun, results: Sequence[CellResult]) -> None:
    """One pair was tried with the recipe's seed, and every fold took it."""
    rows, choices = [], []
    for result in results:
        cell = Cell.parse(result.cell)
        if cell.seed != run.recipe.seed:
            continue
        assert cell.fold is not None
        assert result.epoch is not None
        assert result.score is not None
        figures = {k: result.validation[k] for k in ("loss", "wa", "ua", "f1", "wer")}
        rows.append(
            SearchRow.model_validate(
                {
                    "fold": cell.fold, "alpha": PAIR[0], "beta": PAIR[1], "epoch": result.epoch,
                    "score": result.score,
                    "speaker_accuracy": result.validation["speaker_accuracy"],
                    **figures,
                }
            )
        )  # fmt: skip
        choices.append(Choice(fold=cell.fold, alpha=PAIR[0], beta=PAIR[1], run=None))
    run.chosen.mkdir()
    chosen = SearchResult(scope="fold", metric="ua", choices=tuple(choices), rows=tuple(rows))
    write_json(run.chosen / "chosen.json", chosen)
    custody.seal(
        run.chosen,
        "search",
        ("chosen.json",),
        made_from={name: custody.read(run.place / name) for name in ("corpus", "folds")},
        recipe_hash=run.recipe.hash,
        manifest=run.plan.manifest_digest,
        folds=run.plan.digest,
    )
