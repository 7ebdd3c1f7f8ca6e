"""The `crossval` DAG: ingest, folds, nested search, every cell, report, final fit, registry."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.register.component import register
from pipeline.dags.measure import cut, final_fit, measure, read
from pipeline.dags.place import Place
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
    place: Place, measured: BaseComponent, recipe: str, given: dict[str, Any], corpus: Any
) -> Validated:
    """The steps after ingest, as part of the DAG that calls this.

    Args:
        place: where they run.
        measured: the sub-pipeline that they share.
        recipe: the whole recipe.
        given: its parts.
        corpus: the corpus folder.
    """
    folds = cut(place, given, corpus)
    data = {"recipe": given["measuring"], "sources": given["sources"]}
    data |= {"corpus": corpus, "folds": folds}
    measures = measured(**data).outputs
    reported = measures["reported"]
    final = final_fit(place, **data, reported=reported).outputs["trained"]
    registering = register(recipe=recipe, trained=final, reported=reported)
    registered = place.step(registering, cached=False).outputs["registered"]
    return Validated(folds, measures["chosen"], reported, final, registered)


def core(place: Place) -> BaseComponent:
    """The steps."""
    measured = measure(place)

    @dsl.pipeline(name="crossval-steps")
    def dag(recipe: str) -> Outputs:
        """Cross-validate the recipe, report, fit on all data and register.

        Args:
            recipe: the resolved recipe as TOML text.
        """
        given = place.prepared(recipe)
        corpus = read(place, given)
        return Outputs(corpus, *validate(place, measured, recipe, given, corpus))

    return dag


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    return handled(
        place,
        core(place),
        name="crossval",
        description="Cross-validated multi-task speech emotion recognition, from wav to registry",
    )
