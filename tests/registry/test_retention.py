"""Old runs of a real MLflow store: what goes, and what a champion keeps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from mtlser.cli.app import app
from mtlser.registry import champions, retention

DAY_MS = 86_400_000


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MTLSER_TRACKING", raising=False)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return MlflowClient(uri, registry_uri=uri)


def run(
    client: MlflowClient, name: str, days: float | None, parent: str = "", experiment: str = "own"
) -> str:
    """A run that ended so many days ago; `None`: it goes on."""
    found = client.get_experiment_by_name(f"mtlser/{experiment}")
    place = found.experiment_id if found else client.create_experiment(f"mtlser/{experiment}")
    tags = {"mlflow.parentRunId": parent} if parent else {}
    made: str = client.create_run(place, tags=tags, run_name=name).info.run_id
    if days is not None:
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        client.set_terminated(made, end_time=now_ms - int(days * DAY_MS))
    return made


def version(client: MlflowClient, run_id: str, *aliases: str) -> int:
    if not client.search_registered_models(filter_string="name='mtlser'"):
        client.create_registered_model("mtlser")
    number = int(client.create_model_version("mtlser", f"runs:/{run_id}/model", run_id).version)
    for alias in aliases:
        client.set_registered_model_alias("mtlser", alias, str(number))
    return number


def cleaned(*words: str) -> str:
    done = CliRunner().invoke(app, ["clean", "mlflow", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_old_trees_go_whole_and_what_a_champion_came_from_stays(client: MlflowClient) -> None:
    old = run(client, "old", 100)
    child = run(client, "old child", 120, old)
    unused = version(client, child)
    young_child = run(client, "half old", 100)
    run(client, "young child", 1, young_child)
    open_run = run(client, "open", 100)
    run(client, "open child", None, open_run)
    before, now, next_one = (run(client, each, 200) for each in ("before", "now", "next"))
    numbers = [version(client, before), version(client, now, champions.CHAMPION)]
    version(client, next_one, "challenger")
    client.set_registered_model_tag("mtlser", champions.HISTORY, ",".join(map(str, numbers)))
    elsewhere = client.create_run(client.create_experiment("someone's")).info.run_id
    client.set_terminated(elsewhere, end_time=1)

    shown = cleaned("--older-than", "90d")
    assert "old  2 runs, mtlser version 1" in shown
    assert "1 pipeline runs to be deleted" in shown
    assert client.get_run(old).info.lifecycle_stage == "active"

    assert "1 pipeline runs deleted" in cleaned("--older-than", "90d", "--yes")
    gone = {each for each in (old, child) if client.get_run(each).info.lifecycle_stage == "deleted"}
    assert gone == {old, child}
    for each in (young_child, open_run, before, now, next_one, elsewhere):
        assert client.get_run(each).info.lifecycle_stage == "active"
    left = {int(each.version) for each in client.search_model_versions("name='mtlser'")}
    assert left == {2, 3, 4}
    assert unused == 1
    assert "0 pipeline runs" in cleaned("--older-than", "90d")


def test_more_runs_than_a_page_are_all_seen(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE", 2)
    made = {run(client, str(number), 10, experiment=str(number % 2)) for number in range(5)}
    uri = client.tracking_uri
    found = retention.old_runs(uri, datetime.now(UTC) - timedelta(days=9))
    assert {each.id for each in found} == made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mlflow",), "give one, as --older-than 90d"),
        (("mlflow", "--older-than", "3 months"), "expected days, such as 90d"),
        (("runs/demo",), "expected an s3:// address or one of the words mlflow, cache"),
    ],
)
def test_what_cannot_be_cleaned_is_said(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["clean", *words])
    assert said in str(done.exception)
