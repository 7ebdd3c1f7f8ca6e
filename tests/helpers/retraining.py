"""Reports of two recipes on the same folds, and what the gate makes of them in a real store."""

from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient

from mtlser import stages, tracking
from mtlser.evaluation import scores
from mtlser.evaluation.score_records import Scores
from mtlser.recipe import Recipe, dumps
from mtlser.records import FoldPlan, Prediction, Protocol, read_json, write_json, write_jsonl
from mtlser.registry.gate import Reported
from mtlser.registry.versions import Registered
from mtlser.reporting import logged_scores
from tests.helpers.factories import make_plan, make_predictions, make_recipe

FOLDS = 6
NAME = "mtlser"
CHAMPION = make_recipe("noise.kinds=[]", "baseline.systems=[]")
CHALLENGER = make_recipe("noise.kinds=[]", "baseline.systems=[]", "train.learning_rate=2e-5")


def plan(folds: int = FOLDS, protocol: Protocol = "session", digest: str = "d" * 64) -> FoldPlan:
    """Folds of a hundred test utterances."""
    built = make_plan(folds, 100, protocol=protocol)
    return built.model_copy(update={"manifest_digest": digest})


@dataclass(frozen=True)
class Measured(Reported):
    """A report with the predictions that it was measured on."""

    predictions: tuple[Prediction, ...]


def measured(recipe: Recipe, quality: float, on: FoldPlan, seed: int = 0) -> Measured:
    """A recipe that is right about so often."""
    outcome = tuple(
        each.model_copy(update={"recipe_hash": recipe.hash})
        for each in make_predictions(on, quality=quality, seed=seed)
    )
    return Measured(scores.measure(outcome, on, recipe), on, outcome)


def with_values(side: Reported, metric: str, values: list[float | None]) -> Reported:
    """The same report with other fold values of one metric, unchecked."""
    main = side.scores.systems[0]
    clean = main.clean
    folds = tuple(
        fold.model_copy(update={"numbers": fold.numbers.model_copy(update={metric: value})})
        for fold, value in zip(clean.folds, values, strict=True)
    )
    test = (clean.model_copy(update={"folds": folds}), *main.test[1:])
    systems = (main.model_copy(update={"test": test}), *side.scores.systems[1:])
    return Reported(side.scores.model_copy(update={"systems": systems}), side.plan)


def write_report(folder: Path, recipe: Recipe, side: Measured) -> Path:
    """A report folder as far as promotion reads it."""
    folder.mkdir(parents=True)
    outcome: Scores = side.scores
    write_json(folder / "scores.json", outcome)
    write_json(folder / "folds.json", side.plan)
    write_jsonl(folder / "predictions.jsonl", side.predictions)
    scores.write_summary(folder / "summary.json", outcome)
    (folder / "recipe.toml").write_text(dumps(recipe), encoding="utf-8")
    return folder


def registered(final: Path, side: Measured, recipe: Recipe, run: str, tmp_path: Path) -> Registered:
    """A model with its report, both tracked under one key, as a cross-validation leaves them."""
    report = tmp_path / f"report-{run}"
    if not report.exists():
        write_report(report, recipe, side)
        with tracking.parent(recipe, run) as parent:
            logged_scores.log_scores(parent, side.scores, report)
    stages.register(str(final), str(report), recipe, str(tmp_path / f"registered-{run}"), run)
    return read_json(tmp_path / f"registered-{run}" / "registered.json", Registered)


def promoted(
    final: Path, ours: Measured, theirs: Measured, recipe: Recipe, run: str, tmp_path: Path
) -> Registered:
    folders = [tmp_path / f"{name}-{run}" for name in ("ours", "theirs")]
    for folder, side in zip(folders, (ours, theirs), strict=True):
        if not folder.exists():
            write_report(folder, recipe, side)
    out = tmp_path / f"promoted-{run}-{len(list(tmp_path.iterdir()))}"
    reports = str(folders[0]), str(folders[1])
    outcome = stages.promote(str(final), *reports, recipe, str(out), run)
    assert read_json(out / "registered.json", Registered) == outcome
    return outcome


def champion() -> int:
    return int(MlflowClient().get_model_version_by_alias(NAME, "champion").version)


def tags(version: int) -> dict[str, str]:
    return dict(MlflowClient().get_model_version(NAME, str(version)).tags)
