"""Steps under Kubeflow's own MLflow integration, in containers.

Where an administrator has switched it on, Kubeflow makes a run for the pipeline and one for each
task, tells the task its own by `MLFLOW_RUN_ID`, and logs the task's parameters there in one batch
once it has ended. A parameter that has another value by then would make the whole batch fail.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from kfp import dsl
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run

from components import IMAGE
from components.evaluate.component import evaluate
from components.fold_split.component import fold_split
from components.ingest.component import ingest
from components.search.component import search
from mtlser import recipe as recipes
from mtlser.tracking import mlflow_runs
from pipeline.dags.place import Place
from pipeline.dags.profile import Profile, Retry
from tests.helpers.trained import write_emodb
from tests.platform.docker_engine import Platform, use_containers

PARENT = "mlflow.parentRunId"
RUN = "11111111-2222-3333-4444-555555555555"
CELL = "mtlser:f0:s0"
TASKS = ("search", "evaluate")
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:.*no effect in the current local runner:UserWarning"),
]


@dataclass
class Tracked:
    """Kubeflow's own runs."""

    client: MlflowClient
    experiment: str
    pipeline: str
    tasks: dict[str, str]
    recipe: str

    def below(self, run: str) -> list[Run]:
        return list(self.client.search_runs([self.experiment], f"tags.`{PARENT}` = '{run}'"))


@pytest.fixture(scope="module")
def tracked(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """Four steps, of which search and training track, run as Kubeflow's server would."""
    folder = tmp_path_factory.mktemp("kubeflow")
    write_emodb(folder / "release")
    use_containers(platform, folder)
    overrides = (f"data.root={folder / 'release'}", "model.encoder=bundled", "train.epochs=1")
    given = recipes.load("emodb", (*overrides, "search.alphas=[]", "search.betas=[]"))
    text = recipes.dumps(given)
    client = mlflow_runs.connect(f"http://{platform.address('mlflow')}:5000")
    experiment = client.create_experiment("Default pipelines")
    pipeline = client.create_run(experiment, run_name="crossval-1").info.run_id
    tasks = {
        name: client.create_run(experiment, tags={PARENT: pipeline}, run_name=name).info.run_id
        for name in TASKS
    }
    _run(text, str(folder / "work"), experiment, tasks)
    return Tracked(client, experiment, pipeline, tasks, text)


def _run(text: str, work: str, experiment: str, tasks: dict[str, str]) -> None:
    place = Place(
        Profile(
            retry=Retry(count=0, backoff_s=1),
            environment={
                "MLFLOW_TRACKING_URI": "http://mlflow:5000",
                "MLFLOW_EXPERIMENT_ID": experiment,
                "OMP_NUM_THREADS": "1",
                "MTLSER_RUN": RUN,
                "MTLSER_WORK": work,
            },
        ),
        IMAGE,
    )

    def outcome(task: Any, name: str) -> Any:
        return place.step(task).set_env_variable("MLFLOW_RUN_ID", tasks[name])

    @dsl.pipeline(name="tracked")
    def dag(recipe: str) -> None:
        corpus = place.step(ingest(recipe=recipe, release="")).outputs["corpus"]
        folds = place.step(fold_split(recipe=recipe, corpus=corpus)).outputs["folds"]
        data = {"recipe": recipe, "corpus": corpus, "folds": folds, "sources": ""}
        result = outcome(search(**data), "search")
        outcome(evaluate(**data, chosen=result.outputs["chosen"], cell=CELL), "evaluate")

    dag(recipe=text)


def test_our_runs_are_nested_below_the_pipeline_s_and_shared_by_its_steps(tracked: Tracked) -> None:
    below = tracked.below(tracked.pipeline)
    (ours,) = [run for run in below if run.info.run_id not in tracked.tasks.values()]
    assert ours.data.tags["mtlser.recipe"] == "emodb"
    assert ours.data.params["train.epochs"] == "1"
    (pair,) = tracked.below(ours.info.run_id)
    assert {"hp.alpha", "hp.beta"} <= pair.data.params.keys()
    (fold,) = tracked.below(pair.info.run_id)
    assert fold.info.status == "FINISHED"
    assert fold.data.metrics["train_loss"] > 0


def test_kubeflow_s_own_batch_of_parameters_and_metrics_meets_none_of_ours(
    tracked: Tracked,
) -> None:
    inputs = {
        "recipe": tracked.recipe[:400],
        "cell": CELL,
        "sources": "",
        "seed": 0,
    }
    batch = [Param(name, json.dumps(value)) for name, value in inputs.items()]
    for run in tracked.tasks.values():
        tracked.client.log_batch(run, metrics=[Metric("ua", 0.5, 0, 0)], params=batch)
        logged = tracked.client.get_run(run).data
        assert logged.params["cell"] == json.dumps(CELL)
        assert logged.metrics == {"ua": 0.5}
