"""Two scheduled runs at once: one registry, and one output folder."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mtlser import recipe as recipes
from mtlser import stages, tracking
from mtlser.recipe import Recipe
from mtlser.registry import champions, lock
from mtlser.reporting import logged_scores
from pipeline.local import workspace
from tests.conftest import S3_PASSWORD, S3_USER
from tests.helpers.retraining import CHALLENGER, CHAMPION, measured, plan, write_report
from tests.helpers.servers import Server, mlflow_server, postgres
from tests.helpers.trained import write_emodb, write_model
from tests.platform.faulty_training import plain_env

STEP = """
import sys
from mtlser import recipe, stages
from mtlser.registry import promotion
from mtlser.tracking import mlflow_runs
import mlflow.pyfunc
name, *places, made, out, run = sys.argv[1:]
step = getattr(stages, name)
print("ready", flush=True)
sys.stdin.readline()
step(*places, recipe.load(made), out, run)
"""


def at_once(address: str, folder: Path, steps: Sequence[Sequence[object]]) -> None:
    """Runs steps as processes that are all ready before the first begins."""
    env = {**plain_env(), "MLFLOW_TRACKING_URI": address}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", STEP, *map(str, step)], env=env, cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for step in steps
    ]  # fmt: skip
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in running:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in running:
        _, output = each.communicate(timeout=200)
        assert each.returncode == 0, output[-3000:]


def saved(folder: Path, recipe: Recipe) -> Path:
    path = folder / f"{recipe.hash}.toml"
    path.write_text(recipes.dumps(recipe))
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, s3_server: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    env = {
        **plain_env(),
        "MLFLOW_S3_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": S3_USER,
        "AWS_SECRET_ACCESS_KEY": S3_PASSWORD,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with (
        postgres() as database,
        mlflow_server(database.uri, "s3://mtlser/at-once", folder, env) as running,
    ):
        yield running


def named(recipe: Recipe) -> Recipe:
    """The recipe for a registered model of this test's own."""
    own = recipe.registry.model_copy(update={"name": "registered"})
    return recipe.model_copy(update={"registry": own})


def test_two_registrations_at_once_leave_the_better_one_champion(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are ready before either begins; whichever is first, the other is weighed against it."""
    model = write_model(tmp_path)
    steps = {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    for ua, built in ((0.55, named(CHAMPION)), (0.85, named(CHALLENGER))):
        side = measured(built, ua, plan())
        report = write_report(tmp_path / f"report-{ua}", built, side)
        out, run = tmp_path / f"registered-{ua}", f"scheduled-{ua}"
        with tracking.parent(built, run) as parent:
            logged_scores.log_scores(parent, side.scores, report)
        steps[ua] = ("register", model.parent, report, saved(tmp_path, built), out, run)
    at_once(server.address, tmp_path, list(steps.values()))

    client, name = MlflowClient(server.address), "registered"
    versions = {int(each.version): each for each in client.search_model_versions(f"name='{name}'")}
    assert sorted(versions) == [1, 2]
    better = named(CHALLENGER).hash
    (best,) = [n for n, version in versions.items() if version.tags["recipe_hash"] == better]
    aliases = {key: int(n) for key, n in client.get_registered_model(name).aliases.items()}
    assert aliases == {"champion": best, "challenger": 2}
    reasons = [versions[number].tags["mtlser.reason"] for number in (1, 2)]
    assert reasons[0] == "there was no champion"
    verdict = "not worse by" if best == 2 else "not shown to be not worse by"
    assert reasons[1].startswith(verdict)
    outcomes = {
        ua: json.loads((tmp_path / f"registered-{ua}" / "registered.json").read_text())
        for ua in steps
    }
    assert {each["version"] for each in outcomes.values()} == {1, 2}
    for each in outcomes.values():
        assert each["reason"] == versions[each["version"]].tags["mtlser.reason"]
        assert each["champion_before"] == (None if each["version"] == 1 else 1)
    assert {version.tags[lock.TURN] for version in versions.values()} == {lock.OVER}


def test_of_two_promotions_at_once_the_second_meets_a_champion_that_has_changed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both beat the champion that they were measured against; only the first may replace it."""
    final = write_model(tmp_path).parent
    weak, strong = measured(CHAMPION, 0.55, plan()), measured(CHALLENGER, 0.85, plan(), 1)
    theirs = write_report(tmp_path / "theirs", CHAMPION, weak)
    ours = write_report(tmp_path / "ours", CHALLENGER, strong)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    stages.register(str(final), str(theirs), CHAMPION, str(tmp_path / "first"), "first")
    built = saved(tmp_path, CHALLENGER)
    runs = ("weekly", "nightly")
    at_once(
        server.address,
        tmp_path,
        [("promote", final, ours, theirs, built, tmp_path / run, run) for run in runs],
    )

    client, name = MlflowClient(server.address), CHALLENGER.registry.name
    outcome = {
        int(each.version): each.tags for each in client.search_model_versions(f"name='{name}'")
    }
    assert sorted(outcome) == [1, 2, 3]
    aliases = {key: int(n) for key, n in client.get_registered_model(name).aliases.items()}
    assert aliases == {"champion": 2, "challenger": 3}
    assert champions.history(client, name) == [1, 2]
    assert "the champion has changed since" in outcome[3]["mtlser.reason"]
    assert "the champion has changed" not in outcome[2]["mtlser.reason"]


def test_a_second_run_into_the_same_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    release, out = write_emodb(tmp_path / "release"), tmp_path / "out"
    command = [
        sys.executable, "-m", "pipeline.cli", "run", "--recipe", "emodb", "--out", str(out),
        "--set", f"data.root={release}", "--set", "model.encoder=bundled",
    ]  # fmt: skip
    with workspace.locked(out):
        refused = subprocess.run(
            command, env=plain_env(), cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"mtlser-pipeline: --out {out}: another run is writing here, process ")
    assert line.endswith("; wait for it, or give another --out")
    assert f" {os.getpid()} on " in line
