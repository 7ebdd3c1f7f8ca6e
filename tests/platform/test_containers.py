"""A whole DAG in containers, with PostgreSQL, MLflow's server and an S3 store beside it.

Containers are on a network without a way out, run without root and on a read-only root.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from mlflow import MlflowClient

from components import IMAGE
from mtlser import recipe as recipes
from mtlser.tracking import mlflow_runs
from pipeline.dags import DAGS
from pipeline.dags.place import Place
from pipeline.dags.profile import Profile, Retry
from tests.helpers.trained import write_emodb
from tests.platform.docker_engine import Platform, use_containers

KEY = "in-containers"
SMALL = (
    "data.corpus=emodb", "split.protocol=loso", "split.max_folds=2", "train.epochs=2",
    "search.alphas=[0.1]", "noise.snr_db=[5]",
)  # fmt: skip
"""The demo's recipe on 32 clips of noise and two folds: what is tested is the DAG, no model."""
pytestmark = [
    pytest.mark.timeout(1800),
    # kfp's local runner: what is asked of a cluster means nothing here.
    pytest.mark.filterwarnings("ignore:.*no effect in the current local runner:UserWarning"),
]


class Hook(http.server.ThreadingHTTPServer):
    """A webhook on this machine, reachable from the containers."""

    def __init__(self, host: str) -> None:
        self.told: list[dict[str, Any]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.told.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        super().__init__((host, 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@dataclass
class Run:
    """What the run left behind."""

    platform: Platform
    client: MlflowClient
    hook: Hook
    folder: Path
    recipe: recipes.Recipe = field(repr=False)


@pytest.fixture(scope="module")
def run(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The compiled DAG with its exit handler, run by kfp's own Docker runner."""
    folder = tmp_path_factory.mktemp("containers")
    release = write_emodb(folder / "release")
    recipe = recipes.load("demo", (f"data.root={release}", *SMALL))
    hook = Hook(platform.gateway)
    address = f"http://{platform.gateway}:{hook.server_port}/hook"
    # kfp's runner replaces the containers' environment by the task's own: all of it goes there.
    profile = Profile(
        retry=Retry(count=1, backoff_s=1),
        environment={
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
            "MTLSER_WEBHOOK": address,
            "MTLSER_RUN": KEY,
            "MTLSER_WORK": str(folder / "work"),
        },
        loop_environment={"OMP_NUM_THREADS": "1"},
    )
    use_containers(platform, folder)
    DAGS["crossval"].guarded(Place(profile, IMAGE))(recipe=recipes.dumps(recipe))
    client = mlflow_runs.connect(f"http://{platform.address('mlflow')}:5000")
    yield Run(platform, client, hook, folder, recipe)
    hook.shutdown()
    hook.server_close()


def parent(run: Run) -> Any:
    (experiment,) = run.client.search_experiments(filter_string="name = 'mtlser/emodb'")
    result = run.client.search_runs(
        [experiment.experiment_id], f"tags.`mtlser.run` = '{KEY}'", max_results=10
    )
    assert len(result) == 1
    return result[0]


def test_the_scores_are_read_back_through_mlflow(run: Run) -> None:
    result = parent(run)
    assert result.info.status == "FINISHED"
    (summary,) = (run.folder / "root").rglob("summary.json")
    scores = json.loads(summary.read_text())
    for name in ("folds", "wa_mean", "ua_mean", "wer_mean"):
        assert result.data.metrics[name] == pytest.approx(scores[name])
    assert result.data.params["train.epochs"] == str(run.recipe.train.epochs)
    children = run.client.search_runs(
        [result.info.experiment_id], "attributes.status != 'FINISHED'", max_results=1000
    )
    assert children == []


def test_the_report_and_the_model_lie_on_s3(run: Run, tmp_path: Path) -> None:
    result = parent(run)
    page = run.client.download_artifacts(result.info.run_id, "report.html", str(tmp_path))
    store = boto3.client(
        "s3",
        endpoint_url=f"http://{run.platform.address('s3')}:8333",
        aws_access_key_id="mtlser",
        aws_secret_access_key=run.platform.secret,
        region_name="us-east-1",
    )
    pages = store.get_paginator("list_objects_v2").paginate(Bucket="mlflow", Prefix="artifacts/")
    keys = [entry["Key"] for each in pages for entry in each.get("Contents", [])]
    (key,) = [key for key in keys if key.endswith(f"{result.info.run_id}/artifacts/report.html")]
    assert store.get_object(Bucket="mlflow", Key=key)["Body"].read() == Path(page).read_bytes()
    assert any(key.endswith("weights.safetensors") for key in keys)
    assert not any(key.endswith((".pkl", ".pickle", ".pt")) for key in keys)


def test_the_champion_predicts_on_this_machine(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mtlser.serving import load

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{run.platform.address('mlflow')}:5000")
    monkeypatch.chdir(tmp_path)
    version = run.client.get_model_version_by_alias(run.recipe.registry.name, "champion")
    assert version.run_id == parent(run).info.run_id
    wav = next((run.folder / "release").rglob("*.wav"))
    (output,) = load.predict_files(f"models:/{run.recipe.registry.name}@champion", [wav])
    assert sum(output.probabilities.values()) == pytest.approx(1)


def test_the_champion_and_the_outcome_were_posted(run: Run) -> None:
    champion, told = run.hook.told
    assert (champion["event"], champion["name"], champion["version"]) == ("champion", "mtlser", 1)
    assert told["state"] == "SUCCEEDED"
    assert run.platform.secret not in json.dumps([champion, told])


def test_every_step_ran_in_a_container_without_a_way_out(run: Run) -> None:
    assert run.platform.network.attrs["Internal"] is True
    owners = {path.stat().st_uid for path in (run.folder / "root").rglob("*.json")}
    assert owners == {10001}
