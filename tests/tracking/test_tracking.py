"""Runs in a real MLflow store: sqlite in a temporary folder."""

import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from shutil import copyfile

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from mtlser import recipe, tracking
from mtlser.errors import MtlserError
from mtlser.evaluation import scores
from mtlser.records import FoldPlan
from mtlser.reporting import logged_scores
from mtlser.tracking import mlflow_runs
from tests.helpers.factories import make_plan, make_predictions, make_recipe

RECIPE = recipe.load("demo")
EXPERIMENT = "mtlser/iemocap"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was just made: migrating one takes a second."""
    database = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture(autouse=True)
def store(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sqlite store of the test's own; the settle time is for other machines' clocks."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MTLSER_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    copyfile(fresh, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(mlflow_runs, "SETTLE_S", 0.0)


def client() -> MlflowClient:
    return MlflowClient(tracking_uri=os.environ["MLFLOW_TRACKING_URI"])


def entity(run: tracking.Run):  # type: ignore[no-untyped-def]
    return client().get_run(str(run.id))


def all_runs(view: int = ViewType.ACTIVE_ONLY):  # type: ignore[no-untyped-def]
    result = client().get_experiment_by_name(EXPERIMENT)
    assert result is not None
    return client().search_runs([result.experiment_id], run_view_type=view)


def test_steps_with_one_key_share_a_parent_that_stays_open_until_finished() -> None:
    with tracking.parent(RECIPE, "job-1") as first:
        pass
    assert entity(first).info.status == "RUNNING"
    with tracking.parent(RECIPE, "job-1") as second:
        tracking.finish(second)
    assert second.id == first.id
    assert entity(first).info.status == "FINISHED"
    with tracking.parent(RECIPE, "job-2") as other:
        pass
    assert other.id != first.id


def test_two_recipes_under_one_key_have_a_parent_each() -> None:
    rival = recipe.load("demo", ("train.learning_rate=1e-3",))
    parents, folds = [], []
    for built in (RECIPE, rival, RECIPE):
        with tracking.parent(built, "job") as run:
            pair = run.child("a0.1-b0.8", "alpha 0.1 beta 0.8")
            fold = pair.child("f0", "fold 0")
            fold.metrics({"ua": built.train.learning_rate})
            parents.append(run.id)
            folds.append(fold.id)
    assert parents[0] == parents[2] != parents[1]
    assert folds[0] == folds[2] != folds[1]
    assert entity(run).data.params["train.learning_rate"] == "0.0005"
    outcome = client().get_run(str(folds[1])).data.metrics
    assert outcome == {"ua": rival.train.learning_rate}


def test_a_step_that_says_nothing_asks_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with tracking.parent(RECIPE, "job"):
        pass


def test_an_empty_key_makes_a_run_of_its_own_that_closes_itself() -> None:
    with tracking.parent(RECIPE) as one:
        pass
    with tracking.parent(RECIPE) as two:
        pass
    assert one.id != two.id
    assert entity(one).info.status == "FINISHED"


@pytest.mark.parametrize(
    ("error", "status"), [(MtlserError("bad"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_failing_step_marks_its_parent(error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), tracking.parent(RECIPE, "job") as run:
        raise error
    assert entity(run).info.status == status


def test_the_parent_carries_recipe_parameters_and_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLSER_COMMIT", "abc123")
    leaking = recipe.load("demo", ("split.protocol=random",))
    with tracking.parent(leaking, "job") as run:
        run.dataset("iemocap", "d" * 64, "/data")
        run.dataset("iemocap", "d" * 64, "/data")
    outcome = entity(run)
    assert outcome.data.params["train.learning_rate"] == "0.0005"
    assert not any(name.startswith("hp.") for name in outcome.data.params)
    assert outcome.data.tags["mtlser.leaks"] == "true"
    official = recipe.load("demo", ("split.protocol=official",))
    with tracking.parent(official, "other") as partitioned:
        partitioned.tags({})
        assert "mtlser.leaks" not in entity(partitioned).data.tags  # the report knows it
    assert outcome.data.tags["mtlser.protocol"] == "random"
    assert outcome.data.tags["mtlser.recipe_hash"] == leaking.hash
    assert outcome.data.tags["mlflow.source.git.commit"] == "abc123"
    assert [given.dataset.digest for given in outcome.inputs.dataset_inputs] == ["d" * 36]
    assert outcome.data.tags["mtlser.manifest"] == "d" * 64
    path = client().download_artifacts(str(run.id), "recipe.toml")
    assert recipe.load(path) == leaking


def test_a_retried_step_doubles_nothing() -> None:
    for _ in range(2):
        with tracking.parent(RECIPE, "job") as run:
            cell = run.child("a0.1-b0.8", "alpha 0.1 beta 0.8")
            cell.params({"hp.alpha": 0.1, "hp.beta": 0.8})
            fold = cell.child("f0", "fold 0")
            for epoch in (1, 2):
                fold.metrics({"train_loss": 1 / epoch, "validation_ua": 0.5}, step=epoch)
            fold.close()
    assert len(all_runs()) == 3
    assert entity(cell).data.tags["mlflow.parentRunId"] == run.id
    assert entity(fold).data.tags["mlflow.parentRunId"] == cell.id
    history = client().get_metric_history(str(fold.id), "train_loss")
    assert {(point.step, point.value) for point in history} == {(1, 1.0), (2, 0.5)}


def test_large_batches_are_cut_to_what_mlflow_takes() -> None:
    with tracking.parent(RECIPE) as run:
        child = run.child("big", "big")
        child.params({f"p{i}": i for i in range(250)})
        child.metrics({f"m{i}": float(i) for i in range(1500)})
    assert len(entity(child).data.params) == 250
    assert len(entity(child).data.metrics) == 1500


def test_another_value_of_a_parameter_is_refused_in_one_sentence() -> None:
    with tracking.parent(RECIPE) as run:
        run.params({"hp": 1})
        with pytest.raises(MtlserError, match="could not log parameters") as refusal:
            run.params({"hp": 2})
    assert "\n" not in str(refusal.value)


def test_a_token_continues_the_run_elsewhere() -> None:
    with tracking.parent(RECIPE, "job") as run:
        again = tracking.from_token(run.token())
        again.metrics({"x": 1.0})
    assert again.id == run.id
    assert entity(run).data.metrics == {"x": 1.0}


def test_off_tracks_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").unlink()
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    tracking.init_store()
    with tracking.parent(RECIPE, "job") as run:
        child = run.child("a", "a")
        child.params({"a": 1})
        child.metrics({"a": 1.0})
        child.close()
    assert run.id is None
    assert tracking.from_token(run.token()).id is None
    assert list(tmp_path.iterdir()) == []


def test_nests_below_what_kubeflow_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = client().create_experiment("kubeflow")
    pipeline = client().create_run(experiment).info.run_id
    keys = []
    for _ in range(2):
        task = client().create_run(experiment, tags={"mlflow.parentRunId": pipeline})
        monkeypatch.setenv("MLFLOW_RUN_ID", task.info.run_id)
        with tracking.parent(RECIPE, "job") as run:
            keys.append(run.id)
    assert keys[0] == keys[1]
    assert entity(run).info.experiment_id == experiment
    assert entity(run).data.tags["mlflow.parentRunId"] == pipeline


def test_the_earliest_of_several_makers_wins_and_losers_delete_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracking.init_store()
    experiment = client().create_experiment(EXPERIMENT)
    searched = mlflow_runs.find
    earlier: list[str] = []

    def overtaken(asked: MlflowClient, place: str, marks: dict[str, str]) -> Run | None:
        result = searched(asked, place, marks)
        if not earlier:  # another step makes the parent right after this one looked
            built = asked.create_run(place, start_time=1, tags=marks)
            earlier.append(built.info.run_id)
        return result

    monkeypatch.setattr(mlflow_runs, "find", overtaken)
    with tracking.parent(RECIPE, "job") as run:
        pass
    assert run.id == earlier[0]
    assert len(client().search_runs([experiment])) == 1
    assert len(client().search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 1


def test_several_threads_agree_on_one_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    tracking.init_store()
    monkeypatch.setattr(mlflow_runs, "SETTLE_S", 0.5)

    def opened(_: int) -> str | None:
        with tracking.parent(RECIPE, "job") as run:
            return run.id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(opened, range(4)))) == 1
    assert len(all_runs()) == 1


def test_worker_processes_continue_a_run_of_an_initialised_store() -> None:
    assert tracking.init_store() == os.environ["MLFLOW_TRACKING_URI"]
    pool = ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    with tracking.parent(RECIPE, "job") as run, pool:
        list(pool.map(log_from_worker, [run.token()] * 4, range(4)))
    assert entity(run).data.metrics == {f"m{i}": float(i) for i in range(4)}


def log_from_worker(token: str, number: int) -> None:
    tracking.from_token(token).metrics({f"m{number}": float(number)})


def test_the_default_store_is_in_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mlflow.db").unlink()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with tracking.parent(RECIPE) as run:
        pass
    assert run.uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlruns"]


def test_a_deleted_experiment_is_told_with_what_brings_it_back() -> None:
    built = client().create_experiment(EXPERIMENT)
    client().delete_experiment(built)
    with pytest.raises(MtlserError, match=f"restore -x {built}"), tracking.parent(RECIPE):
        pass


def test_the_dataset_of_a_plan_is_logged_by_its_digest() -> None:
    plan = FoldPlan(protocol="loso", seed=0, manifest_digest="abc", folds=())
    with tracking.parent(RECIPE) as run:
        tracking.dataset(run, RECIPE, plan)
    given = entity(run).inputs.dataset_inputs[0].dataset
    assert (given.name, given.digest) == ("iemocap", "abc")


def test_a_report_logs_its_summary_each_folds_test_scores_and_its_files(tmp_path: Path) -> None:
    built, plan = make_recipe(), make_plan(folds=2)
    predictions = [
        *make_predictions(plan, snr_db=(0, 10, 20)),
        *make_predictions(plan, "svm", quality=0.5),
    ]
    measured = scores.measure(predictions, plan, built)
    folder = tmp_path / "report"
    folder.mkdir()
    scores.write_summary(folder / "summary.json", measured)
    (folder / "report.html").write_text("<p>page</p>")
    with tracking.parent(built, "job") as run:
        logged_scores.log_scores(run, measured, folder)
        logged_scores.log_scores(run, measured, folder)
    clean = measured.of("mtlser").clean
    assert entity(run).data.metrics["wa_mean"] == clean.spreads["wa"].mean
    below = {
        outcome.info.run_name: outcome.data
        for outcome in all_runs()
        if outcome.info.run_id != run.id
    }
    assert sorted(below) == [
        f"{system} {name}: test" for system in ("mtlser", "svm") for name in ("Ses01", "Ses02")
    ]
    first = below["mtlser Ses01: test"].metrics
    assert first["test_clean_wa"] == clean.folds[0].numbers.wa
    noisy = measured.of("mtlser").condition("babble@10dB")
    assert first["test_babble_10dB_wer"] == noisy.folds[0].numbers.wer
    assert "speaker_accuracy" in first
    assert "speaker_accuracy" not in below["svm Ses01: test"].metrics
    files = {file.path for file in client().list_artifacts(str(run.id))}
    assert files == {"recipe.toml", "report.html", "summary.json"}
