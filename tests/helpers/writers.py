"""Every place of the library that leaves a file or folder, each with a version 0 and a version 1.

A writer takes the folder to write into and the version; the content is a few kilobytes or more.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

from mtlser import files, records, storage
from mtlser.data import clips
from mtlser.data.synthetic import espeak, rendering
from mtlser.evaluation import gathering, scores
from mtlser.models import bundle
from mtlser.models.baselines import svm
from mtlser.records import CellResult, FoldPlan
from mtlser.reporting import comparison_page, exports, page
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import features, kept, svm_features
from mtlser.training.checkpoint import Checkpoint, Standing
from pipeline.dags import compile as compiling
from pipeline.local import run as local
from pipeline.local import worker
from pipeline.local.workspace import State, Workspace

Writer = Callable[[Path, int], object]
ANY: Any = None


def text(version: int) -> str:
    """Eight kilobytes or a little more."""
    return f"version {version}\n" * 820


def record(version: int) -> FoldPlan:
    return FoldPlan(protocol="loso", seed=version, manifest_digest=text(version), folds=())


def write_folder(folder: Path, version: int) -> None:
    with files.atomic_folder(folder / "folder") as fresh:
        (fresh / "file").write_text(text(version))


def write_output(folder: Path, version: int) -> None:
    with storage.output(str(folder / "out")) as fresh:
        (fresh / "file").write_text(text(version))


def write_clip(folder: Path, version: int) -> None:
    """The name is that of the content, so that the versions are two files."""
    samples_n = np.random.default_rng(version).integers(-9000, 9000, 8000).astype(np.int16)
    writer = clips.Writer(folder)
    writer.add(f"ab{version}", samples_n)
    writer.close()


def write_speech(folder: Path, version: int) -> None:
    clip = mock.Mock(path=str(folder / "clip.wav"))
    wav_n = np.full(8000, 100 + version, np.int16)
    with mock.patch.object(espeak, "speak", lambda *_, **__: wav_n):
        rendering._render_one(clip)


def write_merged(folder: Path, version: int) -> None:
    parts = folder.parent / f"{folder.name}-{version}.parts"
    parts.write_text(text(version))
    lines = gathering.Lines()
    for line in parts.read_bytes().splitlines(keepends=True):
        lines.add(0, line)
    lines.copy([parts], np.arange(len(lines.length)), folder / "predictions.jsonl")


def write_summary(folder: Path, version: int) -> None:
    with mock.patch.object(scores, "flat", lambda _: {"text": text(version)}):
        scores.write_summary(folder / "summary.json", ANY)


def write_svm(folder: Path, version: int) -> None:
    pipeline = np.arange(2000.0) + version
    svm.save(svm.SvmModel(pipeline, svm._DEFAULT), folder)


def write_page(folder: Path, version: int) -> None:
    with mock.patch.object(page, "render", lambda *_: text(version)):
        page.write(folder / "report.html", ANY, ANY)


def write_comparison(folder: Path, version: int) -> None:
    with (
        mock.patch.object(comparison_page, "compare", lambda _: record(version)),
        mock.patch.object(comparison_page, "_tables", lambda *_: {}),
        mock.patch.object(comparison_page, "render", lambda *_: text(version)),
    ):
        comparison_page.write(folder, ())


def write_tables(folder: Path, version: int) -> None:
    with (
        mock.patch.object(exports, "markdown", lambda _: text(version)),
        mock.patch.object(exports, "latex", lambda _: text(version)),
    ):
        exports.write(folder, ())


def small_network(version: int) -> nn.Linear:
    layer = nn.Linear(40, 40)
    nn.init.constant_(layer.weight, float(version))
    nn.init.constant_(layer.bias, float(version))
    return layer


def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(WorkFolder(folder), "cell.part")


def write_state(folder: Path, version: int) -> None:
    layer = small_network(version)
    optimizer = torch.optim.SGD(layer.parameters())
    checkpoint(folder).save(Standing(), layer, optimizer)


def write_best(folder: Path, version: int) -> None:
    checkpoint(folder).save_best(1, small_network(version))


def write_bundle(folder: Path, version: int) -> None:
    description = SimpleNamespace(whole=True, model=SimpleNamespace(encoder=""))
    trained: Any = SimpleNamespace(network=small_network(version), description=description)
    with (
        mock.patch.object(bundle, "_copy_encoder_files"),
        mock.patch.object(bundle, "write_json"),
    ):
        bundle.save(trained, folder / "model")


def write_cell(folder: Path, version: int) -> None:
    def save(_: object, place: Path) -> None:
        place.mkdir()
        (place / "weights").write_text(text(version))

    result = CellResult(
        cell="mtlser:f0:s0", alpha=None, beta=None, epoch=None, epochs_run=None,
        score=None, validation={}, seconds=1.0, weights_sha256=None,
    )  # fmt: skip
    outcome: Any = SimpleNamespace(rows=[{"loss": float(version)}])
    with mock.patch.object(bundle, "save", save):
        kept.write_cell(folder / "cell", ANY, outcome, result)


def utterances(version: int) -> list[Any]:
    return [SimpleNamespace(audio_sha256=f"{i}-{version}" * 20, audio=str(i)) for i in range(50)]


def write_features(folder: Path, version: int) -> None:
    rows_tc = np.full((10, 64), version, np.float32)
    with (
        mock.patch.object(features, "_features", lambda _, __, wavs: [rows_tc for _ in wavs]),
        mock.patch.object(clips, "load", lambda *_: np.zeros(1, np.float32)),
    ):
        features._build(small_network(version), ANY, folder, utterances(version), folder)  # type: ignore[arg-type]


def write_svm_features(folder: Path, version: int) -> None:
    row_d = np.full(300, float(version))
    with (
        mock.patch("mtlser.models.baselines.mel_statistics.features", lambda _: row_d),
        mock.patch.object(clips, "load"),
    ):
        svm_features._compute(folder, utterances(version), folder)


def write_dag(folder: Path, version: int) -> None:
    compiling.package("search", folder, image=f"image:{version}")


def space(folder: Path) -> Workspace:
    place = Workspace(folder)
    for path in (place.fresh, place.steps):
        path.mkdir(parents=True, exist_ok=True)
    return place


def write_run_state(folder: Path, version: int) -> None:
    space(folder).write_state(State(recipe=text(version), data="", inputs="", code=""))


def write_order(folder: Path, version: int) -> None:
    job: Any = SimpleNamespace(dag="search", arguments=lambda: {"recipe": text(version)})
    with mock.patch.object(local, "cores", lambda: 1):
        local._write_order(job, space(folder))


def write_result(folder: Path, version: int) -> None:
    worker.write_result(
        folder / "result.json", worker.Result(places={"a": text(version)}, cells={})
    )


WRITERS: dict[str, Writer] = {
    "text": lambda folder, version: files.write_text(folder / "a.txt", text(version)),
    "json": lambda folder, version: records.write_json(folder / "a.json", record(version)),
    "jsonl": lambda folder, version: records.write_jsonl(folder / "a", [record(version)] * 2),
    "folder": write_folder,
    "output": write_output,
    "clip": write_clip,
    "speech": write_speech,
    "merged predictions": write_merged,
    "summary": write_summary,
    "svm": write_svm,
    "page": write_page,
    "comparison": write_comparison,
    "tables": write_tables,
    "state": write_state,
    "best": write_best,
    "bundle": write_bundle,
    "cell": write_cell,
    "features": write_features,
    "svm features": write_svm_features,
    "dag": write_dag,
    "run state": write_run_state,
    "order": write_order,
    "result": write_result,
}
