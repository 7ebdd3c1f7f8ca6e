"""The `search` DAG: alpha, beta and epoch of every fold, and nothing of the test sets."""

from typing import NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from pipeline.dags.measure import cut, read, searcher
from pipeline.dags.place import Place
from pipeline.dags.place import guarded as handled


class Outputs(NamedTuple):
    """Artifacts that outlive a run."""

    corpus: dsl.Dataset
    folds: dsl.Artifact
    chosen: dsl.Artifact


def core(place: Place) -> BaseComponent:
    """The steps."""
    searched = searcher(place)

    @dsl.pipeline(name="search-steps")
    def dag(recipe: str) -> Outputs:
        """Choose on validation.

        Args:
            recipe: the resolved recipe as TOML text.
        """
        given = place.prepared(recipe)
        corpus = read(place, given)
        folds = cut(place, given, corpus)
        measuring = {"recipe": given["measuring"], "sources": given["sources"]}
        chosen = searched(**measuring, corpus=corpus, folds=folds)
        return Outputs(corpus, folds, chosen.outputs["chosen"])

    return dag


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    return handled(
        place,
        core(place),
        name="search",
        description="Searches alpha and beta on validation",
    )
