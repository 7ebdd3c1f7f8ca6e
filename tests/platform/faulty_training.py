"""Small real trainings as processes, with what they leave: files, S3 objects and MLflow runs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from safetensors import safe_open

from mtlser import storage
from mtlser.records import CellResult, Prediction, read_json, read_jsonl, write_json
from mtlser.tracking import mlflow_runs
from tests.helpers.corpora import one_fold, write_corpus
from tests.helpers.servers import until
from tests.helpers.trainings import history

ROOT = Path(__file__).parents[2]
EXPERIMENT = "mtlser/iemocap"
EPOCHS = 6
SETTINGS = (
    f"train.epochs={EPOCHS}", f"train.patience={EPOCHS}", "train.batch_size=8",
    "train.precision=fp32", "train.checkpoint_s=0.5", "search.metric=loss",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A corpus, its folds, and the environment of everything that runs on them."""

    folder: Path
    env: Mapping[str, str]

    @classmethod
    def write(cls, folder: Path, env: Mapping[str, str]) -> "Place":
        for name in ("corpus", "folds"):
            (folder / name).mkdir()
        utterances = write_corpus(folder / "corpus", speakers=4, each=24)
        write_json(folder / "folds" / "folds.json", one_fold(utterances))
        return cls(folder, env)


@dataclass
class Attempt:
    """One training by the command line, tried as often as asked with the same arguments."""

    place: Place
    name: str
    tracking: str
    work: str
    out: str
    env: dict[str, str] = field(default_factory=dict)
    settings: Sequence[str] = SETTINGS
    tries: int = 0
    running: subprocess.Popen[bytes] | None = None

    @property
    def cache(self) -> Path:
        return self.place.folder / f"{self.name}-cache"

    @property
    def log(self) -> Path:
        """What the last try said."""
        return self.place.folder / f"{self.name}-{self.tries}.log"

    def start(self) -> None:
        self.tries += 1
        place = self.place.folder
        command = [
            sys.executable, "-m", "mtlser", "train", "--recipe", "demo", "--fold", "0",
            "--manifest", str(place / "corpus"), "--folds", str(place / "folds"),
            "--work", self.work, "--out", self.out, "--run", self.name,
            *(part for each in self.settings for part in ("--set", each)),
        ]  # fmt: skip
        env = {**self.place.env, "MTLSER_CACHE": str(self.cache), **self.env}
        env["MLFLOW_TRACKING_URI"] = self.tracking
        if not self.tracking:
            env["MTLSER_TRACKING"] = "off"
        with self.log.open("wb") as log:
            self.running = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=place)

    def join(self) -> int:
        """The exit code, once it has ended."""
        assert self.running is not None
        return self.running.wait(timeout=290)

    def finish(self) -> None:
        code = self.join()
        assert code == 0, self.log.read_text()[-3000:]

    def kill(self) -> None:
        """SIGKILL, in the middle of it."""
        assert self.running is not None
        assert self.running.poll() is None, f"already over: {self.log.read_text()[-3000:]}"
        self.running.kill()
        self.running.wait()

    def await_epoch(self, epoch: int = 1) -> None:
        """Returns once so many epochs are in its checkpoint."""
        self._await(lambda: self.epochs_kept() >= epoch, f"{self.name}: epoch {epoch}")

    def _await(self, ready: Callable[[], bool], what: str) -> None:
        def alive_and_ready() -> bool:
            assert self.running is not None
            if ready():
                return True
            assert self.running.poll() is None, self.log.read_text()[-3000:]
            return False

        until(alive_and_ready, what)

    def under_way(self) -> bool:
        """Whether its process is there."""
        return self.running is not None and self.running.poll() is None

    def epochs_kept(self) -> int:
        """Finished epochs in the checkpoint on this disk.

        The training writes and renames below these folders meanwhile: unlike `Path.rglob`,
        `os.walk` passes over what has gone since it was listed; what is being written lies in
        hidden folders, which are no checkpoints yet.
        """
        for root in (self.place.folder / f"{self.name}-work", self.cache):
            for folder, within, files in os.walk(root):
                within[:] = [name for name in within if not name.endswith(".tmp")]
                if "state.safetensors" in files:
                    with safe_open(f"{folder}/state.safetensors", framework="pt") as file:
                        return len(json.loads(file.metadata()["standing"])["rows"])
        return 0


@dataclass(frozen=True)
class Outcome:
    """What a training left."""

    weights: str
    history: list[dict[str, float]]
    predictions: list[Prediction]


def outcome(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """What is in the training's output folder, wherever that is."""
    for name, value in attempt.place.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("MTLSER_CACHE", str(attempt.place.folder / "reader-cache"))
    folder = storage.fetch(attempt.out)
    digest = read_json(folder / "result.json", CellResult).weights_sha256
    assert digest is not None
    return Outcome(
        digest, history(folder), list(read_jsonl(folder / "predictions.jsonl", Prediction))
    )


def runs_of(client: MlflowClient, key: str) -> list[list[Run]]:
    """The parent runs with a key, the pairs' runs below, and the folds' below those."""
    result = client.get_experiment_by_name(EXPERIMENT)
    if result is None:
        return [[], [], []]

    def where(tag: str, value: str) -> list[Run]:
        return list(client.search_runs([result.experiment_id], f"tags.`{tag}` = '{value}'"))

    levels = [where(mlflow_runs.RUN, key)]
    for _ in range(2):
        above = levels[-1]
        parent = mlflow_runs.PARENT
        levels.append([run for top in above for run in where(parent, top.info.run_id)])
    return levels


def fold_run(client: MlflowClient, key: str) -> Run | None:
    return next(iter(runs_of(client, key)[-1]), None)


def assert_tracked_once(tracking: str, attempt: Attempt, rows: list[dict[str, float]]) -> None:
    """One run a level, ended well, with each epoch's figures once, and what the recipe says."""
    client = MlflowClient(tracking)
    levels = runs_of(client, attempt.name)
    assert [len(level) for level in levels] == [1, 1, 1]
    parent, pair, fold = (level[0] for level in levels)
    assert parent.data.tags["mtlser.described"] == "true"
    assert {"mtlser.recipe_hash", "mtlser.protocol"} <= set(parent.data.tags)
    assert parent.data.params["train.epochs"] == str(EPOCHS)
    assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["recipe.toml"]
    assert set(pair.data.params) == {"hp.alpha", "hp.beta"}
    assert fold.info.status == "FINISHED"
    for name in [key for key, value in rows[0].items() if value is not None and key != "epoch"]:
        logged = client.get_metric_history(fold.info.run_id, name)
        printed = sorted((each.step, each.value) for each in logged)
        assert printed == [(int(row["epoch"]), row[name]) for row in rows], name
    assert len(client.get_metric_history(fold.info.run_id, "best_epoch")) == 1


def epochs_ended(tracking: str, key: str) -> list[float]:
    """Times (s since 1970) at which a training handed over each epoch's figures."""
    client = MlflowClient(tracking)
    run = fold_run(client, key)
    assert run is not None
    printed = client.get_metric_history(run.info.run_id, "train_loss")
    return [each.timestamp / 1000 for each in sorted(printed, key=lambda each: each.step)]


def plain_env() -> dict[str, str]:
    """This process' environment, without what would lead a training elsewhere."""
    unwanted = ("MLFLOW_", "AWS_", "MTLSER_", "RANK", "WORLD_SIZE")
    retained = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    return {
        **retained,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "MTLSER_COMMIT": "none",
    }
