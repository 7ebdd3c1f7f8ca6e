"""Stages around the registry: register, check_data, promote."""

import logging
from typing import TYPE_CHECKING

from mtlser import storage, tracking
from mtlser.recipe import Recipe
from mtlser.records import write_json
from mtlser.registry.drift_records import Check
from mtlser.stages.entry import stage
from mtlser.stages.inputs import load_manifest
from mtlser.storage.shards import fetch_corpus

if TYPE_CHECKING:
    from mtlser.registry.versions import Registered

log = logging.getLogger(__name__)


@stage
def register(model: str, report_folder: str, recipe: Recipe, out: str, run: str = "") -> None:
    """Registers the final model as challenger, and as champion where the recipe's gate allows.

    It is weighed against the report that the champion was registered with, where that is of the
    same folds of the same data; `promote` weighs it against a report made anew.
    """
    from mtlser.registry import promotion

    trained, reported = storage.fetch(model), storage.fetch(report_folder)
    with tracking.parent(recipe, run) as parent, storage.output(out) as folder:
        outcome = promotion.promote(trained / "model", reported, None, recipe, parent)
        write_json(folder / "registered.json", outcome)
        tracking.finish(parent)


@stage
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
    from mtlser.registry import data_check

    source = fetch_corpus(corpus)
    utterances = load_manifest(source)
    with tracking.parent(recipe, run) as parent, storage.output(out) as folder:
        result = data_check.check(source, utterances, recipe, parent)
        log.info("%s", data_check.describe(result.drift))
        data_check.log(parent, result.drift, folder)
        data_check.enforce(result.drift)
        if result.check.verdict == "unchanged":
            tracking.finish(parent)
    return result.check


@stage
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
    from mtlser.registry import promotion

    trained = storage.fetch(model)
    reports = storage.fetch(report_folder), storage.fetch(rival_report)
    with tracking.parent(recipe, run) as parent, storage.output(out) as folder:
        outcome = promotion.promote(trained / "model", *reports, recipe, parent)
        write_json(folder / "registered.json", outcome)
        tracking.finish(parent)
    return outcome
