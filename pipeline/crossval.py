"""The `crossval` DAG: ingest, folds, nested search, every cell, report, final fit, registry.

No hyper-parameter is here: the recipe holds what decides a result, the profile what a step asks
for. Inside the loop only pipeline parameters, artifacts and the loop item may be used: kfp.local
silently replaces any other step's parameter there by the loop item.
"""

from typing import NamedTuple

from kfp import dsl

from components import IMAGE
from components.fold_split.component import fold_split
from components.ingest.component import ingest
from components.noise_eval.component import noise_eval
from components.register.component import register
from components.report.component import report
from components.search.component import search
from components.train.component import train
from pipeline.profile import Profile


class Outputs(NamedTuple):
    """Artifacts that outlive a run; `reported` names the fold models in its metadata."""

    corpus: dsl.Dataset
    folds: dsl.Artifact
    chosen: dsl.Artifact
    reported: dsl.Artifact
    final: dsl.Model
    registered: dsl.Artifact


def crossval(profile: Profile, image: str = IMAGE) -> dsl.base_component.BaseComponent:
    """The DAG with the requests of `profile`, its steps running in `image`."""

    def step(task: dsl.PipelineTask, *, heavy: bool, cached: bool = True) -> dsl.PipelineTask:
        profile.apply(task, heavy=heavy, cached=cached)
        return task.set_container_image(image)

    @dsl.pipeline(
        name="crossval",
        description="Cross-validated multi-task speech emotion recognition, from wav to registry",
    )
    def dag(recipe: str, data_version: str = "", work: str = "", run: str = "") -> Outputs:
        """Cross-validate the recipe, report, fit on all data and register.

        Args:
            recipe: the resolved recipe as TOML text.
            data_version: digest of the release; ingest is cached on it and on the recipe.
            work: folder shared by the steps that outlives a killed one.
            run: key of the parent run in MLflow; empty: the id of the Kubeflow run.
        """
        tracked = {"run": run, "job": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
        read = step(ingest(recipe=recipe, data_version=data_version), heavy=False)
        corpus = read.outputs["corpus"]
        split = step(fold_split(recipe=recipe, corpus=corpus), heavy=False)
        folds = split.outputs["folds"]
        data = {"recipe": recipe, "corpus": corpus, "folds": folds}
        found = step(search(**data, **tracked, work=work), heavy=True)
        chosen = found.outputs["chosen"]
        with dsl.ParallelFor(split.outputs["Output"], parallelism=profile.width) as cell:
            fitted = step(train(**data, **tracked, chosen=chosen, cell=cell, work=work), heavy=True)
            heard = step(
                noise_eval(**data, trained=fitted.outputs["trained"], cell=cell), heavy=True
            )
            for task in (fitted, heard):
                for name, value in profile.loop_environment.items():
                    task.set_env_variable(name, value)
        cells = dsl.Collected(fitted.outputs["trained"])
        noisy = dsl.Collected(heard.outputs["noisy"])
        told = step(
            report(**data, **tracked, chosen=chosen, trained=cells, noisy=noisy), heavy=False
        )
        reported = told.outputs["reported"]
        final = step(train(**data, **tracked, chosen=reported, work=work), heavy=True)
        final.set_display_name("train-final")
        model = final.outputs["trained"]
        kept = step(
            register(recipe=recipe, **tracked, trained=model, reported=reported),
            heavy=False,
            cached=False,
        )
        return Outputs(corpus, folds, chosen, reported, model, kept.outputs["registered"])

    return dag
