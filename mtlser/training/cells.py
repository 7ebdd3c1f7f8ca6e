"""One cell: a system trained on one fold (or on everything), and its predictions."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, median_low

from mtlser.data import clips
from mtlser.data.labels import classes_of
from mtlser.errors import DamagedError, MtlserError
from mtlser.evaluation.predictor import (
    NetworkSystem,
    Output,
    SvmSystem,
    System,
    load_system,
    prediction_of,
)
from mtlser.evaluation.verification import seen, sources
from mtlser.recipe import Recipe
from mtlser.records import (
    CLEAN,
    Cell,
    CellResult,
    Fold,
    FoldPlan,
    Prediction,
    Split,
    Utterance,
    read_json,
    write_json,
    write_jsonl,
)
from mtlser.storage import checked, custody
from mtlser.storage.custody import Custody
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import Run
from mtlser.training import kept, network, processes
from mtlser.training.inputs import Inputs, Training

PREDICTED: tuple[Split, ...] = ("validation", "test", "speaker_check")


def run(
    cell: Cell, inputs: Inputs, recipe: Recipe, folder: Path, work: WorkFolder, parent: Run
) -> None:
    """Trains the cell into `folder` and, but for the final fit, predicts its held-out sets.

    Raises:
        MtlserError: the cell names a fold or a system that is not there, or the recipe cannot
            choose on these folds.
    """
    inputs.check(recipe)
    main = processes.current().main
    if cell.fold is None:
        final = network.train_network(final_training(cell, inputs), inputs, recipe, work, parent)
        if main:
            kept.copy_cell(final, folder, recipe)
            check_weights(load_system(cell.system, folder / "model"), folder, cell)
            seal_model(cell, everything(inputs), inputs, recipe, folder / "model")
        return
    fold = sources.fold_of(cell, inputs.plan)
    if cell.system not in {"mtlser", "svm"}:
        raise MtlserError(f"system {cell.system!r} is unknown; allowed are mtlser, svm")
    fitted = (
        chosen_network(cell, fold, inputs, recipe, work, parent)
        if cell.system == "mtlser"
        else None
    )
    if not main:
        return
    if fitted is None:
        train_svm(cell, fold, inputs, recipe, folder, work.folder)
    else:
        kept.copy_cell(fitted, folder, recipe)
    system = load_system(cell.system, folder / "model")
    check_weights(system, folder, cell)
    seal_model(cell, fold, inputs, recipe, folder / "model")
    predict = predictor_of(system, inputs, work.folder)
    write_jsonl(
        folder / "predictions.jsonl",
        [
            prediction
            for split in PREDICTED
            for prediction in predict_split(predict, cell, fold, split, inputs, recipe)
        ],
    )


def chosen_network(
    cell: Cell, fold: Fold, inputs: Inputs, recipe: Recipe, work: WorkFolder, parent: Run
) -> Path:
    """Folder of the fold's network: the search's own checkpoint, or one trained now.

    The search trains with the recipe's seed; with another one the chosen pair is trained anew.
    """
    choice, folder = inputs.choice(fold.index)
    if choice.run is not None and cell.seed == recipe.seed:
        try:
            checked.verify_folder(folder / choice.run)
        except DamagedError as error:
            raise MtlserError(
                f"{error.path}: damaged ({error.problem}); run `mtlser search` again"
            ) from None
        return folder / choice.run
    training = Training(cell, choice.alpha, choice.beta, fold)
    return network.train_network(training, inputs, recipe, work, parent)


Predict = Callable[[Sequence[Utterance]], list[Output]]
"""A system's output for each utterance, clean, in order."""


def predictor_of(system: System, inputs: Inputs, work: Path) -> Predict:
    """How a system predicts utterances: from their audio, or the SVM from features on disk."""
    if isinstance(system, SvmSystem):
        from mtlser.training import svm_features

        read = svm_features.reader(inputs.corpus, inputs.utterances, work)
        return lambda shown: system.predict_features(read(shown))
    return lambda shown: system.predict([clips.load(inputs.corpus, u) for u in shown])


def predict_split(
    predict: Predict, cell: Cell, fold: Fold, split: Split, inputs: Inputs, recipe: Recipe
) -> list[Prediction]:
    """The system's predictions for one split of its fold, clean."""
    shown = inputs.of(getattr(fold, split))
    return [
        prediction_of(utterance, output, cell, split, CLEAN, recipe)
        for utterance, output in zip(shown, predict(shown), strict=True)
    ]


def final_training(cell: Cell, inputs: Inputs) -> Training:
    """The fit on all data: the folds' median alpha, beta and best epoch."""
    assert inputs.chosen is not None
    choices = inputs.chosen.choices
    epochs = [reached.epoch for reached in inputs.chosen.reached]
    if not epochs:
        raise MtlserError(
            "the final fit needs each fold's best epoch and none is known; train the folds first "
            "and give the report folder: `mtlser train --final --chosen REPORT_FOLDER`"
        )
    return Training(
        cell,
        median(choice.alpha for choice in choices),
        median(choice.beta for choice in choices),
        everything(inputs),
        epochs=median_low(epochs),
    )


def everything(inputs: Inputs) -> Fold:
    """The fold of the final fit: all data are trained on."""
    return Fold(
        index=0,
        name="all",
        train=tuple(utterance.id for utterance in inputs.utterances),
        validation=(),
        test=(),
        speaker_check=(),
    )


def check_weights(system: System, folder: Path, cell: Cell) -> None:
    """Refuses a trained network that is not the one its own training wrote.

    Args:
        system: as it was loaded from the cell's folder; of an SVM nothing is known.
        folder: the cell's.
        cell: the one that is wanted.

    Raises:
        MtlserError: it is of another cell, or its weights are others.
    """
    if not isinstance(system, NetworkSystem):
        return
    from mtlser.models import bundle

    result = read_json(folder / "result.json", CellResult)
    digest = bundle.weights_digest(system.model.network.state_dict())
    if result.cell != cell.text or result.weights_sha256 != digest:
        raise MtlserError(
            f"{folder}: the training is of {result.cell} with weights "
            f"{(result.weights_sha256 or 'unknown')[: custody.SHORT]}, wanted is {cell.text}, the "
            f"weights there are {digest[: custody.SHORT]}; remove what the search and the work "
            "folder left, and run `mtlser search` again"
        )


def seal_model(cell: Cell, fold: Fold, inputs: Inputs, recipe: Recipe, model: Path) -> None:
    """Writes what the model has seen, and the digests of its files, into its folder."""
    write_json(model / seen.SEEN, seen.of(cell, fold, inputs.plan, inputs.utterances))
    names = [path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()]
    custody.seal(
        model,
        "fit",
        [name for name in names if name != custody.CUSTODY],
        cell=cell.text,
        recipe_hash=recipe.hash,
        manifest=inputs.plan.manifest_digest,
        folds=inputs.plan.digest,
    )


def seal(
    cell: Cell,
    plan: FoldPlan,
    recipe: Recipe,
    folder: Path,
    made_from: Mapping[str, Custody | None],
) -> None:
    """Writes the digests of a cell's files into its folder."""
    custody.seal(
        folder,
        "train",
        ("predictions.jsonl", "result.json", "history.jsonl"),
        made_from={**made_from, "model": custody.read(folder / "model")},
        cell=cell.text,
        recipe_hash=recipe.hash,
        manifest=plan.manifest_digest,
        folds=plan.digest,
    )


def train_svm(
    cell: Cell, fold: Fold, inputs: Inputs, recipe: Recipe, folder: Path, work: Path
) -> None:
    """Trains the SVM baseline of one fold into `folder`; its features are shared in `work`."""
    from mtlser.models.baselines import svm
    from mtlser.training import svm_features

    started = time.perf_counter()
    shown = inputs.of(fold.train)
    rows_nd = svm_features.reader(inputs.corpus, inputs.utterances, work)(shown)
    emotions = classes_of(recipe.labels, inputs.utterances)
    speakers = [u.speaker or u.id for u in shown]
    model = svm.fit(rows_nd, [u.emotion for u in shown], speakers, cell.seed, emotions)
    svm.save(model, folder / "model")
    write_json(
        folder / "result.json",
        CellResult(
            cell=cell.text,
            alpha=None,
            beta=None,
            epoch=None,
            epochs_run=None,
            score=None,
            validation={},
            seconds=time.perf_counter() - started,
            weights_sha256=None,
        ),
    )
