"""Folders of predictions with their custody records, held against the folds and each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.evaluation.verification import seen
from mtlser.evaluation.verification.seen import Seen
from mtlser.evaluation.verification.truth import Check
from mtlser.records import CLEAN, Cell, Fold, FoldPlan, Prediction, Utterance
from mtlser.storage import custody
from mtlser.storage.custody import SHORT, Custody

MODEL = "model"
"""Below a cell's folder; in `made_from`, the record of the model that predicted."""


@dataclass(frozen=True)
class Source:
    """A folder or file of predictions, and what is known of how it came about."""

    place: Path
    record: Custody | None = None
    """`None`: predictions of unknown origin."""
    model: Custody | None = None
    """Of the model folder below; `None` where there is none, or one without a record."""
    seen: Seen | None = None

    @property
    def cell(self) -> Cell | None:
        """The one cell that the predictions are of; `None`: a run's, or not known."""
        if self.record is None or self.record.step not in {"train", "noise_eval"}:
            return None
        return Cell.parse(self.record.cell)


def opened(places: Sequence[Path]) -> list[Source]:
    """The sources in these places; every file that a record names has been hashed.

    Raises:
        MtlserError: a file is not the one that its record names.
    """
    return [_opened(place) for place in places]


def _opened(place: Path) -> Source:
    if not place.is_dir():
        return Source(place)
    record, model = custody.verified(place), place / MODEL
    if not model.is_dir() or (record is not None and record.step == "report"):
        return Source(place, record)
    weights = custody.verified(model)
    if record is not None and weights is not None:
        _same_model(place, record, weights)
    return Source(place, record, weights, seen.load(model))


def _same_model(place: Path, record: Custody, weights: Custody) -> None:
    named = record.made_from.get(MODEL)
    if named != weights.digest:
        raise MtlserError(
            f"{place}: its predictions are by the model {(named or 'none')[:SHORT]}, the model in "
            f"{place / MODEL} is {weights.digest[:SHORT]} ({weights.cell}); run "
            f"`mtlser train{_flags(record.cell)}` again"
        )


def _flags(cell: str | None) -> str:
    return f" {Cell.parse(cell).flags}" if cell else ""


def check(
    sources: Sequence[Source], plan: FoldPlan, utterances: Sequence[Utterance] | None
) -> None:
    """Refuses sources that contradict the folds, the manifest or each other.

    Args:
        sources: as `opened` gives them.
        plan: the folds that the predictions are said to be of.
        utterances: the manifest; `None`: not at hand.

    Raises:
        MtlserError: predictions of other folds or another manifest, a model that has seen what
            it is tested on, or noisy predictions by another model than the clean ones.
    """
    for source in sources:
        _of_this_plan(source, plan)
        _of_its_fold(source, plan, utterances)
    _one_model_a_cell(sources)


def _of_this_plan(source: Source, plan: FoldPlan) -> None:
    other = None if source.record is None else other_data(source.record, plan)
    if other is not None:
        what, there, here = other
        raise MtlserError(
            f"{source.place} was made with {what} {there[:SHORT]}, the folds given are "
            f"{'' if what == 'folds' else 'of manifest '}{here[:SHORT]}; give the folds that "
            "it was trained on with `--folds`"
        )


def other_data(record: Custody, plan: FoldPlan) -> tuple[str, str, str] | None:
    """What a record names otherwise than a plan: `folds` or `manifest`, its digest, the plan's.

    `None` where it names the same, or neither.
    """
    pairs = (
        ("folds", record.folds, plan.digest),
        ("manifest", record.manifest, plan.manifest_digest),
    )
    return next((pair for pair in pairs if pair[1] and pair[1] != pair[2]), None)


def _of_its_fold(source: Source, plan: FoldPlan, utterances: Sequence[Utterance] | None) -> None:
    cell, known = source.cell, source.seen
    if cell is None or cell.fold is None or known is None:
        return
    fold = fold_of(cell, plan)
    model = source.place / MODEL
    seen.refuse_tested(known, model, fold, plan, utterances)
    if known.folds != plan.digest or set(known.fitted) != set(fold.train):
        raise MtlserError(
            f"{model}: by its {seen.SEEN} it was fitted on {len(known.fitted)} utterances of folds "
            f"{known.folds[:SHORT]}, fold {fold.index} of the folds given ({plan.digest[:SHORT]}) "
            f"trains on {len(fold.train)} others; run `mtlser train {cell.flags}` again"
        )


def fold_of(cell: Cell, plan: FoldPlan) -> Fold:
    """The cell's fold.

    Raises:
        MtlserError: the plan has none of that number.
    """
    for fold in plan.folds:
        if fold.index == cell.fold:
            return fold
    raise MtlserError(
        f"cell {cell.text}: fold {cell.fold} is not among the {len(plan.folds)} folds; choose one "
        "with `--fold`, or cut them again with `mtlser split`"
    )


def checked_model(
    trained: Path, cell: Cell, plan: FoldPlan, utterances: Sequence[Utterance]
) -> Custody | None:
    """The record of the model that is to predict a cell's test set; `None` where it has none.

    Args:
        trained: the cell's folder.
        cell: whose test set is to be predicted.
        plan: the folds.
        utterances: the manifest.

    Raises:
        MtlserError: the folder is of another cell or other folds, its files were changed, or its
            model has seen what the cell's fold tests.
    """
    source = _opened(trained)
    _of_this_plan(source, plan)
    if cell.fold is not None and source.seen is not None:
        fold = fold_of(cell, plan)
        seen.refuse_tested(source.seen, trained / MODEL, fold, plan, utterances)
    named = {each.cell for each in (source.record, source.model) if each is not None}
    if named - {cell.text}:
        raise MtlserError(
            f"{trained} is of cell {min(named)}, asked for is {cell.text}; give the folder that "
            f"`mtlser train {cell.flags}` wrote"
        )
    return source.model


def _one_model_a_cell(sources: Sequence[Source]) -> None:
    """Clean and noisy predictions of a cell are by the same weights."""
    first: dict[str, tuple[Path, str]] = {}
    records = [(source.place, source.record) for source in sources if source.record is not None]
    for place, record in sorted(records, key=lambda each: each[1].step != "train"):
        model = record.made_from.get(MODEL)
        if not model or not record.cell:
            continue
        other, theirs = first.setdefault(record.cell, (place, model))
        if model != theirs:
            raise MtlserError(
                f"{place} is by the model {model[:SHORT]}, {other} of the same cell {record.cell} "
                f"by {theirs[:SHORT]}; run `mtlser noise-eval{_flags(record.cell)}` with the model "
                "of that cell"
            )


def belongs(source: Source) -> Check:
    """The check that each prediction of a source is of the cell that its record names."""
    cell, record = source.cell, source.record

    def check(prediction: Prediction) -> None:
        if record is None or cell is None:
            return
        own = (prediction.system, prediction.fold, prediction.seed)
        clean = prediction.condition == CLEAN
        if own != (cell.system, cell.fold, cell.seed) or clean != (record.step == "train"):
            raise MtlserError(
                f"{source.place} is {record.step} of {cell.text}, and holds a prediction of "
                f"{prediction.utterance_id} by {'{}:f{}:s{}'.format(*own)} under "
                f"{prediction.condition}; run the step again"
            )
        if prediction.recipe_hash != record.recipe_hash:
            raise MtlserError(
                f"{source.place} is of recipe {record.recipe_hash}, its prediction of "
                f"{prediction.utterance_id} of recipe {prediction.recipe_hash}; run the step again"
            )

    return check
