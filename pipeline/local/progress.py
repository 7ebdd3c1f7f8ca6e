"""What a person sees while a DAG runs here: one line a step, and what runs now on a terminal."""

import time

from rich.console import Console

from mtlser.runtime import clock_time
from pipeline.job import Job
from pipeline.local.steps import Event, Step
from pipeline.local.workspace import Workspace

GLANCE_S = 0.2
"""Shortest time between two looks at the running steps."""


class Progress:
    """Writes to `console`; the live line appears on a terminal only."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: dict[str, float] = {}
        self._looked = 0.0
        self._started = time.monotonic()
        self._status = console.status("starting")

    def start(self, job: Job, space: Workspace, *, resumed: bool, changed: list[str]) -> None:
        """Says what is run, where, and whether an interrupted run goes on."""
        self._started = time.monotonic()
        recipes = [f"{r.name} ({r.hash})" for r in (job.recipe, job.rival) if r is not None]
        self._say(f"{job.dag}: recipe {' and '.join(recipes)} -> {space.out}")
        self._say(f"full log: {space.log}")
        if resumed:
            self._say("going on with the interrupted run; finished steps are reused")
        elif changed:
            names = " and ".join(changed)
            self._say(f"{names} changed since the interrupted run here: starting afresh")
        if self._console.is_terminal:
            self._status.start()

    def show(self, event: Event) -> None:
        """One line for the event."""
        label = event.step.label
        if event.kind == "begin":
            self._began[label] = time.monotonic()
            self._line(f"{label} ...")
        elif event.kind == "reused":
            self._line(f"{label}: reused, it had finished before")
        else:
            took = time.monotonic() - self._began.pop(label, self._started)
            word = "done" if event.kind == "done" else "FAILED"
            self._line(f"{label}: {word} in {clock_time(took)}")

    def glance(self, steps: list[Step]) -> None:
        """Shows the running steps and their newest line, on a terminal."""
        now = time.monotonic()
        if not self._console.is_terminal or now - self._looked < GLANCE_S:
            return
        self._looked = now
        shown = []
        for step in steps:
            shown.append(f"{step.label} {step.newest()}"[: max(20, self._console.width // 2 - 4)])
        self._status.update(" | ".join(shown).replace("[", r"\["))

    def stop(self) -> None:
        """Takes the live line away."""
        self._status.stop()

    def _line(self, text: str) -> None:
        self._say(f"{clock_time(time.monotonic() - self._started):>8}  {text}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
