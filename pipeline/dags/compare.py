"""The `compare` DAG: two recipes on the same folds of the same data, side by side on one page."""

from typing import NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.compare.component import compare
from components.ingest.component import ingest
from pipeline.dags.measure import measure, split
from pipeline.dags.place import Place


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
    def dag(
        recipe: str, rival: str, data_version: str = "", work: str = "", run: str = ""
    ) -> Outputs:
        """Cross-validate both recipes.

        Args:
            recipe: the resolved recipe as TOML text; it reads the corpus and cuts the folds.
            rival: the other one.
            data_version: digest of the release; ingest is cached on it and on the recipe.
            work: folder shared by the steps that outlives a killed one.
            run: key of the parent runs in MLflow; empty: the id of the Kubeflow run.
        """
        read = place.step(ingest(recipe=recipe, data_version=data_version))
        corpus = read.outputs["corpus"]
        data = split(place, recipe, corpus, work, run)
        ours = measured(recipe=recipe, **data).outputs["reported"]
        theirs = measured(recipe=rival, **data).outputs["reported"]
        task = place.step(compare(reported=ours, rival=theirs))
        return Outputs(corpus, data["folds"], ours, theirs, task.outputs["compared"])

    return dag


def guarded(place: Place) -> BaseComponent:
    """The steps, and the exit handler."""
    steps = core(place)

    @dsl.pipeline(name="compare", description="Compares two recipes on the same folds")
    def dag(recipe: str, rival: str, data_version: str = "", work: str = "", run: str = "") -> None:
        """Cross-validate two recipes on the same folds, compare, and tell the outcome.

        Args:
            recipe: the resolved recipe as TOML text; it reads the corpus and cuts the folds.
            rival: the other one.
            data_version: digest of the release; ingest is cached on it and on the recipe.
            work: folder or s3:// address shared by the steps that outlives a killed one.
            run: key of the parent runs in MLflow; empty: the id of the Kubeflow run.
        """
        with dsl.ExitHandler(place.outcome(recipe, run), name="steps"):
            steps(recipe=recipe, rival=rival, data_version=data_version, work=work, run=run)

    return dag
