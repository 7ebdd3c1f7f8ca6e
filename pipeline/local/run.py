"""Runs a DAG on this machine and leaves one folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from components.surroundings import WORK_VARIABLE
from mtlser import runtime, tracking
from mtlser.errors import MtlserError, public_text
from mtlser.files import write_text
from mtlser.storage.s3.upload import reserve
from mtlser.tracking import RUN_VARIABLE
from pipeline import parameters
from pipeline.job import Job
from pipeline.local import publication, workspace
from pipeline.local.progress import Progress
from pipeline.local.steps import Event, Reader, Step
from pipeline.local.worker import Order, read_result

GRACE_S = 5.0
"""How long a stopped worker may take before it is killed."""


class StepFailed(Exception):  # noqa: N818 - named for what happened
    """A step ended in an error that is not the user's mistake."""


class Stopped(BaseException):
    """The run was told to stop by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(job: Job, out: Path, progress: Progress, *, keep: bool = False, address: str = "") -> Path:
    """The folder of the finished run, `out`: report, scores, predictions, models.

    Args:
        job: the DAG and its recipes, whose local places are checked first.
        out: folder to leave; a finished run in it stays until this one has succeeded.
        progress: where a person sees what is going on.
        keep: go on with an interrupted run although the code has changed.
        address: of the run on S3, uploaded when it is done; empty: `out` alone.

    Raises:
        MtlserError: the user's mistake, here or in a step; or S3 refuses.
        StepFailed: a step failed otherwise.
        Stopped: a signal ended the run; the same call goes on from there.
    """
    job = job.resolved()
    out = out.resolve()
    parameters.check({**job.arguments(), "out": str(out)})
    with workspace.locked(out) as space:
        if publication.finish(space, workspace.current(job)):
            return out
        slot = reserve(address) if address else None
        publication.check_replaceable(job.dag, out, slot)
        state, changed = workspace.begin(space, job, keep=keep)
        progress.start(job, space, resumed=state.elapsed_s > 0, changed=changed)
        result = read_result(space.result)
        if result is None:
            space.result.unlink(missing_ok=True)
            state = _execute(job, space, state, progress)
            result = read_result(space.result)
        if result is None:
            raise StepFailed(f"the worker left no result; full log: {space.log}")
        publication.publish(space, result, state.elapsed_s, slot)
    return out


def _execute(
    job: Job, space: workspace.Workspace, state: workspace.State, progress: Progress
) -> workspace.State:
    """Runs the steps; the state with the time that they took.

    Raises:
        MtlserError: the user's mistake in a step.
        StepFailed: a step failed otherwise.
        Stopped: a signal ended the run.
    """
    address = tracking.init_store()
    _write_order(job, space)
    started = time.monotonic()

    def remember() -> workspace.State:
        spent_s = state.elapsed_s + time.monotonic() - started
        now = state.model_copy(update={"elapsed_s": spent_s})
        space.write_state(now)
        return now

    with space.log.open("a", encoding="utf-8") as log, _signals():
        try:
            for event in _events(space, address, log, progress):
                progress.show(event)
                remember()
                if event.kind == "failed":
                    raise _failure(event.step, space.log)
        finally:
            state_now = remember()
            progress.stop()
    return state_now


def _write_order(job: Job, space: workspace.Workspace) -> None:
    order = Order(
        dag=job.dag,
        arguments=job.arguments(),
        steps=str(space.steps),
        cache=str(space.cache),
        result=str(space.result),
        cores=cores(),
    )
    write_text(space.order, order.model_dump_json())


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _events(
    space: workspace.Workspace, address: str, log: TextIO, progress: Progress
) -> Iterator[Event]:
    """Yields what the worker's steps do, and writes all its output to the log.

    Raises:
        StepFailed: the worker ended badly without naming a step.
    """
    reader = Reader()
    with _worker(space, address) as process:
        assert process.stdout is not None
        for line in map(public_text, process.stdout):
            log.write(line.partition("\t")[2] or line)
            log.flush()
            yield from reader.feed(line)
            progress.glance(list(reader.open.values()))
    if process.returncode == 0:
        return
    for step in reader.open.values():
        yield Event("failed", step)
    raise StepFailed("\n".join([*list(reader.loose)[-15:], f"full log: {space.log}"]))


@contextmanager
def _worker(space: workspace.Workspace, address: str) -> Iterator["subprocess.Popen[str]"]:
    """The worker, in a process group of its own that ends with this block."""
    command = [sys.executable, "-m", "pipeline.local.worker", str(space.order)]
    state = space.read_state()
    assert state is not None
    surroundings = {RUN_VARIABLE: state.run, WORK_VARIABLE: str(space.trainings)}
    own = {"PYTHONUNBUFFERED": "1", "MLFLOW_TRACKING_URI": address, **surroundings}
    environment = {**os.environ, **runtime.UTF8_PIPES, **own}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            _end(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _end(process: "subprocess.Popen[str]") -> None:
    """Ends the worker and every step below it."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _signals() -> Iterator[None]:
    """Turns SIGINT, SIGTERM and SIGHUP into `Stopped`, so that no step outlives the run."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failure(step: Step, log: Path) -> Exception:
    mistake = step.mistake()
    if mistake is not None:
        return MtlserError(f"step {step.label}: {mistake}")
    lines = step.tail()
    if "Error" not in lines and "Exception" not in lines:
        lines += "\nThe step left no error message: was it killed, for example out of memory?"
    return StepFailed(f"step {step.label} failed:\n{lines}\nfull log: {log}")
