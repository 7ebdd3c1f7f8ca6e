"""Trainings whose disk is lost: what a mirror on S3 gives back, and one that is away."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlser.errors import MtlserError
from mtlser.records import CellResult, read_json
from mtlser.storage import work_folder
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import files as s3_files
from mtlser.storage.s3 import retry
from mtlser.storage.work_folder import WorkFolder
from mtlser.training import loop, validate
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.inputs import Inputs
from mtlser.training.step import Stepper
from tests.helpers.trainings import history, make_inputs, small_recipe, train

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks a server that is away only once."""

    connect = objects.connect
    monkeypatch.setattr(objects, "connect", lambda: connect(retries=0, connect_s=5))
    monkeypatch.setattr(retry, "PATIENCE_S", 0.0)


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return make_inputs(tmp_path)


def sha(cell: Path) -> str | None:
    return read_json(cell / "result.json", CellResult).weights_sha256


def below(location: str) -> list[str]:
    """Names of the objects below an address."""
    place = objects.Place.parse(location)
    result = objects.connect().list_objects_v2(Bucket=place.bucket, Prefix=place.prefix + "/")
    return sorted(
        each["Key"].removeprefix(place.prefix + "/") for each in result.get("Contents", ())
    )


def die_after(
    saves: int, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[int], None] = lambda _: None
) -> None:
    """Ends the process at the end of a save; `meanwhile` is told of each before it begins."""
    save, saved = Checkpoint.save, [0]

    def save_then_die(*args: object) -> None:
        saved[0] += 1
        meanwhile(saved[0])
        save(*args)  # type: ignore[arg-type]
        if saved[0] == saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_then_die)


@pytest.mark.parametrize("saves", [1, 4, 5, 8])
def test_a_training_goes_on_from_the_mirror_on_an_empty_disk(
    s3: str, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saves: int
) -> None:
    """Two steps an epoch, each with a checkpoint: killed within epochs and between them."""
    recipe = small_recipe(tmp_path, "train.checkpoint_s=0", "train.epochs=4", "search.metric=loss")
    whole = train(inputs, recipe, tmp_path / "whole")
    with monkeypatch.context() as patch:
        die_after(saves, patch)
        with pytest.raises(KeyboardInterrupt), work_folder.opened(s3, "out") as retained:
            train(inputs, recipe, retained)
    shutil.rmtree(tmp_path / "cache")
    step, steps = Stepper.step, []

    def counted(*args: Any) -> Any:
        steps.append(1)
        return step(*args)

    monkeypatch.setattr(Stepper, "step", counted)
    with work_folder.opened(s3, "out") as retained:
        assert not any(retained.folder.iterdir())
        resumed = train(inputs, recipe, retained)
    assert len(steps) == 8 - saves, "it went on from where it was"
    assert sha(resumed) == sha(whole)
    assert history(resumed) == history(whole)
    left = below(s3)
    assert not [name for name in left if ".safetensors" in name and ".part/" in name], left
    assert any(name.endswith("model/weights.safetensors") for name in left)


def test_a_finished_cell_is_taken_from_the_mirror_and_not_trained_again(
    s3: str, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(tmp_path)
    first = train(inputs, recipe, WorkFolder(tmp_path / "one", s3))

    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(loop, "fit", fail)
    again = train(inputs, recipe, WorkFolder(tmp_path / "two", s3))
    assert again != first
    assert sha(again) == sha(first)
    assert history(again) == history(first)


def test_the_best_weights_come_back_where_a_later_epoch_was_worse(
    s3: str, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first epoch is the best, and the disk is lost after the third."""
    scores = iter([4.0, 3.0, 2.0, 1.0, 4.0, 3.0, 2.0, 1.0])
    monkeypatch.setattr(validate, "selection_score", lambda *_: next(scores))
    recipe = small_recipe(tmp_path, "train.epochs=4")
    whole = train(inputs, recipe, tmp_path / "whole")
    assert read_json(whole / "result.json", CellResult).epoch == 1
    with monkeypatch.context() as patch:
        die_after(3, patch)
        with pytest.raises(KeyboardInterrupt):
            train(inputs, recipe, WorkFolder(tmp_path / "killed", s3))
    retained = [name.rpartition("/")[2] for name in below(s3)]
    assert retained == ["best-1.safetensors", "state.safetensors"]
    resumed = train(inputs, recipe, WorkFolder(tmp_path / "empty", s3))
    assert sha(resumed) == sha(whole)


def test_a_mirror_that_is_away_does_not_stop_a_training_that_says_so(
    s3: str,
    inputs: Inputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Away from the first save on; what was trained meanwhile stays on this disk."""
    recipe = small_recipe(tmp_path)
    whole = train(inputs, recipe, tmp_path / "whole")
    die_after(99, monkeypatch, lambda _: monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE))
    trained = train(inputs, recipe, WorkFolder(tmp_path / "work", s3))
    assert sha(trained) == sha(whole)
    assert f"not mirrored: {s3}/cells/" in caplog.text
    assert NOWHERE in caplog.text
    assert list(trained.parent.glob("*.part/state.safetensors")), "the mirror still lacks the cell"


def test_a_mirror_that_comes_back_gets_what_it_missed_before_what_names_it(
    s3: str, s3_server: str, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Away while the best weights are kept, back for the state that names them, at the end."""
    recipe = small_recipe(tmp_path, "search.metric=loss", "train.epochs=4")
    whole = train(inputs, recipe, tmp_path / "whole")
    keep = Checkpoint.save_best

    def keep_unseen(*args: object) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
        keep(*args)  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save_best", keep_unseen)
        die_after(4, patch)
        with pytest.raises(KeyboardInterrupt):
            train(inputs, recipe, WorkFolder(tmp_path / "killed", s3))
    resumed = train(inputs, recipe, WorkFolder(tmp_path / "empty", s3))
    assert sha(resumed) == sha(whole)


def test_a_mirror_that_is_away_at_the_start_is_not_taken_for_an_empty_one(
    s3: str, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    with pytest.raises(MtlserError, match=f"{NOWHERE} says: "):
        train(inputs, small_recipe(tmp_path), WorkFolder(tmp_path / "work", s3))
    with pytest.raises(MtlserError, match=f"{NOWHERE} says: "):
        WorkFolder(tmp_path / "work", s3).first_good("cells/state.safetensors", Path.read_bytes, [])


def test_files_go_up_whole_come_back_and_go(s3: str, tmp_path: Path) -> None:
    path, back = tmp_path / "a.bin", tmp_path / "deep" / "b.bin"
    path.write_bytes(bytes(range(256)) * 100)
    assert not s3_files.get(f"{s3}/a.bin", back)
    assert list(back.parent.iterdir()) == []
    s3_files.put(path, f"{s3}/a.bin")
    assert s3_files.get(f"{s3}/a.bin", back)
    assert back.read_bytes() == path.read_bytes()
    s3_files.delete(f"{s3}/a.bin")
    s3_files.delete(f"{s3}/a.bin")
    assert not s3_files.get(f"{s3}/a.bin", tmp_path / "c.bin")
    assert not s3_files.holds(s3)


def test_a_dropped_file_is_not_uploaded_later(
    s3: str, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retained = WorkFolder(tmp_path, s3)
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    retained.store("one")
    retained.store("two")
    retained.delete("one")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    retained.store("three")
    assert below(s3) == ["three", "two"]


def test_a_usable_place_is_left_as_it_was_and_can_be_removed(s3: str) -> None:
    assert work_folder.usable(s3) == s3
    assert not s3_files.holds(s3)
    with work_folder.opened(s3, "/out") as work:
        (work.folder / "checkpoint").write_text("1")
        work.store("checkpoint")
    assert s3_files.size(f"{s3}/checkpoint") == 1
    work_folder.remove(s3)
    assert s3_files.size(f"{s3}/checkpoint") is None
