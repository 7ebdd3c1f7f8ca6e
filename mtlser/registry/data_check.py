"""The check before a retraining: is there anything new, and may it be trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from mtlser.data import manifest
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, dumps
from mtlser.records import Utterance, write_json
from mtlser.registry import champion_data, drift
from mtlser.registry.champion_data import Tried
from mtlser.registry.drift_records import DRIFT, Check, Drift, Measure, Verdict
from mtlser.reporting import plain_table
from mtlser.tracking import Run


@dataclass(frozen=True)
class Checked:
    """What a step is told, and the record of why."""

    check: Check
    drift: Drift


def describe(drift: Drift) -> str:
    """The verdict, and a line for every measure: both values, size of the change, limit, p."""
    verdict = f"{drift.model}: {drift.verdict}: {drift.reason}"
    if not drift.measures:
        return verdict
    rows = [
        (
            each.name,
            each.champion,
            each.now,
            f"{each.scale} {each.effect:.3f}",
            "-" if each.limit is None else f"{each.limit:g}",
            "-" if each.p is None else f"{each.p:.2g}",
            "OVER" if each.breach else "",
        )
        for each in drift.measures
    ]
    headings = ("measure", "champion's data", "this data", "size", "limit", "p", "")
    return f"{verdict}\n{plain_table.text(headings, rows)}"


def check(corpus: Path, utterances: Sequence[Utterance], recipe: Recipe, run: Run) -> Checked:
    """What a retraining is to do with the corpus; nothing is written and no limit enforced.

    Nothing is new where any registered version was made of this manifest by this recipe: the
    champion itself, a challenger that was refused, or a champion that was rolled back. Training it
    again would give the same model.

    Args:
        corpus: the corpus folder.
        utterances: its manifest.
        recipe: the challenger's.
        run: the parent run; where nothing is tracked there is no champion to be seen.

    Raises:
        MtlserError: the champion's run lacks its recipe or manifest, or MLflow refuses.
    """
    digest = manifest.digest(utterances)
    if run.id is None or run.uri is None:
        reason = "tracking is off (MTLSER_TRACKING), so no champion is known"
        return _checked("first", reason, recipe, None, utterances, digest)
    from mtlser.tracking import mlflow_runs

    name = recipe.registry.name
    client = mlflow_runs.connect(run.uri)
    champion, tried = mlflow_runs.with_retries(
        lambda: champion_data.versions(client, name), f"read the versions of model {name}"
    )
    if champion is None:
        reason = f"model {name} has no champion"
        return _checked("first", reason, recipe, None, utterances, digest)
    same = _same(champion, tried, digest, recipe)
    if same is not None:
        role = "champion version" if same == champion else "version"
        reason = f"{role} {same.version} is of this manifest and this recipe ({same.reason})"
        return _checked("unchanged", reason, recipe, champion, utterances, digest)
    theirs = champion_data.recipe_of(client, name, champion).located(recipe)
    before = champion_data.manifest_of(client, name, champion)
    measures = drift.measures(before, utterances, recipe.drift, drift.sampling(corpus, utterances))
    data = "the same data" if champion.manifest_digest == digest else "new data"
    same_recipe = champion.recipe_hash == recipe.hash
    verdict: Verdict = "new_data" if same_recipe else "new_recipe"
    by_recipe = "the same recipe" if same_recipe else "another recipe"
    reason = f"{data} and {by_recipe} since champion version {champion.version}"
    checked = _checked(verdict, reason, recipe, champion, utterances, digest)
    measured = checked.drift.model_copy(
        update={
            "measures": measures,
            "added": len(drift.added_to(before, utterances)),
            "lost": len(drift.added_to(utterances, before)),
            "changed": len(drift.changed(before, utterances)),
        }
    )
    return Checked(Check(verdict=verdict, champion_recipe=dumps(theirs)), measured)


def log(run: Run, measured: Drift, folder: Path) -> None:
    """Writes `drift.json` and logs it and every size to MLflow."""
    write_json(folder / DRIFT, measured)
    run.tags({"mtlser.verdict": measured.verdict, "mtlser.verdict_reason": measured.reason})
    run.metrics({f"drift.{_metric(measure)}": measure.effect for measure in measured.measures})
    run.artifact(folder / DRIFT)


def enforce(measured: Drift) -> None:
    """Refuses data that drifted past the recipe's limits.

    Raises:
        MtlserError: naming each size, its limit, and what would allow it.
    """
    if not measured.breaches:
        return
    seen = "; ".join(
        f"{each.name}: {each.scale} {each.effect:.3g}, over drift.{each.key} = {each.limit:g} "
        f"(champion: {each.champion}; now: {each.now})"
        for each in measured.breaches
    )
    allowed: dict[str, float] = {}
    for each in measured.breaches:
        allowed[each.key] = max(allowed.get(each.key, 0.0), _above(each))
    flags = " ".join(f"--set drift.{key}={value:g}" for key, value in allowed.items())
    raise MtlserError(
        f"the data drifted from champion version {measured.champion} of {measured.model}: {seen}; "
        f"look at what was read, or allow it with `{flags}`"
    )


def _same(champion: Tried, tried: Sequence[Tried], digest: str, recipe: Recipe) -> Tried | None:
    """The version made of this data by this recipe, the champion first."""
    for each in (champion, *reversed(tried)):
        if (each.manifest_digest, each.recipe_hash) == (digest, recipe.hash):
            return each
    return None


def _checked(
    verdict: Verdict,
    reason: str,
    recipe: Recipe,
    champion: Tried | None,
    utterances: Sequence[Utterance],
    digest: str,
) -> Checked:
    """Without measures, and with the challenger's own recipe."""
    measured = Drift(
        verdict=verdict,
        reason=reason,
        model=recipe.registry.name,
        champion=champion.version if champion else None,
        manifest_digest=digest,
        champion_manifest_digest=champion.manifest_digest if champion else None,
        recipe_hash=recipe.hash,
        champion_recipe_hash=champion.recipe_hash if champion else None,
        utterances=len(utterances),
        added=0,
        lost=0,
        changed=0,
    )
    return Checked(Check(verdict=verdict, champion_recipe=dumps(recipe)), measured)


def _metric(measure: Measure) -> str:
    """`level of 31 added` -> `added_level_ks`, so that a run's metrics have stable names."""
    name, of, _ = measure.name.partition(" of ")
    return f"{'added_' if of else ''}{name.replace(' ', '_')}_{measure.scale}"


def _above(measure: Measure) -> float:
    """The smallest number of two decimals that lets the size pass."""
    return ceil(measure.effect * 100) / 100
