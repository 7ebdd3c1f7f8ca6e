"""The `crossval` DAG: ingest, folds, nested search, every cell, report, final fit, registry."""

from typing import NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.ingest.component import ingest
from components.register.component import register
from pipeline.dags.measure import final_fit, measure, split
from pipeline.dags.place import Place, tracked
from pipeline.dags.place import guarded as handled


class Outputs(NamedTuple):
    """Artifacts that outlive a run; `reported` names the fold models in its metadata."""

    corpus: dsl.Dataset
    folds: dsl.Artifact
    chosen: dsl.Artifact
    reported: dsl.Artifact
    final: dsl.Model
    registered: dsl.Artifact


class Validated(NamedTuple):
    """What cross-validation of a corpus leaves."""

    folds: dsl.Artifact
    chosen: dsl.Artifact
    reported: dsl.Artifact
    final: dsl.Model
    registered: dsl.Artifact


def validate(
    place: Place, measured: BaseComponent, recipe: str, corpus: object, work: str, run: str
) -> Validated:
    """The steps after ingest, as part of the DAG that calls this."""
    data = split(place, recipe, corpus, work, run)
    measures = measured(recipe=recipe, **data).outputs
    reported = measures["reported"]
    final = final_fit(place, recipe=recipe, **data, reported=reported).outputs["trained"]
    registering = register(recipe=recipe, **tracked(run), trained=final, reported=reported)
    registered = place.step(registering, cached=False).outputs["registered"]
    return Validated(data["folds"], measures["chosen"], reported, final, registered)


def core(place: Place) -> BaseComponent:
    """The steps."""
    measured = measure(place)

    @dsl.pipeline(name="crossval-steps")
    def dag(recipe: str, data_version: str = "", work: str = "", run: str = "") -> Outputs:
        """Cross-validate the recipe, report, fit on all data and register.

        Args:
            recipe: the resolved recipe as TOML text.
            data_version: digest of the release; ingest is cached on it and on the recipe.
            work: folder shared by the steps that outlives a killed one.
            run: key of the parent run in MLflow; empty: the id of the Kubeflow run.
        """
        read = place.step(ingest(recipe=recipe, data_version=data_version))
        corpus = read.outputs["corpus"]
        return Outputs(corpus, *validate(place, measured, recipe, corpus, work, run))

    return dag


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    return handled(
        place,
        core(place),
        name="crossval",
        description="Cross-validated multi-task speech emotion recognition, from wav to registry",
    )
