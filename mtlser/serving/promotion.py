"""A challenger that was measured against the champion's recipe: registered, and promoted or not."""

from pathlib import Path
from typing import TYPE_CHECKING

from mtlser.recipe import Recipe
from mtlser.serving import champions, gate, registry, turns
from mtlser.serving.gate import Reported
from mtlser.serving.gate_records import Gate
from mtlser.serving.registry import CHALLENGER, REASON, Registered
from mtlser.tracking import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

GATE = "mtlser.gate"
"""Tag of a version: what the gate decided, as JSON."""


def promote(model: Path, report: Path, rival: Path, recipe: Recipe, run: Run) -> Registered:
    """What became of the challenger: registered always, champion where the gate allows.

    A step that is tried again registers nothing twice and moves no alias a second time.

    Args:
        model: model folder of the challenger's final fit.
        report: its report folder.
        rival: report folder of the champion's recipe on the same folds of the same data.
        recipe: the challenger's; its `[registry]` holds the rule.
        run: the parent run.

    Raises:
        MtlserError: no model, no report, or MLflow refuses.
    """
    ours, theirs = gate.reported(report), gate.reported(rival)
    decision = _of_this_recipe(ours, recipe) or gate.weigh(ours, theirs, recipe.registry)
    found = registry.recorded(model, report / "summary.json", recipe, run)
    if found is None:
        return registry.untracked(recipe).model_copy(update={"gate": decision})
    from mtlser import mlflow_runs

    client, made = found
    with turns.taken(client, recipe.registry.name, made):
        return mlflow_runs.told(
            lambda: _moved(client, made, decision, theirs, recipe), f"promote version {made}"
        )


def _moved(
    client: "MlflowClient", made: int, decision: Gate, theirs: Reported, recipe: Recipe
) -> Registered:
    name = recipe.registry.name
    before = champions.present(client, name)
    client.set_registered_model_alias(name, CHALLENGER, str(made))
    if before == made:  # the step is tried again
        reason = registry.reason_of(client, name, made)
        return _told(name, made, before, made, reason, decision)
    if before is None:
        decision = _first(decision)
    else:
        decision = _of_this_champion(client, before, theirs, recipe, decision) or decision
    client.set_model_version_tag(name, str(made), REASON, decision.reason)
    client.set_model_version_tag(name, str(made), GATE, decision.model_dump_json())
    if decision.passes:
        champions.crown(client, name, made)
    now = made if decision.passes else before
    return _told(name, made, before, now, decision.reason, decision)


def _told(
    name: str, made: int, before: int | None, now: int | None, reason: str, decision: Gate
) -> Registered:
    return Registered(
        name=name,
        version=made,
        champion_before=before,
        champion_now=now,
        reason=reason,
        gate=decision,
    )


def _first(decision: Gate) -> Gate:
    """Without a champion any sound challenger is one; a refused comparison stays refused."""
    if decision.tests:
        return decision.model_copy(update={"passes": True, "reason": "there was no champion"})
    return decision


def _of_this_recipe(ours: Reported, recipe: Recipe) -> Gate | None:
    """The refusal of a report that another recipe wrote; `None` where it is the challenger's."""
    said = ours.scores.recipe_hash
    if said == recipe.hash:
        return None
    reason = f"the report is of recipe {said}, the challenger's recipe is {recipe.hash}"
    return gate.decided(recipe.registry, len(ours.plan.folds), passes=False, reason=reason)


def _of_this_champion(
    client: "MlflowClient", before: int, theirs: Reported, recipe: Recipe, decision: Gate
) -> Gate | None:
    """The refusal of a rival that is not the champion's recipe, as after a roll-back meanwhile."""
    name = recipe.registry.name
    known = client.get_model_version(name, str(before)).tags.get("recipe_hash")
    if known == theirs.scores.recipe_hash:
        return None
    reason = (
        f"the rival's report is of recipe {theirs.scores.recipe_hash}, champion version {before} "
        f"of recipe {known or 'unknown'}: the champion has changed since it was measured"
    )
    return decision.model_copy(update={"passes": False, "reason": reason})
