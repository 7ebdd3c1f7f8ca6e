"""Reports of two recipes on the same folds, for tests of the gate."""

from pathlib import Path

from mtlser.evaluation import scores
from mtlser.evaluation.score_records import Scores
from mtlser.recipe import Recipe, dumps
from mtlser.records import FoldPlan, Protocol, write_json
from mtlser.serving.gate import Reported
from tests.factories import make_plan, make_predictions, make_recipe

FOLDS = 6
CHAMPION = make_recipe("noise.kinds=[]", "baseline.systems=[]")
CHALLENGER = make_recipe("noise.kinds=[]", "baseline.systems=[]", "train.learning_rate=2e-5")


def plan(folds: int = FOLDS, protocol: Protocol = "session", digest: str = "d" * 64) -> FoldPlan:
    """Folds of a hundred test utterances."""
    made = make_plan(folds, 100, protocol=protocol)
    return made.model_copy(update={"manifest_digest": digest})


def measured(recipe: Recipe, quality: float, on: FoldPlan, seed: int = 0) -> Reported:
    """A recipe that is right about so often."""
    told = [
        each.model_copy(update={"recipe_hash": recipe.hash})
        for each in make_predictions(on, quality=quality, seed=seed)
    ]
    return Reported(scores.measure(told, on, recipe), on)


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


def write_report(folder: Path, recipe: Recipe, side: Reported) -> Path:
    """A report folder as far as promotion reads it."""
    folder.mkdir(parents=True)
    told: Scores = side.scores
    write_json(folder / "scores.json", told)
    write_json(folder / "folds.json", side.plan)
    scores.write_summary(folder / "summary.json", told)
    (folder / "recipe.toml").write_text(dumps(recipe), encoding="utf-8")
    return folder
