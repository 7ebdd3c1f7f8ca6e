"""A model on a cluster that follows its data: a first champion, nothing new, and a promotion."""

import os
from pathlib import Path

import numpy as np
import soundfile
from mlflow import MlflowClient

from mtlser import stages
from mtlser.storage.s3 import client as s3_client
from mtlser.storage.s3 import files as s3_files
from tests.e2e import flow

TRAINING = frozenset({"search", "evaluate", "train"})


def retrain(words: tuple[str, ...], release: str, model: str, folder: Path) -> None:
    """Three retrainings: the first makes a champion, the second nothing, the third the next one.

    Args:
        words: of `submit`, for a recipe that reads the synthetic corpus.
        release: `s3://` address for the release, which only this test uses.
        model: name in the registry, which only this test uses.
        folder: an empty folder of this machine.
    """
    own = (*_without_dag(words), "--dag", "retrain", *_set("data.root", release))
    own += _set("registry.name", model) + _set("registry.margin", "0.9")
    stages.synth(str(folder / "release"), 0)
    paths = sorted(path for path in (folder / "release").rglob("*") if path.is_file())
    s3_client.parallel(
        lambda path: s3_files.put(path, _address(path, folder / "release", release)), paths
    )
    first = flow.submit_and_wait(own)
    assert flow.steps_that_ran(first) >= TRAINING
    assert champion(model) == 1

    second = flow.submit_and_wait(own)
    assert not flow.steps_that_ran(second) & TRAINING
    assert champion(model) == 1

    changed = next(path for path in paths if path.suffix == ".wav")
    _quieter(changed)
    s3_files.put(changed, _address(changed, folder / "release", release))
    flow.submit_and_wait(own)
    assert champion(model) == 2


def champion(model: str) -> int:
    """Number of the version that is champion."""
    client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    return int(client.get_model_version_by_alias(model, "champion").version)


def _quieter(path: Path) -> None:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    soundfile.write(path, np.float32(0.5) * samples, rate_hz)


def _address(path: Path, root: Path, release: str) -> str:
    return f"{release}/{path.relative_to(root).as_posix()}"


def _set(key: str, value: str) -> tuple[str, ...]:
    return ("--set", f"{key}={value}")


def _without_dag(words: tuple[str, ...]) -> tuple[str, ...]:
    if "--dag" not in words:
        return words
    place = words.index("--dag")
    return words[:place] + words[place + 2 :]
