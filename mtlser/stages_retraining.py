"""The stages of a retraining; `mtlser.stages` has them all."""

from typing import TYPE_CHECKING

from mtlser import storage, tracking
from mtlser.data.drift_records import Check
from mtlser.recipe import Recipe
from mtlser.records import write_json
from mtlser.stage_inputs import load_manifest

if TYPE_CHECKING:
    from mtlser.serving.registry import Registered


def check_data(corpus: str, recipe: Recipe, out: str, run: str = "") -> Check:
    """What a retraining is to do: is there a champion, is anything new, may it be trained on.

    Args:
        corpus: corpus folder of the new data.
        recipe: the challenger's; `[registry]` names the model, `[drift]` holds the limits.
        out: folder to write `drift.json` to.
        run: key of the parent run in MLflow, where the record goes even if a limit is passed.

    Raises:
        MtlserError: the data drifted from the champion's past a limit.
    """
    from mtlser import show
    from mtlser.serving import checking

    source = storage.fetch(corpus)
    utterances = load_manifest(source)
    with tracking.parent(recipe, run) as parent, storage.output(out) as folder:
        found = checking.check(source, utterances, recipe, parent)
        show.drifted(found.drift)
        checking.log(parent, found.drift, folder)
        checking.enforce(found.drift)
        if found.check.verdict == "unchanged":
            tracking.finish(parent)
    return found.check


def promote(
    model: str, report_folder: str, rival_report: str, recipe: Recipe, out: str, run: str = ""
) -> "Registered":
    """Registers the final model as challenger; champion only where the recipe's gate allows.

    Args:
        model: folder of the challenger's final fit.
        report_folder: its report.
        rival_report: report of the champion's recipe on the same folds of the same data.
        recipe: the challenger's; `[registry]` holds the rule.
        out: folder to write `registered.json` to.
        run: key of the parent run in MLflow.
    """
    from mtlser.serving import promotion

    trained = storage.fetch(model)
    reports = storage.fetch(report_folder), storage.fetch(rival_report)
    with tracking.parent(recipe, run) as parent, storage.output(out) as folder:
        outcome = promotion.promote(trained / "model", *reports, recipe, parent)
        write_json(folder / "registered.json", outcome)
        tracking.finish(parent)
    return outcome


def close_run(run: str, status: str, recipe: Recipe) -> list[str]:
    """Ends all that is still open in MLflow under the key; ids of the key's parent runs.

    Args:
        run: key of the pipeline run; parents of every recipe under it are closed.
        status: `FINISHED`, `FAILED` or `KILLED`, for what is open; what has ended stays as it is.
        recipe: its corpus names the experiment.
    """
    from mtlser import outcome

    return outcome.close(recipe, run, status)


def report_outcome(recipe: Recipe, run: str, state: str, pipeline: str, error: str = "") -> None:
    """Closes what a pipeline run left open and tells the webhook; raises nothing of a service.

    Args:
        recipe: the resolved recipe.
        run: key of the pipeline run.
        state: as Kubeflow says it: `SUCCEEDED`, `FAILED`, `CANCELLED`.
        pipeline: name of the pipeline run.
        error: what the failed step said.
    """
    from mtlser import outcome

    outcome.report(recipe, run, state, pipeline, error)
