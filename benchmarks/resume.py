"""Kills a training with SIGKILL at ten random moments: does it go on to the same weights?

A small network on a made-up corpus, with dropout and SpecAugment, and a checkpoint every fifth of a
second. Each time a training process is killed and started again with the same call; the SHA-256 of
the weights is compared with that of a training that was left alone.
"""

import json
import os
import random
import sys
import tempfile
import time
from contextlib import redirect_stdout
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from safetensors import safe_open

from benchmarks import common
from mtlser import recipe as recipes
from mtlser.records import CellResult, read_json, write_json
from tests.helpers.corpora import one_fold, write_corpus
from tests.helpers.networks import write_encoder

KILLS = 10
SEED = 0
SETTINGS = (
    "train.epochs=5", "train.batch_size=4", "train.learning_rate=1e-3", "train.optimizer=adamw",
    "train.schedule=linear", "train.clip_norm=1", "train.spec_augment=true", "model.dropout=0.1",
    "train.checkpoint_s=0.2",
)  # fmt: skip


def train(place: Path, name: str) -> None:
    """One training, in a process of its own."""
    import torch

    from mtlser import stages

    torch.set_num_threads(1)
    recipe = recipes.load("paper", (f"model.encoder={place / 'encoder'}", *SETTINGS))
    os.environ["MTLSER_TRACKING"] = "off"
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        stages.train(
            str(place / "corpus"),
            str(place / "folds"),
            "",
            "mtlser:f0:s0",
            recipe,
            str(place / name),
            str(place / f"{name}-work"),
        )


def write_place(place: Path) -> None:
    """A corpus, its folds and an encoder."""
    (place / "corpus").mkdir()
    (place / "folds").mkdir()
    utterances = write_corpus(place / "corpus", speakers=4, each=60)
    write_json(place / "folds" / "folds.json", one_fold(utterances))
    write_encoder(place / "encoder")


def start(place: Path, name: str) -> BaseProcess:
    """A started training."""
    process = get_context("forkserver").Process(target=train, args=(place, name))
    process.start()
    return process


def await_checkpoint(place: Path, name: str, process: BaseProcess) -> None:
    """Returns once a training has written its first checkpoint: moments count from there."""
    while stood_at(place / f"{name}-work") is None:
        if not process.is_alive():
            raise SystemExit(f"the training {name} ended with {process.exitcode}")
        time.sleep(0.01)


def finish(place: Path, name: str, process: BaseProcess | None = None) -> str:
    """SHA-256 of the weights at the end of a training that goes on undisturbed."""
    process = process or start(place, name)
    process.join()
    if process.exitcode:
        raise SystemExit(f"the training {name} ended with {process.exitcode}")
    digest = read_json(place / name / "result.json", CellResult).weights_sha256
    assert digest is not None
    return digest


def stood_at(work: Path) -> tuple[int, int] | None:
    """Epochs and steps of the last checkpoint; `None` where there is none yet."""
    for path in work.glob("cells/*.part/state.safetensors"):
        with safe_open(path, framework="pt") as file:
            standing = json.loads(file.metadata()["standing"])
        return len(standing["rows"]), standing["step"]
    return None


def main() -> None:
    """Measures and reports."""
    moments = random.Random(SEED)
    get_context("forkserver").set_forkserver_preload(
        ["mtlser.stages", "mtlser.training.cells", "mtlser.training.search.search", "transformers"]
    )
    kills: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_place(place)
        finish(place, "warm")  # starts the fork server
        whole = start(place, "whole")
        await_checkpoint(place, "whole", whole)
        started = time.perf_counter()
        expected = finish(place, "whole", whole)
        span_s = time.perf_counter() - started
        for index in range(KILLS):
            name = f"killed-{index}"
            at_s = moments.uniform(0, 0.9) * span_s
            process = start(place, name)
            await_checkpoint(place, name, process)
            process.join(at_s)
            alive = process.is_alive()
            process.kill()
            process.join()
            stood = stood_at(place / f"{name}-work")
            equal = finish(place, name) == expected
            kills.append(
                {"at_s": round(at_s, 2), "alive": alive, "checkpoint": stood, "equal": equal}
            )
            sys.stdout.write(f"{kills[-1]}\n")
    common.report(
        "resume",
        {
            "kills": sum(kill["alive"] is True for kill in kills),
            "mid_epoch": sum(bool(kill["checkpoint"] and kill["checkpoint"][1]) for kill in kills),
            "equal": sum(kill["equal"] is True for kill in kills),
            "span_s": span_s,
            "moments": kills,
        },
    )


if __name__ == "__main__":
    main()
