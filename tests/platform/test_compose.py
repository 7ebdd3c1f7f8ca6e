"""`infra/compose.yaml` for real: it starts, and loses nothing by a restart."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.helpers.servers import until
from tests.platform.compose import Composed, composition

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def composed(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    with composition(engine, tmp_path_factory.mktemp("compose")) as held:
        yield held


def tracked(address: str, run: str) -> tuple[float, list[str]]:
    """What MLflow knows of a run: its metric and its artifacts."""
    client = MlflowClient(tracking_uri=address, registry_uri=address)
    result = client.get_run(run)
    return result.data.metrics["ua"], [each.path for each in client.list_artifacts(run)]


def test_the_services_are_healthy_and_keep_runs_over_a_restart(
    composed: Composed, tmp_path: Path
) -> None:
    until(lambda: set(composed.states().values()) == {"healthy"}, "all are healthy", 120)
    assert set(composed.states()) == {"mlflow", "postgres", "s3"}
    client = MlflowClient(tracking_uri=composed.address, registry_uri=composed.address)
    run = client.create_run(client.create_experiment("mtlser/emodb")).info.run_id
    client.log_metric(run, "ua", 0.5)
    (tmp_path / "report.html").write_text("<p>a report</p>")
    client.log_artifact(run, str(tmp_path / "report.html"))
    query = f"select value from latest_metrics where run_uuid = '{run}'"
    outcome = composed("exec", "-T", "postgres", "psql", "-U", "mlflow", "-tAc", query, "mlflow")
    assert outcome.strip() == "0.5"
    keys = "import boto3; print(boto3.client('s3').list_objects_v2(Bucket='mlflow')['Contents'])"
    assert f"{run}/artifacts/report.html" in composed("exec", "-T", "mlflow", "python", "-c", keys)

    composed("down", "--timeout", "20")
    composed.start()
    assert tracked(composed.address, run) == (0.5, ["report.html"])
