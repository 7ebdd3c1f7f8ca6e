"""What a user sees of the log: plain lines on stderr, at once, wherever a stage runs."""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from mtlser import recipe as recipes
from mtlser import runtime
from mtlser.data import manifest
from mtlser.evaluation import noise_sweep
from mtlser.evaluation.predictor import Done, Output, Wav
from mtlser.records import FOUR, Cell, FoldPlan
from mtlser.runtime import Count, Progress
from tests.helpers.clock import Clock
from tests.helpers.corpora import one_fold, write_corpus
from tests.helpers.corpus_releases import write_iemocap
from tests.helpers.house import ROOT
from tests.helpers.top_imports import sources
from tests.helpers.writing import writes

STEP = """
import logging

def step(text: str) -> None:
    from mtlser import stages
    from mtlser.recipe import load

    stages.report_outcome(load(text), "job", "SUCCEEDED", "demo")
    logging.getLogger("mtlser.storage").warning("S3 is away")
    logging.getLogger("botocore.credentials").info("chatter")
    logging.getLogger("botocore.credentials").warning("trouble")
"""
MAY_WRITE = {
    "mtlser/runtime.py": "the handler that writes the log",
    "mtlser/errors.py": "the traceback of an unexpected error, without secrets",
    "mtlser/data/synthetic/rendering.py": "a program of its own, which answers on its output",
}


class Batches:
    """A system that predicts four clips at once."""

    def predict(self, wavs: Sequence[Wav], done: Done) -> list[Output]:
        for _ in range(0, len(wavs), 4):
            done(4)
        return [Output(dict.fromkeys(FOUR, 0.25), None, None) for _ in wavs]


def ended(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """The command, run in `folder` with no terminal; it succeeded."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_results_go_to_stdout_and_what_is_logged_to_stderr(tmp_path: Path) -> None:
    release = write_iemocap(tmp_path)
    flags = ["--recipe", "demo", "--root", str(release), "--out", "corpus"]
    done = ended([sys.executable, "-m", "mtlser", "ingest", *flags], tmp_path)
    assert done.stdout.startswith("corpus: corpus\nnext: mtlser split")
    assert done.stderr.startswith("iemocap: kept 5 of 7 (0.00 h), digest ")
    assert done.stderr.count("kept 5 of 7") == 1


def test_a_step_of_kubeflow_shows_the_log_beside_kubeflow_s_own_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLSER_TRACKING", "off")
    monkeypatch.delenv("MTLSER_WEBHOOK", raising=False)
    (tmp_path / "component.py").write_text(STEP)
    order = {
        "inputs": {"parameterValues": {"text": recipes.dumps(recipes.load("demo"))}},
        "outputs": {"outputFile": str(tmp_path / "executor_output.json")},
    }
    command = [sys.executable, "-m", "kfp.dsl.executor_main", "--component_module_path",
               str(tmp_path / "component.py"), "--function_to_execute", "step"]  # fmt: skip
    done = ended([*command, "--executor_input", json.dumps(order)], tmp_path)
    expected = ["MTLSER_WEBHOOK is not set: the outcome is posted nowhere", "S3 is away"]
    assert done.stderr.splitlines() == expected
    assert not any(line in done.stdout for line in expected)
    assert "INFO]: Wrote executor output file" in done.stdout, "the local run reads this line"
    assert "WARNING]: trouble" in done.stdout
    assert "chatter" not in done.stdout


def test_a_package_that_logs_by_the_root_logger_adds_no_prefixes(tmp_path: Path) -> None:
    code = (
        "import logging, sys; from mtlser import runtime; runtime.show_log(); runtime.show_log()\n"
        "logging.info('chatter'); logging.getLogger('mtlser.search').info('trained')\n"
        "logging.getLogger('botocore').warning('no answer of http://user:word@host')"
    )
    done = ended([sys.executable, "-c", code], tmp_path)
    assert done.stderr == "trained\nno answer of http://host\n"


def test_a_process_of_a_pool_shows_the_log_where_its_parent_does(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(
        "import logging, sys\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from mtlser import runtime\n"
        "def work() -> None:\n"
        "    logging.getLogger('mtlser.search').info('trained')\n"
        "if __name__ == '__main__':\n"
        "    if sys.argv[1:]:\n"
        "        runtime.show_log()\n"
        "    given = runtime.start_worker, (runtime.shows_log(),)\n"
        "    with ProcessPoolExecutor(1, get_context('spawn'), *given) as pool:\n"
        "        pool.submit(work).result()\n"
    )
    assert ended([sys.executable, "parent.py"], tmp_path).stderr == ""
    assert ended([sys.executable, "parent.py", "shown"], tmp_path).stderr == "trained\n"


def test_progress_is_a_line_a_minute_with_what_is_left() -> None:
    lines: list[str] = []
    clock = Clock()
    count = Count(Progress("ingest", lines.append, clock=clock), 100, "items")
    for _ in range(100):
        clock.now += 2.5
        count()
    assert lines == [
        "ingest: 24 of 100 items, 3:10 left",
        "ingest: 48 of 100 items, 2:10 left",
        "ingest: 72 of 100 items, 1:10 left",
        "ingest: 96 of 100 items, 0:10 left",
    ]


@pytest.fixture
def talkative(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> pytest.LogCaptureFixture:
    """The log, with a line for all that could have one."""
    monkeypatch.setattr(runtime, "Progress", partial(Progress, every_s=0.0))
    caplog.set_level(logging.INFO, "mtlser")
    return caplog


def test_ingest_says_how_far_it_is(tmp_path: Path, talkative: pytest.LogCaptureFixture) -> None:
    release = write_iemocap(tmp_path)
    manifest.build(recipes.load("demo"), [release], tmp_path / "corpus")
    lines = [line.partition(", ")[0] for line in talkative.messages[:6]]
    # Two items are left out before any recording is read.
    assert lines == [f"ingest iemocap: {done} of 7 items" for done in range(2, 8)]


def test_noise_eval_says_how_far_it_is_within_a_condition_too(
    tmp_path: Path, talkative: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight test clips under two conditions."""
    monkeypatch.setattr(noise_sweep, "load_system", lambda *_: Batches())
    utterances = write_corpus(tmp_path)
    once = one_fold(utterances)
    plan = FoldPlan.model_validate({**dict(once), "folds": (once.folds[0], once.folds[0])})
    recipe = recipes.load("demo", ("noise.snr_db=[0, 10]",))
    (tmp_path / "noisy").mkdir()
    second = Cell(system="mtlser", fold=1, seed=0)
    noise_sweep.run(tmp_path, utterances, plan, tmp_path, second, recipe, tmp_path / "noisy")
    lines = [line.partition(", ")[0] for line in talkative.messages]
    assert lines == [
        f"noise-eval mtlser:f1:s0: {done} of 16 noisy clips" for done in (4, 8, 12, 16)
    ]


@pytest.mark.parametrize("place", ["mtlser", "components"])
def test_only_the_command_line_writes_to_the_terminal(place: str) -> None:
    """All else logs, or returns what is to be shown."""
    found = {
        name: places
        for path in sources(place)
        if not (name := path.relative_to(ROOT).as_posix()).startswith("mtlser/cli/")
        if (places := list(writes(path.read_text(encoding="utf-8"))))
    }
    assert found.keys() == {name for name in MAY_WRITE if name.startswith(place)}, found


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("print(1)", True),
        ("import sys\nsys.stdout.write('a')", True),
        ("import sys\ndef late():\n    out = sys.__stdout__", True),
        ("from sys import stderr", True),
        ("import typer\ntyper.echo('a')", True),
        ("from rich.console import Console\nConsole().print('a')", True),
        ("from rich.console import Console\nConsole(file=text).print('a')", False),
        ("import sys\nif sys.stderr.isatty():\n    pass", False),
        ("import logging\nlogging.getLogger(__name__).info('a')", False),
    ],
)
def test_planted_writing_is_seen(code: str, seen: bool) -> None:
    assert bool(list(writes(code))) == seen
