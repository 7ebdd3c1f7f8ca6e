"""What the steps of a local run are doing, read from the worker's tagged lines."""

import json
import re
import textwrap
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BEGIN = re.compile(r"Executing task '([\w-]+)'")
REUSED = re.compile(r"Task ([\w-]+) cache hit")
END = re.compile(r"Task '[\w-]+' finished with status (SUCCESS|FAILURE)")
INPUTS = "Got executor_input:"
WROTE = re.compile(r"KFP Executor .*(Wrote executor output file|Did not write output file)")
MISTAKE = re.compile(r"^\s*(?:mtlser\.errors\.)?MtlserError: (.+)$")
NUMBER = re.compile(r"(-\d+)+$")
OF_KUBEFLOW = "[KFP Executor"
LAST_LINES = 500


@dataclass
class Step:
    """One running step and its last lines."""

    name: str
    label: str
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    inputs: list[str] | None = None
    """Lines of the executor's input while they arrive."""
    wrote: bool = False

    def mistake(self) -> str | None:
        """The sentence of the user's mistake that ended the step; `None`: another failure."""
        sentences = [match[1] for line in self.lines if (match := MISTAKE.match(line))]
        return sentences[-1] if sentences else None

    def newest(self) -> str:
        """The last line that the step's own code wrote; empty where there is none."""
        own = (line.strip() for line in reversed(self.lines) if OF_KUBEFLOW not in line)
        return next((line for line in own if line), "")

    def tail(self, count: int = 15) -> str:
        """The last lines of the step's own output."""
        own = [line for line in self.lines if line.strip()]
        return textwrap.dedent("\n".join(own[-count:]))


@dataclass(frozen=True)
class Event:
    """A step began, ended well, failed, or was not needed."""

    kind: Literal["begin", "done", "failed", "reused"]
    step: Step


class Reader:
    """Turns tagged lines into events; `open` holds the steps that run now."""

    def __init__(self) -> None:
        self.open: dict[str, Step] = {}
        self.loose: deque[str] = deque(maxlen=LAST_LINES)
        """Lines of no step: the worker's own."""

    def feed(self, line: str) -> Iterator[Event]:
        """Yields what `line` (`THREAD<TAB>TEXT`) tells."""
        thread, tab, text = line.rstrip("\n").partition("\t")
        if not tab:
            self.loose.append(line.rstrip("\n"))
            return
        text = COLOUR.sub("", text)
        if match := REUSED.search(text):
            yield Event("reused", Step(match[1], label(match[1])))
        elif match := BEGIN.search(text):
            yield from self._close(thread, well=True)
            self.open[thread] = Step(match[1], label(match[1]))
        elif thread not in self.open:
            self.loose.append(text)
        elif match := END.search(text):
            yield from self._close(thread, well=match[1] == "SUCCESS")
        else:
            yield from self._within(self.open[thread], text)

    def _within(self, step: Step, text: str) -> Iterator[Event]:
        if step.inputs is not None:
            step.inputs.append(text)
            if text.strip() == "}" and _whole(step):
                step.inputs = None
                yield Event("begin", step)
            return
        step.wrote = step.wrote or bool(WROTE.search(text))
        if INPUTS in text:
            step.inputs = []
        else:
            step.lines.append(text)

    def _close(self, thread: str, *, well: bool) -> Iterator[Event]:
        """Ends the thread's step; a lost end line is made up for by the next step's begin."""
        step = self.open.pop(thread, None)
        if step is not None:
            yield Event("done" if well else "failed", step)


def _whole(step: Step) -> bool:
    """True once the executor's input is complete JSON; the step then knows its cell."""
    try:
        content = json.loads("\n".join(step.inputs or []))
    except json.JSONDecodeError:
        return False
    values = content.get("inputs", {}).get("parameterValues", {})
    step.label = label(step.name, values.get("cell", ""), known=True)
    return True


def label(task: str, cell: str = "", *, known: bool = False) -> str:
    """What a person calls a task.

    Args:
        task: Kubeflow's name; a number tells the second use of a component from the first.
        cell: the cell's id.
        known: whether the step's inputs are known; a training without a cell is then the final one.

    >>> label("train-3", "mtlser:f3:s0"), label("train-2", known=True), label("train")
    ('train mtlser:f3:s0', 'train final', 'train')
    """
    name = NUMBER.sub("", task).replace("-", "_")
    return f"{name} {cell or ('final' if known and name == 'train' else '')}".strip()
