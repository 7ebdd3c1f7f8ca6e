"""The report folder from all predictions: scores, page, tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser.errors import MtlserError
from mtlser.evaluation import gathering, literature, noise_facts, scores
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.columns import Columns
from mtlser.evaluation.cost import cost_records
from mtlser.evaluation.score_records import MAIN_SYSTEM, Scores
from mtlser.files import write_text
from mtlser.recipe import Recipe, dumps, load
from mtlser.records import FoldPlan, Utterance, write_json
from mtlser.reporting import exports, listening, material, page

if TYPE_CHECKING:
    from mtlser.tracking import Run

PREDICTIONS = "predictions.jsonl"
UNNAMED = "a corpus that is not named"

NO_RECIPE = """
name = ""
[data]
corpus = "iemocap"
root = "unknown"
[noise]
kinds = []
[baseline]
systems = []
"""
"""Asks for no system and no condition; the page shows none of it."""


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
    listen: int = 0
    """Misclassified test clips to put into the page as audio."""


def prediction_files(results: Sequence[Path]) -> list[Path]:
    """The file of predictions of each result.

    Raises:
        MtlserError: a folder without one.
    """
    predicted = [path for path in results if not cost_records.only(path)]
    files = [path / PREDICTIONS if path.is_dir() else path for path in predicted]
    for path in files:
        if not path.is_file():
            raise MtlserError(
                f"{path.parent}: no {PREDICTIONS} in it; give folders that `mtlser train` or "
                "`mtlser noise-eval` wrote, or a file of one prediction a line"
            )
    return files


def write(folder: Path, inputs: Inputs, run: "Run") -> Scores:
    """Scores everything and writes the report folder.

    Raises:
        MtlserError: predictions that cannot be scored, no such system, or clips to listen to
            that are not there.
    """
    listening.check(inputs.listen, inputs.corpus, inputs.manifest is not None)
    recipe = inputs.recipe or load(NO_RECIPE)
    columns = gathering.merge(prediction_files(inputs.results), folder / PREDICTIONS)
    measured = _measured(inputs, columns, recipe)
    if inputs.recipe is not None:
        write_text(folder / "recipe.toml", dumps(recipe))
    if inputs.search is not None:
        write_json(folder / "chosen.json", inputs.search)
    write_json(folder / "folds.json", inputs.plan)
    write_json(folder / "scores.json", measured)
    scores.write_summary(folder / "summary.json", measured)
    context = material.context(
        inputs.corpus, inputs.folds_folder, inputs.search, recipe, run, inputs.results
    )
    page.write(folder / "report.html", measured, context, _clips(inputs, columns, measured.main))
    exports.write(folder, page.paper_tables(measured))
    return measured


def _measured(inputs: Inputs, columns: Columns, recipe: Recipe) -> Scores:
    """All scores; without a recipe neither the corpus nor a published row is known to fit."""
    genders = None if inputs.manifest is None else {u.id: u.gender for u in inputs.manifest}
    measured = scores.measure(
        columns,
        inputs.plan,
        recipe,
        chosen=inputs.search,
        noise=noise_facts.load(inputs.results),
        cost=cost_records.load(inputs.results),
        main=inputs.main or (MAIN_SYSTEM if inputs.recipe else _only(columns)),
        genders=genders,
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
        f"the report is about, for example `--main {systems[0]}`"
    )
