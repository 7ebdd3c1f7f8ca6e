"""The `search` DAG: alpha, beta and epoch of every fold, and nothing of the test sets."""

from typing import NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.fold_split.component import fold_split
from components.ingest.component import ingest
from components.search.component import search
from pipeline.dags.place import Place, tracked
from pipeline.dags.place import guarded as handled


class Outputs(NamedTuple):
    """Artifacts that outlive a run."""

    corpus: dsl.Dataset
    folds: dsl.Artifact
    chosen: dsl.Artifact


def core(place: Place) -> BaseComponent:
    """The steps."""

    @dsl.pipeline(name="search-steps")
    def dag(recipe: str, data_version: str = "", work: str = "", run: str = "") -> Outputs:
        """Choose on validation.

        Args:
            recipe: the resolved recipe as TOML text.
            data_version: digest of the release; ingest is cached on it and on the recipe.
            work: folder shared by the steps that outlives a killed one.
            run: key of the parent run in MLflow; empty: the id of the Kubeflow run.
        """
        read = place.step(ingest(recipe=recipe, data_version=data_version))
        corpus = read.outputs["corpus"]
        folds = place.step(fold_split(recipe=recipe, corpus=corpus)).outputs["folds"]
        searched = search(recipe=recipe, corpus=corpus, folds=folds, **tracked(run), work=work)
        return Outputs(corpus, folds, place.step(searched).outputs["chosen"])

    return dag


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    return handled(
        place,
        core(place),
        name="search",
        description="Searches alpha and beta on validation",
    )
