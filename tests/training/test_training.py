"""Training one cell: seeds, resume, masks, the checkpoint that is kept."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mtlser import recipe as recipes
from mtlser.errors import DeviceLostError, MtlserError
from mtlser.evaluation.choices import SearchRow
from mtlser.models import bundle
from mtlser.recipe import Recipe
from mtlser.records import Cell, CellResult, Prediction, read_json, read_jsonl
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import cells, loop, network
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.inputs import Inputs, Training
from mtlser.training.job import Fit
from mtlser.training.search import search
from mtlser.training.step import Stepper
from tests.helpers.corpora import one_fold, write_corpus
from tests.helpers.networks import write_encoder
from tests.helpers.trainings import history


def small_recipe(folder: Path, *overrides: str) -> Recipe:
    encoder = write_encoder(folder / "encoder")
    return recipes.load(
        "demo",
        (
            f"model.encoder={encoder}",
            "model.ctc_head=new",
            "train.epochs=3",
            "train.batch_size=4",
            "split.protocol=loso",
            "search.jobs=1",
            *overrides,
        ),
    )


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    utterances = write_corpus(corpus)
    return Inputs(corpus, utterances, one_fold(utterances))


def training(inputs: Inputs) -> Training:
    cell = Cell(system="mtlser", fold=0, seed=0)
    return Training(cell, 0.1, 0.8, inputs.plan.folds[0])


def train(inputs: Inputs, recipe: Recipe, folder: Path) -> Path:
    return network.train_network(training(inputs), inputs, recipe, WorkFolder(folder), NullRun())


@pytest.mark.parametrize("trainable", ["all", "transformer", "heads"])
def test_one_seed_gives_one_history(inputs: Inputs, tmp_path: Path, trainable: str) -> None:
    recipe = small_recipe(tmp_path, f"model.trainable={trainable}")
    first = train(inputs, recipe, tmp_path / "a")
    again = train(inputs, recipe, tmp_path / "b")
    assert history(first) == history(again)
    result = read_json(first / "result.json", CellResult)
    assert result.weights_sha256 == read_json(again / "result.json", CellResult).weights_sha256
    losses = [row["train_loss"] for row in history(first)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("every_s", "at"), [(300, 2), (0, 1), (0, 5)])
def test_a_killed_training_resumes_to_the_same_weights(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_s: int, at: int
) -> None:
    """With a checkpoint an epoch, and with one a step."""
    every = f"train.checkpoint_s={every_s}"
    recipe = small_recipe(tmp_path, "model.dropout=0.2", "train.spec_augment=true", every)
    whole = train(inputs, recipe, tmp_path / "whole")
    save, saved = Checkpoint.save, []

    def save_then_die(*args: object) -> None:
        save(*args)  # type: ignore[arg-type]
        saved.append(1)
        if len(saved) == at:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_then_die)
    with pytest.raises(KeyboardInterrupt):
        train(inputs, recipe, tmp_path / "killed")
    monkeypatch.setattr(Checkpoint, "save", save)
    resumed = train(inputs, recipe, tmp_path / "killed")
    assert history(resumed) == history(whole)
    one, two = (read_json(f / "result.json", CellResult) for f in (whole, resumed))
    assert one.weights_sha256 == two.weights_sha256


def test_a_finished_training_is_not_repeated(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(tmp_path)
    first = train(inputs, recipe, tmp_path / "a")

    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(loop, "fit", fail)
    assert train(inputs, recipe, tmp_path / "a") == first
    other = small_recipe(tmp_path, "train.learning_rate=1e-3")
    with pytest.raises(AssertionError, match="trained again"):
        train(inputs, other, tmp_path / "a")


def test_a_diverging_loss_names_the_batch(inputs: Inputs, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, "train.learning_rate=1e30", "train.clip_norm=1e30")
    with pytest.raises(MtlserError, match=r"the loss became nan at utterances s\d_u\d"):
        train(inputs, recipe, tmp_path / "a")


def test_the_search_chooses_on_validation_and_train_scores_test_once(
    inputs: Inputs, tmp_path: Path
) -> None:
    recipe = small_recipe(tmp_path, "search.alphas=[0.1, 0.5]", "search.betas=[0.0, 0.8]")
    folder, work = tmp_path / "chosen", WorkFolder(tmp_path / "work")
    folder.mkdir()
    result = search.search(inputs, recipe, folder, work, NullRun())
    assert [(r.alpha, r.beta) for r in result.rows] == [(0.1, 0), (0.1, 0.8), (0.5, 0), (0.5, 0.8)]
    (choice,) = result.choices
    (reached,) = result.reached
    assert reached.score == max(row.score for row in result.rows)
    assert choice.run is not None
    assert not list(folder.rglob("predictions.jsonl"))
    test_ids = set(inputs.plan.folds[0].test)
    for file in work.folder.rglob("*.json*"):
        if "features" not in file.parts:
            assert not any(name in file.read_text() for name in test_ids), file

    full = Inputs(inputs.corpus, inputs.utterances, inputs.plan, result, folder)
    out = tmp_path / "cell"
    out.mkdir()
    cells.run(Cell.parse("mtlser:f0:s0"), full, recipe, out, work, NullRun())
    stored = folder / choice.run / "model" / "weights.safetensors"
    assert stored.stat().st_ino == (out / "model" / "weights.safetensors").stat().st_ino
    retained = bundle.load(folder / choice.run / "model").network.state_dict()
    used = bundle.load(out / "model").network.state_dict()
    assert bundle.weights_digest(retained) == bundle.weights_digest(used)
    predictions = list(read_jsonl(out / "predictions.jsonl", Prediction))
    assert {p.utterance_id for p in predictions if p.split == "test"} == test_ids
    assert {p.speaker_predicted for p in predictions} <= {"s0", "s1"}


def test_a_killed_search_goes_on_where_it_stopped(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(tmp_path, "search.alphas=[0.1, 0.5]", "search.betas=[0.0, 0.8]")
    folder, work = tmp_path / "chosen", WorkFolder(tmp_path / "work")
    folder.mkdir()
    fit = loop.fit
    trained: list[int] = []

    def fit_twice(*args: object) -> Fit:
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(1)
        return fit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "fit", fit_twice)
    with pytest.raises(KeyboardInterrupt):
        search.search(inputs, recipe, folder, work, NullRun())
    trained.clear()

    def fit_and_count(*args: object) -> Fit:
        trained.append(1)
        return fit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "fit", fit_and_count)
    result = search.search(inputs, recipe, folder, work, NullRun())
    assert len(result.rows) == 4
    assert len(trained) == 2


def test_the_final_fit_takes_the_medians_and_knows_every_speaker(
    inputs: Inputs, tmp_path: Path
) -> None:
    recipe = small_recipe(tmp_path, "search.alphas=[0.1]", "search.betas=[0.8]")
    folder, work = tmp_path / "chosen", WorkFolder(tmp_path / "work")
    folder.mkdir()
    result = search.search(inputs, recipe, folder, work, NullRun())
    full = Inputs(inputs.corpus, inputs.utterances, inputs.plan, result, folder)
    out = tmp_path / "final"
    out.mkdir()
    cells.run(Cell.parse("mtlser:final:s0"), full, recipe, out, work, NullRun())
    model = bundle.load(out / "model")
    assert model.description.speakers == ("s0", "s1", "s2", "s3")
    assert model.description.whole
    outcome = read_json(out / "result.json", CellResult)
    assert outcome.epochs_run == result.reached[0].epoch
    assert not (out / "predictions.jsonl").exists()


def test_an_unknown_fold_or_system_is_refused(inputs: Inputs, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    for cell, message in (("mtlser:f7:s0", "fold 7 is not among"), ("cnn:f0:s0", "'cnn' is unk")):
        with pytest.raises(MtlserError, match=message):
            cells.run(Cell.parse(cell), inputs, recipe, tmp_path, WorkFolder(tmp_path), NullRun())


@pytest.mark.parametrize("text", ["mtlser:f²:s0", "mtlser:f0:s²", "mtlser:f:s0", "mtlser:f-1:s0"])
def test_a_cell_of_no_number_is_one_sentence(text: str) -> None:
    with pytest.raises(MtlserError, match="expected SYSTEM:fFOLD:sSEED"):
        Cell.parse(text)


def test_only_the_chosen_training_of_a_fold_keeps_its_weights(
    inputs: Inputs, tmp_path: Path
) -> None:
    recipe = small_recipe(tmp_path, "search.alphas=[0.1, 0.5]", "search.betas=[0.0, 0.8]")
    work = WorkFolder(tmp_path / "work")
    (tmp_path / "chosen").mkdir()
    result = search.search(inputs, recipe, tmp_path / "chosen", work, NullRun())
    cells = sorted((work.folder / "cells").glob("*/result.json"))
    assert len(cells) == 4
    kept = [read_json(p, CellResult) for p in cells if (p.parent / "model").is_dir()]
    assert [(each.alpha, each.beta) for each in kept] == [
        (choice.alpha, choice.beta) for choice in result.choices
    ]
    assert not list((work.folder / "cells").glob("*.part"))


@pytest.mark.parametrize("scope", ["fold", "global"])
def test_halving_goes_on_from_its_checkpoints_to_what_one_training_gives(
    inputs: Inputs, tmp_path: Path, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = ("search.alphas=[0.1, 0.5]", "search.betas=[0.0, 0.8]", "train.epochs=4")
    recipe = small_recipe(
        tmp_path, *grid, "search.sampler=halving", "search.eta=2", f"search.scope={scope}"
    )
    epochs = 0
    run_epoch = loop.Course.run_epoch

    def counted(self: loop.Course) -> Any:
        nonlocal epochs
        epochs += 1
        return run_epoch(self)

    monkeypatch.setattr(loop.Course, "run_epoch", counted)
    (tmp_path / "chosen").mkdir()
    work = WorkFolder(tmp_path / "work")
    result = search.search(inputs, recipe, tmp_path / "chosen", work, NullRun())
    assert sorted(row.epochs or 0 for row in result.rows) == [1, 1, 2, 4]
    assert epochs == 4 + 2 + 2
    (choice,) = result.choices
    alone = Training(
        Cell(system="mtlser", fold=0, seed=0), choice.alpha, choice.beta, inputs.plan.folds[0]
    )
    whole = network.train_network(alone, inputs, recipe, WorkFolder(tmp_path / "alone"), NullRun())
    assert history(tmp_path / "chosen" / "cells" / "fold-0") == history(whole)
    assert not list((work.folder / "cells").glob("*.part"))


def test_a_chosen_training_that_the_list_remembers_otherwise_keeps_its_weights(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that another machine had trained before: its row is what was kept here."""
    recipe = small_recipe(tmp_path, "search.alphas=[0.1, 0.5]", "search.betas=[0.8]")
    restated = search.restated

    def other(row: SearchRow, folder: Path) -> SearchRow:
        return restated(row, folder).model_copy(update={"loss": 0.0})

    monkeypatch.setattr(search, "restated", other)
    (tmp_path / "chosen").mkdir()
    work = WorkFolder(tmp_path / "work")
    result = search.search(inputs, recipe, tmp_path / "chosen", work, NullRun())
    (choice,) = result.choices
    assert [row.loss for row in result.rows if row.alpha == choice.alpha] == [0.0]
    (kept,) = (work.folder / "cells").glob("*/model")
    assert read_json(kept.parent / "result.json", CellResult).alpha == choice.alpha


def test_a_gpu_that_fails_is_one_sentence_and_the_next_attempt_goes_on(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(tmp_path, "train.checkpoint_s=0", "train.patience=9")
    whole = history(train(inputs, recipe, tmp_path / "whole"))
    step, taken = Stepper.step, []

    def fails_once(stepper: Stepper, *args: Any) -> Any:
        taken.append(1)
        if len(taken) == 5:
            raise torch.AcceleratorError("CUDA error: unspecified launch failure\nCompile with ...")
        return step(stepper, *args)

    monkeypatch.setattr(Stepper, "step", fails_once)
    with pytest.raises(DeviceLostError, match=r"^the GPU failed \(CUDA error: .* failure\); run"):
        train(inputs, recipe, tmp_path / "work")
    assert DeviceLostError.exit_code == 1  # tried again, unlike a mistake
    assert history(train(inputs, recipe, tmp_path / "work")) == whole
