"""`mtlser-pipeline metrics`: what Kubeflow, MLflow and S3 hold, as Prometheus reads it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from prometheus_client.parser import text_string_to_metric_families

from mtlser import storage, tracking
from tests.helpers.kfp_api import KubeflowApi
from tests.helpers.places import fill
from tests.helpers.retraining import CHAMPION, NAME, measured, plan, registered
from tests.helpers.server_runs import ended, task
from tests.helpers.server_words import CLUSTER, command
from tests.helpers.trained import write_model

Figures = dict[tuple[str, tuple[str, ...]], float]


def figures(text: str) -> Figures:
    """Values by name and labels, as Prometheus' own reader takes them."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def stated(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture
def scheduled(kubeflow: KubeflowApi) -> datetime:
    """A schedule with two runs, one failed; when they ended."""
    words = ("--name", "weekly", "--cron", "0 0 3 * * 1")
    assert command("schedule", *words, *CLUSTER).code == 0
    (known,) = kubeflow.schedules("weekly")
    now = datetime.now(UTC).replace(microsecond=0)
    for number, (state, step) in enumerate((("FAILED", "train"), ("SUCCEEDED", "ingest"))):
        moment = stated(now - timedelta(days=2 - number))
        outcome = ended(state, task(step, state, 1))
        kubeflow.store["runs"].append(
            {"run_id": f"0000000{number}-2222-3333-4444-555555555555", "display_name": f"w{number}",
             "recurring_run_id": known["recurring_run_id"], "created_at": moment,
             "finished_at": moment, **outcome}
        )  # fmt: skip
    return now


@pytest.mark.usefixtures("mlflow_store")
def test_all_sources_are_read(scheduled: datetime, s3: str, tmp_path: Path) -> None:
    final = write_model(tmp_path).parent
    registered(final, measured(CHAMPION, 0.7, plan()), CHAMPION, "1", tmp_path)
    client = MlflowClient(tracking.uri())
    experiment = client.search_experiments(filter_string="name LIKE 'mtlser/%'")[0]
    client.create_run(experiment.experiment_id)
    with storage.output(f"{s3}/out") as folder:
        fill(folder, a="12345")
    done = command("metrics", "--s3", s3, "--out", str(tmp_path / "mtlser.prom"))
    assert done.code == 0, done.err
    seen = figures((tmp_path / "mtlser.prom").read_text())
    for source in ("kubeflow", "mlflow", "s3"):
        assert seen["mtlser_source_up", (source,)] == 1
    assert seen["mtlser_schedule_active", ("weekly",)] == 1
    last = "mtlser_schedule_last_end_timestamp_seconds"
    day = timedelta(days=1).total_seconds()
    assert seen[last, ("weekly", "SUCCEEDED")] == scheduled.timestamp() - day
    assert seen[last, ("weekly", "FAILED")] == scheduled.timestamp() - 2 * day
    assert seen["mtlser_failed_steps", ("train",)] == 1
    assert seen["mtlser_open_runs", (experiment.name,)] == 1
    assert seen["mtlser_champion_version", (NAME,)] == 1
    now = datetime.now(UTC).timestamp()
    assert now - 600 < seen["mtlser_champion_since_timestamp_seconds", (NAME,)] <= now
    assert now - 600 < seen["mtlser_last_run_end_timestamp_seconds", (experiment.name, "FINISHED")]
    assert seen["mtlser_s3_bytes", (s3,)] > 5
    assert seen["mtlser_s3_objects", (s3,)] >= 2


@pytest.mark.usefixtures("mlflow_store", "scheduled")
def test_a_source_that_is_away_is_told_and_the_others_are_there(
    kubeflow: KubeflowApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("mtlser.storage.s3.retry.PATIENCE_S", 0.1)
    kubeflow.fail("GET", "/recurringruns", 403)
    done = command("metrics", "--s3", "s3://nowhere")
    assert done.code == 0, done.err
    seen = figures(done.out)
    assert seen["mtlser_source_up", ("kubeflow",)] == 0
    assert seen["mtlser_source_up", ("s3",)] == 0
    assert ("mtlser_source_up", ("mlflow",)) not in seen
    assert "kubeflow: " in done.err
