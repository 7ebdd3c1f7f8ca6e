"""The `compare` DAG: two recipes on the same folds of the same data, side by side on one page."""

from typing import NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.compare.component import compare
from pipeline.dags.measure import cut, measure, read
from pipeline.dags.place import PIPELINE, Place


class Outputs(NamedTuple):
    """Artifacts that outlive a run."""

    corpus: dsl.Dataset
    folds: dsl.Artifact
    ours: dsl.Artifact
    theirs: dsl.Artifact
    compared: dsl.Artifact


def core(place: Place) -> BaseComponent:
    """The steps."""
    measured = measure(place)

    @dsl.pipeline(name="compare-steps")
    def dag(recipe: str, rival: str) -> Outputs:
        """Cross-validate both recipes.

        Args:
            recipe: the resolved recipe as TOML text; it reads the corpus and cuts the folds.
            rival: the other one.
        """
        given = place.prepared(recipe)
        corpus = read(place, given)
        folds = cut(place, given, corpus)
        data = {"corpus": corpus, "folds": folds}
        ours, theirs = (
            measured(recipe=own["measuring"], sources=own["sources"], **data).outputs["reported"]
            for own in (given, place.prepared(rival))
        )
        task = place.step(compare(reported=ours, rival=theirs))
        return Outputs(corpus, folds, ours, theirs, task.outputs["compared"])

    return dag


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    steps = core(place)

    @dsl.pipeline(name=PIPELINE, description="Compares two recipes on the same folds")
    def dag(recipe: str, rival: str) -> None:
        """Cross-validate two recipes on the same folds, compare, and tell the outcome.

        Args:
            recipe: the resolved recipe as TOML text; it reads the corpus and cuts the folds.
            rival: the other one.
        """
        with dsl.ExitHandler(place.outcome(recipe, "compare"), name="steps"):
            steps(recipe=recipe, rival=rival)

    return dag
