"""What becomes of a model: registered as challenger always, as champion on evidence alone.

The evidence is two cross-validations on the same folds of the same data, weighed by the recipe's
gate: the model's own report, and either a report in which the champion's recipe was measured anew,
or the one that the champion came with.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser.evaluation.verification import registration
from mtlser.recipe import Recipe
from mtlser.registry import champion_data, champions, gate, lock, versions
from mtlser.registry.gate import Reported
from mtlser.registry.gate_records import Gate
from mtlser.registry.versions import CHALLENGER, REASON, Registered
from mtlser.tracking import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

GATE = "mtlser.gate"
"""Tag of a version: what the gate decided, as JSON."""
FIRST = "there was no champion"
MEASURE_BOTH = "`mtlser-pipeline run --dag retrain` measures both recipes on the same folds"


def promote(model: Path, report: Path, rival: Path | None, recipe: Recipe, run: Run) -> Registered:
    """What became of the model: registered always, champion where the gate allows.

    A step that is tried again registers nothing twice and moves no alias a second time.

    Args:
        model: model folder of the final fit.
        report: its report folder.
        rival: report folder of the champion's recipe on the same folds of the same data; `None`:
            the report that the champion itself was registered with.
        recipe: the model's; its `[registry]` holds the rule.
        run: the parent run.

    Raises:
        MtlserError: no model, no report, the two do not belong together, or MLflow refuses.
    """
    registration.check(model, report)
    ours = gate.reported(report)
    theirs = None if rival is None else gate.reported(rival)
    registered = versions.recorded(model, report / "summary.json", recipe, run)
    if registered is None:
        decision = None if theirs is None else _measured(ours, theirs, recipe)
        return versions.untracked(recipe).model_copy(update={"gate": decision})
    from mtlser.tracking import mlflow_runs

    client, version = registered
    with lock.taken(client, recipe.registry.name, version):
        became = mlflow_runs.with_retries(
            lambda: _moved(client, version, ours, theirs, recipe), f"promote version {version}"
        )
    if became.champion_now == version != became.champion_before:
        champions.tell(became.name, version, became.champion_before, became.reason)
    return became


def _moved(
    client: "MlflowClient", version: int, ours: Reported, theirs: Reported | None, recipe: Recipe
) -> Registered:
    name = recipe.registry.name
    before = champions.present(client, name)
    tags = client.get_model_version(name, str(version)).tags
    if REASON not in tags:  # never weighed before
        client.set_registered_model_alias(name, CHALLENGER, str(version))
    if champions.been(client, name, version, tags):
        return _outcome_of_retry(name, version, before, tags)
    if before is None:
        decision = _first(ours, theirs, recipe)
    elif theirs is None:
        decision = _against_its_own(client, before, ours, recipe)
    else:
        decision = _against_anew(client, before, ours, theirs, recipe)
    # The description is what MLflow's page shows first.
    client.update_model_version(name, str(version), decision.reason)
    client.set_model_version_tag(name, str(version), REASON, decision.reason)
    client.set_model_version_tag(name, str(version), GATE, decision.model_dump_json())
    if decision.passes:
        champions.crown(client, name, version)
    now = version if decision.passes else before
    return _outcome(name, version, before, now, decision.reason, decision)


def _outcome_of_retry(
    name: str, version: int, before: int | None, tags: Mapping[str, str]
) -> Registered:
    """What is known of a version that has been champion: its step is tried again."""
    stored = tags.get(GATE)
    known = None if stored is None else Gate.model_validate_json(stored)
    if before == version:
        reason = tags.get(REASON, f"version {version} is the champion already")
    else:
        left = tags.get(champions.ROLLED_BACK, f"champion is version {before or 'none'}")
        reason = (
            f"version {version} has been champion and is no longer ({left}); a step that is tried "
            "again does not make it champion anew; under another `--run` key it is weighed again"
        )
    return _outcome(name, version, before, before, reason, known)


def _outcome(
    name: str, version: int, before: int | None, now: int | None, reason: str, decision: Gate | None
) -> Registered:
    return Registered(
        name=name,
        version=version,
        champion_before=before,
        champion_now=now,
        reason=reason,
        gate=decision,
    )


def _measured(ours: Reported, theirs: Reported, recipe: Recipe) -> Gate:
    """The gate's decision, where the report is the recipe's own."""
    return _of_another_recipe(ours, recipe) or gate.weigh(ours, theirs, recipe.registry)


def _first(ours: Reported, theirs: Reported | None, recipe: Recipe) -> Gate:
    """Without a champion any sound model is one; a refused comparison stays refused."""
    if theirs is not None:
        decision = _measured(ours, theirs, recipe)
        return (
            decision.model_copy(update={"passes": True, "reason": FIRST})
            if decision.tests
            else decision
        )
    folds = len(ours.plan.folds)
    first = gate.decided(recipe.registry, folds, passes=True, reason=FIRST)
    return _unfit(ours, recipe) or first


def _unfit(ours: Reported, recipe: Recipe) -> Gate | None:
    """The refusal of a report that is no evidence, whatever it is held against."""
    reason = gate.unsound(ours, "challenger")
    alone = None if reason is None else _refused(ours, recipe, reason)
    return _of_another_recipe(ours, recipe) or alone


def _against_its_own(client: "MlflowClient", before: int, ours: Reported, recipe: Recipe) -> Gate:
    """The decision against the report that the champion was registered with."""
    name = recipe.registry.name
    champion, _ = champion_data.versions(client, name)
    lacking = f"champion version {before} has no report in MLflow to be weighed against"
    if champion is None:
        return _refused(ours, recipe, f"{lacking}; {MEASURE_BOTH}")
    try:
        theirs = champion_data.report_of(client, champion)
    except champion_data.NoEvidenceError as error:
        return _refused(ours, recipe, f"{lacking} ({error}); {MEASURE_BOTH}")
    reported_hash, known = theirs.scores.recipe_hash, champion.recipe_hash
    if reported_hash != known:
        foreign = (
            f"the report in the MLflow run of champion version {before} is of recipe "
            f"{reported_hash}, the champion of recipe {known or 'unknown'}"
        )
        return _refused(ours, recipe, f"{foreign}; {MEASURE_BOTH}")
    unfit = _unfit(ours, recipe)
    if unfit is not None:
        return unfit
    decision = gate.weigh(ours, theirs, recipe.registry)
    if decision.tests:
        return decision
    return decision.model_copy(update={"reason": f"{decision.reason}; {MEASURE_BOTH}"})


def _against_anew(
    client: "MlflowClient", before: int, ours: Reported, theirs: Reported, recipe: Recipe
) -> Gate:
    """The decision against the champion's recipe measured anew, if it still is the champion's."""
    decision = _measured(ours, theirs, recipe)
    name = recipe.registry.name
    known = client.get_model_version(name, str(before)).tags.get("recipe_hash")
    if known == theirs.scores.recipe_hash:
        return decision
    reason = (
        f"the rival's report is of recipe {theirs.scores.recipe_hash}, champion version {before} "
        f"of recipe {known or 'unknown'}: the champion has changed since it was measured"
    )
    return decision.model_copy(update={"passes": False, "reason": reason})


def _of_another_recipe(ours: Reported, recipe: Recipe) -> Gate | None:
    """The refusal of a report that another recipe wrote; `None` where it is the model's."""
    reported_hash = ours.scores.recipe_hash
    if reported_hash == recipe.hash:
        return None
    reason = f"the report is of recipe {reported_hash}, the challenger's recipe is {recipe.hash}"
    return _refused(ours, recipe, reason)


def _refused(ours: Reported, recipe: Recipe, reason: str) -> Gate:
    return gate.decided(recipe.registry, len(ours.plan.folds), passes=False, reason=reason)
