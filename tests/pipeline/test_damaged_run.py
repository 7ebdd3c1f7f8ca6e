"""What an interrupted local run keeps of itself, damaged: one version back, or done again."""

import logging
import os
from pathlib import Path

import pytest

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.stages import whole
from mtlser.storage import custody
from pipeline.local import workspace
from pipeline.local.worker import Result, read_result, write_result
from tests.helpers.damage import TRIED, damage


def state(elapsed_s: float) -> workspace.State:
    return workspace.State(
        recipe="[train]\n" * 20, data="d", inputs="i", code="c", run="key", elapsed_s=elapsed_s
    )


def test_a_damaged_state_is_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    space = workspace.Workspace(tmp_path)
    space.hidden.mkdir()
    for seed in range(TRIED):
        space.write_state(state(1.0))
        space.write_state(state(2.0))
        caplog.clear()
        kind = damage(space.state, seed)
        found = space.read_state()
        assert found == (state(1.0) if caplog.records else state(2.0)), (seed, kind)
    space.clear()
    assert space.read_state() is None


def test_a_damaged_result_is_none(tmp_path: Path) -> None:
    path, result = tmp_path / "result.json", Result(places={"reported": "a"}, cells={"b": "c"})
    assert read_result(path) is None
    for seed in range(TRIED):
        write_result(path, result)
        kind = damage(path, seed)
        found = read_result(path)
        assert found is None or found == result, (seed, kind)


def test_another_run_is_named_by_its_process(tmp_path: Path) -> None:
    with (
        workspace.locked(tmp_path / "out"),
        pytest.raises(MtlserError, match=f"another run is writing here, process {os.getpid()} on"),
        workspace.locked(tmp_path / "out"),
    ):
        pytest.fail("held twice")


def test_a_damaged_run_key_is_drawn_anew(tmp_path: Path) -> None:
    key = whole.Steps(tmp_path).run_key
    assert whole.Steps(tmp_path).run_key == key
    content = (tmp_path / whole.RUN_KEY).read_bytes()
    for seed in range(TRIED):
        (tmp_path / whole.RUN_KEY).write_bytes(content)
        kind = damage(tmp_path / whole.RUN_KEY, seed)
        drawn = whole.Steps(tmp_path).run_key
        assert len(drawn) == 32, kind
        assert whole.Steps(tmp_path).run_key == drawn, kind
    (tmp_path / whole.RUN_KEY).write_text("0123456789abcdef" * 2)
    assert whole.Steps(tmp_path).run_key == "0123456789abcdef" * 2, "of an earlier version"


def test_a_damaged_output_and_all_that_came_of_it_are_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    def stage(name: str) -> None:
        def run(out: str) -> None:
            ran.append(name)
            with storage.output(out) as folder:
                (folder / "a.jsonl").write_text(name * 100)
                custody.seal(folder, "split", ("a.jsonl",))

        steps.once(name, run)

    def run_all() -> list[str]:
        ran.clear()
        for name in ("corpus", "folds", "chosen"):
            stage(name)
        return ran

    steps = whole.Steps(tmp_path)
    assert run_all() == ["corpus", "folds", "chosen"]
    steps = whole.Steps(tmp_path)
    assert run_all() == []
    damage(tmp_path / "folds" / "a.jsonl", 3)
    with caplog.at_level(logging.WARNING):
        steps = whole.Steps(tmp_path)
        assert run_all() == ["folds", "chosen"]
    assert "this run does so now" in caplog.text
    steps = whole.Steps(tmp_path)
    assert run_all() == []
