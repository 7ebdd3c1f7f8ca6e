"""What MLflow's page needs of an experiment, and what of this machine it does not get."""

import os
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import recipe, tracking
from tests.helpers.factories import make_plan

RECIPE = recipe.load("demo")
EXPERIMENT = "mtlser/iemocap"
pytestmark = pytest.mark.usefixtures("mlflow_store")


def client() -> MlflowClient:
    return MlflowClient(tracking_uri=os.environ["MLFLOW_TRACKING_URI"])


def kind() -> str | None:
    result = client().get_experiment_by_name(EXPERIMENT)
    assert result is not None
    return result.tags.get("mlflow.experimentKind")


def start_run() -> None:
    with tracking.parent(RECIPE) as run:
        assert run.id


def test_an_experiment_is_marked_as_one_of_training_runs() -> None:
    start_run()
    assert kind() == "custom_model_development"


def test_an_experiment_of_an_earlier_version_is_marked_too() -> None:
    built = client().create_experiment(EXPERIMENT)
    start_run()
    assert kind() == "custom_model_development"
    client().set_experiment_tag(built, "mlflow.experimentKind", "genai_development")
    start_run()
    assert kind() == "genai_development"  # somebody chose it


def test_mlflow_gets_no_path_of_this_machine(tmp_path: Path) -> None:
    folders = {name: str(tmp_path / name) for name in ("release", "encoder", "noise")}
    here = recipe.load(
        "demo",
        (
            f"data.root={folders['release']}",
            f"model.encoder={folders['encoder']}",
            f"noise.root={folders['noise']}",
        ),
    )
    with tracking.parent(here) as run:
        tracking.dataset(run, here, make_plan())
    retained = client().get_run(str(run.id))
    params = retained.data.params
    keys = ("data.root", "model.encoder", "noise.root")
    assert [params[key] for key in keys] == ["release", "encoder", "noise"]
    logged = Path(client().download_artifacts(str(run.id), "recipe.toml")).read_text()
    everything = f"{retained.to_dictionary()} {logged}".replace(retained.info.artifact_uri, "")
    assert str(tmp_path) not in everything
    assert recipe.load(logged).hash == here.hash
    for name in folders.values():
        Path(name).mkdir()
    assert recipe.load(logged).located(here) == here
