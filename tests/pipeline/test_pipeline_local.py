"""Runs of the real DAG on this machine, with stages that take no time (see `fake_stages`)."""

import inspect
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser import stages, storage
from tests.helpers import fake_stages
from tests.helpers.fake_stages import split_cells
from tests.helpers.local_runs import (
    KEPT,
    MEASURED,
    Machine,
    files,
    retrained,
)

CELLS = len(split_cells())
STEPS = 7 + 2 * CELLS
"""ingest, fold_split, search, baselines, report, final fit, register; twice every cell."""
FAKED = sorted({name for name in stages.__all__ if hasattr(fake_stages, name)})


@pytest.mark.parametrize("name", FAKED)
def test_a_stage_that_takes_no_time_takes_what_the_real_one_takes(name: str) -> None:
    def takes(stage: Callable[..., object]) -> list[tuple[str, object]]:
        return [(key, value.default) for key, value in inspect.signature(stage).parameters.items()]

    assert takes(getattr(fake_stages, name)) == takes(getattr(stages, name))


def test_a_run_leaves_one_folder_with_everything(machine: Machine) -> None:
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert len(machine.calls()) == STEPS
    assert {path.name for path in machine.out.iterdir()} == {
        ".mtlser.json",
        ".work",
        "audit.json",
        "checkpoints",
        "chosen.json",
        "folds.json",
        "ingest.json",
        "manifest.jsonl",
        "model",
        "pipeline.log",
        "predictions.jsonl",
        "recipe.toml",
        "registered.json",
        "report.html",
        "scores.json",
        "summary.json",
    }
    assert (machine.out / "model" / "weights").read_text() == "mtlser:final:s0"
    for cell in split_cells():
        folder = machine.out / "checkpoints" / cell.replace(":", "-")
        assert (folder / "model" / "weights").read_text() == cell
        assert (folder / "threads").read_text() == str(max(1, len(os.sched_getaffinity(0)) // 2))
    summary = json.loads((machine.out / "summary.json").read_text())
    assert summary["wa_mean"] == 0.875
    assert 0 < summary["seconds"] < 120
    assert [path.name for path in (machine.out / ".work").iterdir()] == ["lock"]
    assert "evaluate mtlser:f1:s0: done" in done.stdout
    assert "report:  out/report.html" in done.stdout
    assert "Got executor_input" in (machine.out / "pipeline.log").read_text()
    assert "executor_input" not in done.stdout


def test_a_users_mistake_in_a_step_is_one_sentence_and_spares_the_last_run(
    machine: Machine,
) -> None:
    (machine.out / ".work").mkdir(parents=True)
    (machine.out / "report.html").write_text("the last good run")
    done = machine.run(FAKE_FAIL="mtlser:f1:s0")
    assert done.returncode == 2
    assert done.stderr == (
        "mtlser-pipeline: step evaluate mtlser:f1:s0: alpha = 7: expected 0 to 1; "
        "run `mtlser recipes`\n"
    )
    assert (machine.out / "report.html").read_text() == "the last good run"
    assert not (machine.out / "scores.json").exists()


def test_a_failed_run_goes_on_where_it_stopped(machine: Machine) -> None:
    broken = machine.run(FAKE_BREAK="mtlser:final:s0")
    assert broken.returncode == 1
    assert "step train final failed" in broken.stderr
    assert "ZeroDivisionError: a bug of ours" in broken.stderr
    assert f"full log: {machine.out / '.work' / 'pipeline.log'}" in broken.stderr
    first = machine.calls()

    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert "going on with the interrupted run" in done.stdout
    assert "search: reused" in done.stdout
    assert len(first) == STEPS - 2
    assert machine.calls() == ["train", "register"]

    assert machine.run().returncode == 0
    assert len(machine.calls()) == STEPS, "a finished run is not reused by the next"


def wait_for(path: Path) -> str:
    for _ in range(600):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def gone(pid: int) -> bool:
    """True once the process has ended; waits a moment for it."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_step_outlives_a_stopped_run_which_goes_on_later(
    machine: Machine, number: signal.Signals
) -> None:
    with subprocess.Popen(
        machine.command(),
        cwd=machine.folder,
        env={**os.environ, **machine.environment, "FAKE_WAIT": "mtlser:f1:s0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        step = int(wait_for(machine.folder / "calls.pid"))
        running.send_signal(number)
        _, errors = running.communicate(timeout=60)
    assert gone(step)
    if number == signal.SIGKILL:
        assert running.returncode == -number
    else:
        assert running.returncode == 128 + number
        assert errors == "mtlser-pipeline: stopped; the same command goes on from here\n"
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert machine.calls().count("ingest") == 1


def test_a_run_to_s3_is_uploaded_whole(machine: Machine, s3: str) -> None:
    done = machine.run("--out", f"{s3}/out")
    assert done.returncode == 0, done.stderr
    assert f"report:  {s3}/out/report.html" in done.stdout
    fetched = storage.fetch(f"{s3}/out")
    assert (fetched / "model" / "weights").read_text() == "mtlser:final:s0"
    assert (fetched / "report.html").is_file()
    assert not (fetched / ".work").exists()


def test_the_search_dag_ends_with_what_was_chosen(machine: Machine) -> None:
    done = machine.run("--dag", "search")
    assert done.returncode == 0, done.stderr
    assert Counter(machine.calls()) == Counter(ingest=1, split=1, search=1)
    assert {"chosen.json", "folds.json", "manifest.jsonl"} <= files(machine.out)
    assert "chosen:  out/chosen.json" in done.stdout


def test_two_recipes_are_compared_on_the_same_folds(machine: Machine) -> None:
    mine = recipes.load("demo").model_copy(update={"name": "mine"})
    (machine.folder / "mine.toml").write_text(recipes.dumps(mine))
    done = machine.run("--dag", "compare", "--rival", "mine.toml")
    assert done.returncode == 0, done.stderr
    assert Counter(machine.calls()) == MEASURED + MEASURED + Counter(ingest=1, split=1, compare=1)
    assert (machine.out / "report.html").read_text() == "demo and mine"
    for name, folder in (("demo", "recipe"), ("mine", "rival")):
        assert f'name = "{name}"' in (machine.out / folder / "recipe.toml").read_text()


@pytest.mark.parametrize("dag", ["crossval", "compare"])
def test_a_rival_belongs_to_compare_alone(machine: Machine, dag: str) -> None:
    rival = [] if dag == "compare" else ["--rival", "demo"]
    done = machine.run("--dag", dag, *rival)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert f"DAG {dag} " in done.stderr
    assert not machine.out.exists()


def test_an_unknown_dag_is_refused(machine: Machine) -> None:
    done = machine.run("--dag", "nonsense")
    assert done.returncode == 2
    assert "expected one of crossval, search, compare, retrain" in done.stderr
    assert not machine.out.exists()


def test_a_retraining_without_champion_is_a_cross_validation(machine: Machine) -> None:
    retrained(machine, "first")
    more = Counter(ingest=1, check_data=1, split=1, train=1, register=1)
    assert Counter(machine.calls()) == MEASURED + more
    assert files(machine.out) >= KEPT | {"drift.json"}
    assert "rival" not in files(machine.out)
    assert len(files(machine.out / "checkpoints")) == CELLS


def test_a_retraining_measures_the_champion_s_recipe_once_where_the_data_alone_is_new(
    machine: Machine,
) -> None:
    retrained(machine, "new_data")
    more = Counter(ingest=1, check_data=1, split=1, train=1, promote=1)
    assert Counter(machine.calls()) == MEASURED + more
    assert files(machine.out) >= KEPT | {"drift.json"}
    assert "rival" not in files(machine.out)


def test_a_retraining_measures_both_recipes_on_the_same_folds(machine: Machine) -> None:
    done = retrained(machine, "new_recipe")
    more = Counter(ingest=1, check_data=1, split=1, train=1, promote=1)
    assert Counter(machine.calls()) == MEASURED + MEASURED + more
    assert files(machine.out) >= KEPT | {"drift.json", "rival"}
    assert recipes.load(str(machine.out / "rival" / "recipe.toml")).name == "champion"
    assert recipes.load(str(machine.out / "recipe.toml")).name == "demo"
    assert len(files(machine.out / "checkpoints")) == CELLS
    assert "outcome: version 2; champion: version 2 (not worse)" in done.stdout


def test_a_retraining_without_anything_new_trains_nothing(machine: Machine) -> None:
    done = retrained(machine, "unchanged")
    assert Counter(machine.calls()) == Counter(ingest=1, check_data=1)
    assert "drift:   out/drift.json" in done.stdout
    assert "outcome: nothing was trained: version 1 is of this manifest" in done.stdout


def test_what_an_earlier_run_left_goes_unless_nothing_is_new(machine: Machine) -> None:
    retrained(machine, "new_recipe")
    there = files(machine.out)
    assert "rival" in there
    done = retrained(machine, "unchanged")
    assert "WA" not in done.stdout
    assert files(machine.out) == there
    marker = json.loads((machine.out / ".mtlser.json").read_text())
    assert {"report.html", "rival/report.html", "drift.json"} <= marker["files"].keys()
    retrained(machine, "new_data")
    assert files(machine.out) == there - {"rival"}
