"""The `retrain` DAG: new data, a challenger, and the alias `champion` moved on evidence alone."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.check_data.component import check_data
from components.ingest.component import ingest
from components.promote.component import promote
from pipeline.dags.crossval import validate
from pipeline.dags.measure import final_fit, measure, split
from pipeline.dags.place import Place, tracked
from pipeline.dags.place import guarded as handled


class Outputs(NamedTuple):
    """Artifacts of every run, whatever it decided."""

    corpus: dsl.Dataset
    checked: dsl.Artifact


def core(place: Place) -> BaseComponent:
    """The steps."""
    measured = measure(place)

    @dsl.pipeline(name="retrain-steps")
    def dag(recipe: str, data_version: str = "", work: str = "", run: str = "") -> Outputs:
        """Read, check, and train where something is new.

        Args:
            recipe: the challenger's resolved recipe as TOML text.
            data_version: not needed: a retraining always reads the release anew.
            work: folder shared by the steps that outlives a killed one.
            run: key of the parent run in MLflow; empty: the id of the Kubeflow run.
        """
        read = ingest(recipe=recipe, data_version=data_version)
        place.step(read, cached=place.versioned)
        corpus = read.outputs["corpus"]
        seen = place.step(check_data(recipe=recipe, corpus=corpus, **tracked(run)), cached=False)
        with dsl.If(seen.outputs["verdict"] == "first", name="no champion yet"):
            validate(place, measured, recipe, corpus, work, run)
        with dsl.Elif(seen.outputs["verdict"] == "new_data", name="new data, the same recipe"):
            data = split(place, recipe, corpus, work, run)
            own = measured(recipe=recipe, **data).outputs["reported"]
            _decide(place, recipe, data, reported=own, rival=own)
        with dsl.Elif(seen.outputs["verdict"] == "new_recipe", name="another recipe"):
            data = split(place, recipe, corpus, work, run)
            champion = seen.outputs["champion_recipe"]
            ours = measured(recipe=recipe, **data).set_display_name("measure-challenger")
            theirs = measured(recipe=champion, **data).set_display_name("measure-champion")
            own = ours.outputs["reported"]
            _decide(place, recipe, data, reported=own, rival=theirs.outputs["reported"])
        return Outputs(corpus, seen.outputs["checked"])

    return dag


def _decide(place: Place, recipe: str, data: dict[str, Any], *, reported: Any, rival: Any) -> None:
    """The challenger's model on all data, weighed by its report against the champion's recipe's."""
    final = final_fit(place, recipe=recipe, **data, reported=reported)
    decided = promote(
        recipe=recipe,
        **tracked(data["run"]),
        trained=final.outputs["trained"],
        reported=reported,
        rival=rival,
    )
    place.step(decided, cached=False)


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    return handled(
        place,
        core(place),
        name="retrain",
        description="Retrains on new data; promotes the challenger on evidence",
        data_version="not needed: a retraining always reads the release anew",
        whose="the challenger's resolved recipe",
    )
