"""The part that every evaluation is made of: nested search, every cell of the loop, report."""

from collections.abc import Callable
from typing import Any, NamedTuple

from kfp import dsl
from kfp.components import BaseComponent

from components.baselines.component import baselines
from components.evaluate.component import evaluate
from components.fold_split.component import fold_split
from components.ingest.component import ingest
from components.report.component import report
from components.search.component import search
from components.search_worker.component import search_worker
from components.train.component import train
from pipeline.dags.place import Place
from pipeline.kfp_internals import PipelineArtifactChannel


class Measured(NamedTuple):
    """What was chosen, and the report; it names the fold models in its metadata."""

    chosen: dsl.Artifact
    reported: dsl.Artifact


def measure(place: Place) -> BaseComponent:
    """The sub-pipeline; its `recipe` may come from another step, as no loop sees that step."""
    searched = searcher(place)

    @dsl.pipeline(name="measure", description="Cross-validates one recipe on given folds")
    def dag(
        recipe: str,
        corpus: dsl.Input[dsl.Dataset],
        folds: dsl.Input[dsl.Artifact],
        sources: str,
    ) -> Measured:
        """Search, train and score every cell, report.

        Args:
            recipe: what these steps get of the recipe, as TOML text.
            corpus: the corpus folder.
            folds: the folds folder.
            sources: digest of noise and encoder.
        """
        data = {"recipe": recipe, "corpus": corpus, "folds": folds}
        found = searched(**data, sources=sources)
        chosen, cells = found.outputs["chosen"], found.outputs["Output"]
        rivals = place.step(baselines(**data, sources=sources, chosen=chosen))
        with dsl.ParallelFor(cells, parallelism=place.profile.width) as cell:
            evaluated = evaluate(
                **data,
                sources=sources,
                chosen=chosen,
                cell=cell,
                processes=place.processes("evaluate"),
            )
            place.step(evaluated, looped=True)
        reporting = report(
            **data,
            chosen=chosen,
            trained=dsl.Collected(evaluated.outputs["trained"]),
            noisy=dsl.Collected(evaluated.outputs["noisy"]),
            baselines=rivals.outputs["measured"],
        )
        place.step(reporting)
        return Measured(chosen, reporting.outputs["reported"])

    return dag


def read(place: Place, given: dict[str, Any]) -> Any:
    """The corpus folder, from the step that reads the release; `given`: parts of the recipe."""
    task = place.step(ingest(recipe=given["reading"], release=given["release"]))
    return task.outputs["corpus"]


def cut(place: Place, given: dict[str, Any], corpus: Any) -> Any:
    """The folds folder, from the step that cuts the folds; `given`: parts of the recipe."""
    return place.step(fold_split(recipe=given["splitting"], corpus=corpus)).outputs["folds"]


def searcher(place: Place) -> Callable[..., dsl.PipelineTask]:
    """What makes the task that chooses alpha, beta and epoch, and names the cells.

    It takes `recipe`, `corpus`, `folds` and `sources`, and is made before the DAG that uses it, as
    Kubeflow's compiler builds one pipeline at a time.
    """
    if place.profile.search_workers > 1:
        return shared_search(place)
    return lambda **given: place.step(search(**given))


class Searched(NamedTuple):
    """What `search` puts out."""

    chosen: dsl.Artifact
    Output: list[str]


def shared_search(place: Place) -> BaseComponent:
    """The sub-pipeline of a search that several pods share; no loop sees its other steps."""
    pods = place.profile.search_workers

    @dsl.pipeline(name="shared-search", description="Searches alpha and beta in several pods")
    def dag(
        recipe: str,
        sources: str,
        corpus: dsl.Input[dsl.Dataset],
        folds: dsl.Input[dsl.Artifact],
    ) -> Searched:
        """Train in as many pods as there are workers, then choose.

        Args:
            recipe: what these steps get of the recipe, as TOML text.
            sources: digest of noise and encoder.
            corpus: the corpus folder.
            folds: the folds folder.
        """
        given = {"recipe": recipe, "sources": sources, "corpus": corpus, "folds": folds}
        with dsl.ParallelFor(list(range(pods)), name="search-workers", parallelism=pods) as first:
            worker = place.step(search_worker(**given, first=first))
        ended = dsl.Collected(worker.outputs["worked"])
        chosen = place.step(search(**given, worked=ended))
        return Searched(chosen.outputs["chosen"], chosen.outputs["Output"])

    return dag


def final_fit(
    place: Place,
    *,
    recipe: str,
    corpus: PipelineArtifactChannel,
    folds: PipelineArtifactChannel,
    reported: PipelineArtifactChannel,
    sources: str,
) -> dsl.PipelineTask:
    """The step that fits the network on all data, with what the folds chose."""
    task = train(
        recipe=recipe,
        corpus=corpus,
        folds=folds,
        chosen=reported,
        sources=sources,
        processes=place.processes("train"),
    )
    return place.step(task).set_display_name("train-final")
