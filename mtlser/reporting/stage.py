"""The report folder from all predictions: scores, page, tables."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser.errors import MtlserError
from mtlser.evaluation import gathering, literature, noise_facts, scores, study_records
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.columns import Columns
from mtlser.evaluation.cost import cost_records
from mtlser.evaluation.groups import described
from mtlser.evaluation.score_records import MAIN_SYSTEM, Scores
from mtlser.evaluation.study_records import Study
from mtlser.evaluation.verification import evidence, ledger
from mtlser.evaluation.verification.claim_records import Scoring
from mtlser.evaluation.verification.evidence import Evidence, Given
from mtlser.files import write_text
from mtlser.recipe import Recipe, dumps
from mtlser.records import FoldPlan, Utterance, write_json
from mtlser.reporting import exports, listening, material, page
from mtlser.storage import custody
from mtlser.storage.layout import CHOSEN, FOLDS, PARENTS, PREDICTIONS, RECIPE, SCORES, SUMMARY

if TYPE_CHECKING:
    from mtlser.tracking import Run

UNNAMED = "a corpus that is not named"


@dataclass(frozen=True)
class Inputs:
    """Everything that a report is written from."""

    plan: FoldPlan
    folds_folder: Path
    results: Sequence[Path]
    """Folders with `predictions.jsonl` (cells, noisy folders, runs), or such files themselves."""
    corpus: Path | None
    """Corpus folder; `None`: not known."""
    search: SearchResult | None
    """What was chosen; `None`: not known."""
    recipe: Recipe | None
    """`None`: predictions of unknown origin."""
    main: str = ""
    """System that the page is about; empty: `mtlser`, or without a recipe the only one."""
    manifest: Sequence[Utterance] | None = None
    """The corpus' utterances; `None`: not known."""
    chosen_folder: Path | None = None
    """Where the choices were read from; `None`: not known."""
    ledger: Path | None = None
    """Corpus folder that keeps the record of scorings; `None`: one that cannot be written."""
    listen: int = 0
    """Misclassified test clips to put into the page as audio."""


def prediction_files(results: Sequence[Path]) -> list[Path]:
    """The file of predictions of each result.

    Raises:
        MtlserError: a folder without one.
    """
    predicted = _predicted(results)
    files = [path / PREDICTIONS if path.is_dir() else path for path in predicted]
    for path in files:
        if not path.is_file():
            raise MtlserError(
                f"{path.parent}: no {PREDICTIONS} in it; give folders that `mtlser train` or "
                "`mtlser noise-eval` wrote, or a file of one prediction a line"
            )
    return files


def _predicted(results: Sequence[Path]) -> list[Path]:
    """Those with predictions: a folder of costs, or of a study, has none."""
    return [path for path in results if not (cost_records.only(path) or study_records.only(path))]


def _studies(inputs: Inputs) -> tuple[Study, ...]:
    """The studies among the results.

    Raises:
        MtlserError: one is of other folds.
    """
    found = study_records.read(inputs.results)
    for study in found:
        if study.folds_digest != inputs.plan.digest:
            raise MtlserError(
                f"the study of {study.kind} of recipe {study.recipe_name} is of other folds than "
                f"this report's; run `mtlser study {study.kind}` on these folds, or leave it out"
            )
    return found


def write(folder: Path, inputs: Inputs, run: "Run") -> Scores:
    """Scores everything and writes the report folder.

    Raises:
        MtlserError: predictions that cannot be scored, no such system, or clips to listen to
            that are not there.
    """
    listening.check(inputs.listen, inputs.corpus, inputs.manifest is not None)
    recipe, studied = inputs.recipe or scores.any_recipe(), _studies(inputs)
    checked = evidence.gather(_given(inputs))
    columns = gathering.merge(
        prediction_files(inputs.results), folder / PREDICTIONS, checked.checks
    )
    measured = evidence.claimed(checked, _measured(inputs, columns, recipe))
    measured = measured.model_copy(update={"scorings": _scorings(inputs, measured, run)})
    if inputs.recipe is not None:
        write_text(folder / RECIPE, dumps(recipe))
    if inputs.search is not None:
        write_json(folder / CHOSEN, inputs.search)
    write_json(folder / FOLDS, inputs.plan)
    write_json(folder / SCORES, measured)
    scores.write_summary(folder / SUMMARY, measured)
    context = material.context(
        inputs.corpus,
        inputs.folds_folder,
        inputs.search,
        recipe,
        run,
        inputs.results,
        audited=checked.audit,
    ).model_copy(update={"studies": studied})
    page.write(folder / "report.html", measured, context, _clips(inputs, columns, measured.main))
    exports.write(folder, page.paper_tables(measured))
    _seal(folder, checked, measured)
    return measured


def _scorings(inputs: Inputs, measured: Scores, run: "Run") -> tuple[Scoring, ...]:
    """All systems ever scored on these folds, as far as is known; these are put on record."""
    run.tags(ledger.tags(measured))
    now = ledger.of(measured, run.id)
    runs = run.alike({ledger.FOLDS: measured.folds_digest})
    known = ledger.earlier(inputs.ledger, runs, measured.folds_digest)
    if inputs.ledger is not None:
        ledger.add(inputs.ledger, now)
    return ledger.different([*known, *now])


def _given(inputs: Inputs) -> Given:
    return Given(
        plan=inputs.plan,
        folds_folder=inputs.folds_folder,
        predicted=_predicted(inputs.results),
        manifest=inputs.manifest,
        corpus=inputs.corpus,
        recipe=inputs.recipe,
        search=inputs.search,
        chosen_folder=inputs.chosen_folder,
    )


def _seal(folder: Path, checked: Evidence, measured: Scores) -> None:
    """The report's custody record, and copies of those that it rests on."""
    (folder / PARENTS).mkdir()
    for name, record in checked.parents.items():
        write_json(folder / PARENTS / f"{name}.json", record)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    custody.seal(
        folder,
        "report",
        # A runner writes the time of the whole run into the summary.
        [name for name in names if name != SUMMARY],
        made_from=checked.parents,
        recipe_hash=measured.recipe_hash,
        manifest=measured.manifest_digest,
        folds=measured.folds_digest,
        unrecorded=sum(source.record is None for source in checked.sources),
    )


def _measured(inputs: Inputs, columns: Columns, recipe: Recipe) -> Scores:
    """All scores; without a recipe neither the corpus nor a published row is known to fit."""
    measured = scores.measure(
        columns,
        inputs.plan,
        recipe,
        chosen=inputs.search,
        noise=noise_facts.load(inputs.results),
        cost=cost_records.load(inputs.results),
        main=inputs.main or (MAIN_SYSTEM if inputs.recipe else _only(columns)),
        described=None if inputs.manifest is None else described(inputs.manifest),
    )
    if inputs.recipe is not None:
        return measured
    return measured.model_copy(update={"corpus": UNNAMED, "literature": literature.table_4()})


def _clips(inputs: Inputs, columns: Columns, system: str) -> tuple[listening.Clip, ...]:
    if not inputs.listen or inputs.corpus is None or inputs.manifest is None:
        return ()
    by_id = {utterance.id: utterance for utterance in inputs.manifest}
    return listening.clips(columns, system, inputs.plan, inputs.corpus, by_id, inputs.listen)


def _only(columns: Columns) -> str:
    """The network where it is there, else the one system there is."""
    systems = columns.systems
    if MAIN_SYSTEM in systems or len(systems) == 1:
        return MAIN_SYSTEM if MAIN_SYSTEM in systems else systems[0]
    raise MtlserError(
        f"predictions of {', '.join(systems)} and none of {MAIN_SYSTEM}; choose the system that "
        f"the report is about, for example `--main {shlex.quote(systems[0])}`"
    )
