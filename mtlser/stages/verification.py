"""The stage that derives a finished run anew from its files: verify."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, load
from mtlser.records import FoldPlan, Record, Utterance, read_json, write_json
from mtlser.stages.entry import stage
from mtlser.stages.inputs import load_chosen, load_manifest
from mtlser.storage import custody
from mtlser.storage.layout import (
    CHOSEN,
    FOLDS,
    MANIFEST,
    PARENTS,
    PREDICTIONS,
    RECIPE,
    SCORES,
)

if TYPE_CHECKING:
    from mtlser.evaluation.score_records import Scores
    from mtlser.storage.custody import Custody

RECORD = "verification.json"
TOLERANCE = 1e-3
"""How far a probability may differ that the same weights give on another machine."""
Check = Callable[[], str]


class AbsentError(Exception):
    """What a check needs is not at hand; the message says what."""


class Finding(Record):
    """One check of a run."""

    name: str
    state: Literal["agrees", "differs", "not at hand"]
    detail: str


class Verification(Record):
    """All checks of a run (`verification.json`)."""

    place: str
    findings: tuple[Finding, ...]

    @property
    def differs(self) -> bool:
        """True where some check found another value."""
        return any(finding.state == "differs" for finding in self.findings)


@stage
def verify(place: str, corpus: str = "", out: str = "", sample: int = 3) -> Verification:
    """What of a run's figures can be derived again, and whether that gives the same.

    What is not at hand is no difference: a reader decides what a lack means.

    Args:
        place: run or report folder, or its `s3://` address.
        corpus: corpus folder, for audio and for a report without a manifest; may be empty.
        out: folder to write `verification.json` to; empty: none.
        sample: utterances of each fold's test set to predict again from the weights.
    """
    folder = storage.fetch(place)
    if not (folder / SCORES).is_file():
        raise MtlserError(
            f"{place}: no scores.json in it; expected a run or report folder, as `mtlser report` "
            "or `mtlser-pipeline run` writes it"
        )
    run = _Run(folder, storage.fetch(corpus) if corpus else None, sample)
    checks: tuple[tuple[str, Check], ...] = (
        ("files", run.files),
        ("chain", run.chain),
        ("predictions", run.predictions),
        ("data and folds", run.data),
        ("figures", run.figures),
        ("selection", run.selection),
        ("weights", run.weights),
        ("final model", run.final_model),
    )
    result = Verification(place=place, findings=tuple(_found(*each) for each in checks))
    if out:
        with storage.output(out) as target:
            write_json(target / RECORD, result)
    return result


def _found(name: str, check: Check) -> Finding:
    try:
        return Finding(name=name, state="agrees", detail=check())
    except AbsentError as absent:
        return Finding(name=name, state="not at hand", detail=str(absent))
    except MtlserError as error:
        return Finding(name=name, state="differs", detail=str(error))
    except (ValueError, KeyError, OSError) as error:
        detail = f"a file cannot be read as the step wrote it: {type(error).__name__}: {error}"
        return Finding(name=name, state="differs", detail=" ".join(detail.split()))


class _Run:
    """A run folder and what can be checked of it; each check says what it saw."""

    def __init__(self, folder: Path, corpus: Path | None, sample: int) -> None:
        self.folder, self.corpus, self.sample = folder, corpus, sample
        self.cells = sorted(path for path in (folder / "checkpoints").glob("*") if path.is_dir())

    def files(self) -> str:
        """Every file that a custody record names has the digest that it names."""
        folders = [self.folder, *self.cells, *(cell / "model" for cell in self.cells)]
        records = [r for r in map(custody.verified, folders) if r is not None]
        count = sum(len(record.files) for record in records)
        if len(records) < len(folders):
            raise AbsentError(
                f"{len(folders) - len(records)} of {len(folders)} folders have no "
                f"{custody.CUSTODY}; {count} files of the others have the SHA-256 of their records"
            )
        return f"{count} files in {len(records)} folders have the SHA-256 of their records"

    def chain(self) -> str:
        """The records lead from the report to weights, folds and manifest."""
        from mtlser.evaluation.verification import chain

        record = self._record()
        found = chain.parents(self.folder, record)
        links = chain.links(found)
        for cell in self.cells:
            own, known = custody.read(cell), found.get(f"train-{cell.name}")
            if known is not None and (own is None or own.digest != known.digest):
                seen = own.digest[: custody.SHORT] if own else f"without {custody.CUSTODY}"
                raise MtlserError(
                    f"{cell} is {seen}, the report was made from "
                    f"{known.digest[: custody.SHORT]}; write the report again with `mtlser report`"
                )
        return f"{len(found)} records, {links} links between them"

    def predictions(self) -> str:
        """The report's predictions are those that the cells wrote."""
        from mtlser.evaluation.verification import chain

        record = self._record()
        count = chain.rows(self.folder, chain.parents(self.folder, record), record.unrecorded)
        if not count:
            raise AbsentError("the predictions are of systems without records")
        return f"those of {count} cells and conditions, line by line"

    def data(self) -> str:
        """Truth, folds and audit are the manifest's."""
        from mtlser.evaluation.verification import plans, recheck, sharing, truth

        utterances, plan, recipe = self._manifest(), self._plan(), self._recipe()
        recorded = (self.folder / PARENTS / FOLDS).is_file()
        same = plans.check(plan, utterances, recipe, recorded=recorded)
        if (self.folder / PREDICTIONS).is_file():
            recheck.read(self.folder, [truth.against(utterances, recipe)])
        counted = self._scores().sharing
        if counted and counted != sharing.counted(plan, utterances):
            raise MtlserError(
                f"{self.folder / SCORES}: what the sides of folds share is not what the "
                "manifest gives; write the report again with `mtlser report`"
            )
        audited = "" if self._audit(utterances, plan) else "; there is no audit"
        cut = "cut again" if same else "cut by another recipe"
        return f"{len(utterances)} utterances, {len(plan.folds)} folds {cut}{audited}"

    def figures(self) -> str:
        """Every figure follows from the predictions and the folds."""
        from mtlser.evaluation.verification import recheck

        try:
            utterances = self._manifest()
        except AbsentError:
            utterances = None
        if not recheck.check(self.folder, utterances):
            raise AbsentError("there are no predictions or no folds beside the scores")
        return "scores.json and summary.json, computed again from predictions and folds"

    def selection(self) -> str:
        """Pair and epoch are the best on validation."""
        from mtlser.evaluation import selection
        from mtlser.evaluation.verification import epochs

        if not (self.folder / CHOSEN).is_file():
            raise AbsentError(f"there is no {CHOSEN}")
        chosen = load_chosen(self.folder)
        notes = selection.check_selection(chosen, self._scores())
        trained = epochs.check(self.cells, chosen.metric)
        epochs.check_choices(chosen, trained)
        if notes:
            raise MtlserError(notes[0])
        return f"pairs of {len(chosen.choices)} folds, epochs of {len(trained)} trainings"

    def weights(self) -> str:
        """The weights give the probabilities that the report scores."""
        from mtlser.evaluation.verification import sources

        if not self.cells:
            raise AbsentError("there are no checkpoints beside the report")
        plan, utterances = self._plan(), self._manifest()
        sources.check(sources.opened(self.cells), plan, utterances)
        if self.corpus is None:
            raise AbsentError("the audio is not at hand: give the corpus folder with --manifest")
        from mtlser.evaluation.verification import prediction

        again = prediction.repeat(
            self.cells, self.folder / PREDICTIONS, self.corpus, plan, utterances,
            self.sample,
        )  # fmt: skip
        if again.worst > TOLERANCE or again.other_words:
            raise MtlserError(
                f"the weights give probabilities that differ by up to {again.worst:.2g} from the "
                f"predictions (allowed {TOLERANCE:g}), and other words or another speaker for "
                f"{again.other_words} of {again.count} clean test utterances; run `mtlser train` "
                "again"
            )
        return (
            f"{again.count} clean test utterances drawn now were predicted again: probabilities "
            f"within {max(again.worst, 1e-12):.1g}, the same words and speakers"
        )

    def final_model(self) -> str:
        """The model to be used was fitted on the manifest of the report, by its recipe."""
        from mtlser.evaluation.verification import registration

        if not (self.folder / "model").is_dir():
            raise AbsentError("there is no model in the folder")
        registration.check(self.folder / "model", self.folder)
        if custody.read(self.folder / "model") is None:
            raise AbsentError("the model has no custody record: it is of an older version")
        return "weights by SHA-256; manifest and recipe are those of the report"

    def _record(self) -> "Custody":
        record = custody.read(self.folder)
        if record is None:
            raise AbsentError(f"no {custody.CUSTODY}: the report is of an older version")
        return record

    def _manifest(self) -> Sequence[Utterance]:
        for place in (self.corpus, self.folder):
            if place is not None and (place / MANIFEST).is_file():
                return load_manifest(place)
        raise AbsentError("the manifest is not at hand: give the corpus folder with --manifest")

    def _plan(self) -> FoldPlan:
        if not (self.folder / FOLDS).is_file():
            raise AbsentError(f"there is no {FOLDS} in the folder")
        return read_json(self.folder / FOLDS, FoldPlan)

    def _scores(self) -> "Scores":
        from mtlser.evaluation.score_records import Scores

        return read_json(self.folder / SCORES, Scores)

    def _recipe(self) -> Recipe | None:
        path = self.folder / RECIPE
        return load(str(path)) if path.is_file() else None

    def _audit(self, utterances: Sequence[Utterance], plan: FoldPlan) -> bool:
        """True where there is an audit; it is that of these folds."""
        from mtlser.data import audit
        from mtlser.evaluation.verification import evidence

        return evidence.audited(self.folder, audit.audit(utterances, plan))
