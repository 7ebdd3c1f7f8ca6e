"""The part that every evaluation is made of: nested search, every cell of the loop, report."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.fold_split.component import fold_split
from components.noise_eval.component import noise_eval
from components.report.component import report
from components.search.component import search
from components.train.component import train
from pipeline.dags.place import Place, tracked
from pipeline.kfp_internals import PipelineArtifactChannel


class Measured(NamedTuple):
    """What was chosen, and the report; it names the fold models in its metadata."""

    chosen: dsl.Artifact
    reported: dsl.Artifact


def measure(place: Place) -> BaseComponent:
    """The sub-pipeline; its `recipe` may come from another step, as no loop sees that step."""

    @dsl.pipeline(name="measure", description="Cross-validates one recipe on given folds")
    def dag(
        recipe: str,
        corpus: dsl.Input[dsl.Dataset],
        folds: dsl.Input[dsl.Artifact],
        work: str,
        run: str,
    ) -> Measured:
        """Search, train and score every cell, report.

        Args:
            recipe: the resolved recipe as TOML text.
            corpus: the corpus folder.
            folds: the folds folder.
            work: folder shared by the steps that outlives a killed one.
            run: key of the parent run in MLflow; empty: the id of the Kubeflow run.
        """
        data = {"recipe": recipe, "corpus": corpus, "folds": folds}
        tracking = {**tracked(run), "work": work}
        searched = place.step(search(**data, **tracking))
        chosen = searched.outputs["chosen"]
        with dsl.ParallelFor(searched.outputs["Output"], parallelism=place.profile.width) as cell:
            fitted = train(
                **data, **tracking, chosen=chosen, cell=cell, processes=place.processes("train")
            )
            place.step(fitted, looped=True)
            heard = noise_eval(**data, trained=fitted.outputs["trained"], cell=cell)
            place.step(heard, looped=True)
        reporting = report(
            **data,
            **tracked(run),
            chosen=chosen,
            trained=dsl.Collected(fitted.outputs["trained"]),
            noisy=dsl.Collected(heard.outputs["noisy"]),
        )
        place.step(reporting)
        return Measured(chosen, reporting.outputs["reported"])

    return dag


def split(place: Place, recipe: str, corpus: Any, work: str, run: str) -> dict[str, Any]:
    """The step that cuts the folds, and with them all that a measurement takes besides a recipe."""
    folds = place.step(fold_split(recipe=recipe, corpus=corpus)).outputs["folds"]
    return {"corpus": corpus, "folds": folds, "work": work, "run": run}


def final_fit(
    place: Place,
    *,
    recipe: str,
    corpus: PipelineArtifactChannel,
    folds: PipelineArtifactChannel,
    reported: PipelineArtifactChannel,
    work: str,
    run: str,
) -> dsl.PipelineTask:
    """The step that fits the network on all data, with what the folds chose."""
    task = train(
        recipe=recipe,
        corpus=corpus,
        folds=folds,
        chosen=reported,
        **tracked(run),
        work=work,
        processes=place.processes("train"),
    )
    return place.step(task).set_display_name("train-final")
