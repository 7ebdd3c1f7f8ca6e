"""What a process sets up once, and tells while it runs: garbage collector, heap, log, progress.

Entry points call these; importing this module changes nothing. Importing torch, transformers and
MLflow makes half a million objects that live as long as the process. The collector would search
them again and again while they come, and once more when the process ends: a quarter of the time of
the imports, and up to a second at the end.

The library logs and never prints. An entry point calls `show_log`, so that its user sees the lines.
"""

import atexit
import ctypes
import gc
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import TextIOBase, TextIOWrapper
from typing import TextIO

from mtlser.errors import public_text

WHILE_IMPORTING = (50_000, 20, 100)
DEFAULT_THRESHOLD = gc.get_threshold()
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
HEAP_BYTES = 2**30
"""Blocks up to this size, and as much at the heap's end, stay with the process."""
LARGE_BYTES = 2**20
LOGGERS = ("mtlser", "components", "pipeline")
"""Packages whose messages are shown from `INFO` on."""
UTF8_PIPES = {"PYTHONIOENCODING": "utf-8:backslashreplace", "PYTHONUTF8": "1"}
"""Environment of a Python process whose output this one reads as UTF-8, whatever the terminal."""
KUBEFLOW_EXECUTOR = "kfp.dsl.executor_main"
"""The module that runs a component in its own process."""
RETRIES = "MTLSER_RETRIES"
PAUSE_S = "MTLSER_RETRY_PAUSE_S"
SEARCH_STORE = "MTLSER_SEARCH_STORE"
"""Environment variable with the address of the database that holds a search's list."""
ATTEMPT_S = "MTLSER_ATTEMPT_S"
"""Variables that say how often a step of Kubeflow is tried again, after which pause, and how long
an attempt may take: see `mtlser.stages.attempts`."""
LINE_S = 60.0
"""Seconds between two lines of progress."""


def relax_collector() -> None:
    """Lets the collector run seldom, and not at all when the process ends."""
    gc.set_threshold(*WHILE_IMPORTING)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def restore_collector() -> None:
    """Lets it run as often as by default: a cycle may hold much memory."""
    gc.set_threshold(*DEFAULT_THRESHOLD)


def return_freed_memory() -> None:
    """Gives what glibc's allocator holds of freed memory back to the machine."""
    with suppress(OSError, AttributeError):  # another allocator
        ctypes.CDLL(None).malloc_trim(0)


def return_large_blocks() -> bool:
    """Tells glibc's allocator to give blocks from 1 MiB back once freed; false where it is another.

    By itself it raises that size to what was freed last, up to 32 MiB, and keeps smaller blocks:
    predicting ten minutes of audio window by window, it held 0.2 GB of freed ones.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES) == 1)
    except (AttributeError, OSError, TypeError):
        return False


def keep_freed_memory() -> bool:
    """Tells glibc's allocator to keep what is freed; false where there is another allocator.

    It returns large blocks at once, so that each training step would pay for every page again: up
    to a sixth of its processor time on a CPU.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(option, HEAP_BYTES) == 1 for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD))


def print_anything() -> None:
    r"""Lets stdout and stderr write what their encoding lacks as an escape, `é` as `\xe9`.

    A terminal or a pipe may be ASCII or Windows-1252, and the name of a file may hold bytes that
    are no text at all: after hours of work no character may end it with an error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def start_worker(shown: bool) -> None:
    """Sets up a process of a pool.

    Args:
        shown: whether the process that starts it shows its log.
    """
    relax_collector()
    print_anything()
    if shown:
        show_log()


class PlainLines(logging.Handler):
    """Writes each message at once, as it is but for secrets."""

    def __init__(self, stream: TextIO | TextIOBase | None = None) -> None:
        super().__init__()
        self._stream = stream
        """`None`: what is stderr at the moment of the message."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the message and a line break."""
        stream = self._stream or sys.stderr
        try:
            stream.write(f"{public_text(self.format(record))}\n")
            stream.flush()
        except Exception:
            self.handleError(record)


def show_log(stream: TextIO | TextIOBase | None = None) -> None:
    """Shows this project's messages from `INFO` on as plain lines, of other packages warnings.

    Handlers that somebody else gave the root logger stay, as those of Kubeflow, whose own lines
    come from there; they show none of this project's messages. Another call changes nothing.

    Args:
        stream: where the lines go; `None`: stderr.
    """
    lines = PlainLines(stream)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [lines]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    root = logging.getLogger()
    for handler in root.handlers:
        handler.addFilter(is_no_chatter)
    if not root.handlers:  # else the first `logging.info` of a package would add one with prefixes
        root.addHandler(lines)


def shows_log() -> bool:
    """Whether `show_log` has been called."""
    return any(isinstance(each, PlainLines) for each in logging.getLogger(LOGGERS[0]).handlers)


def is_no_chatter(record: logging.LogRecord) -> bool:
    """True for warnings, and for what is logged by the root logger itself, as Kubeflow does."""
    return record.levelno >= logging.WARNING or record.name == "root"


def runs_component() -> bool:
    """Whether this process is a step that Kubeflow's executor started."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == KUBEFLOW_EXECUTOR


class Progress:
    """Logs now and then how far a task has got and how long the rest will take.

    Args:
        name: of the task; each line begins with it.
        log: takes a line.
        every_s: seconds between two lines, and before the first.
        clock: the time in seconds.
        before: share that was done before; `None`: the first share that is said, as after a resume.
    """

    def __init__(
        self,
        name: str,
        log: Callable[[str], object],
        every_s: float = LINE_S,
        clock: Callable[[], float] = time.monotonic,
        before: float | None = 0.0,
    ) -> None:
        self._name, self._log, self._every_s, self._clock = name, log, every_s, clock
        self._started = self._logged = clock()
        self._before = before

    def __call__(self, share: float, where: str) -> None:
        """Logs a line, if the last one is old enough.

        Args:
            share: of the task that is done, 0-1.
            where: the same for a person.
        """
        now = self._clock()
        if self._before is None:
            self._before, self._started = share, now
        if now - self._logged < self._every_s:
            return
        self._logged = now
        done = share - self._before
        left_s = (now - self._started) / done * (1 - share) if done > 0 else None
        left = "" if left_s is None else f", {clock_time(left_s)} left"
        self._log(f"{self._name}: {where}{left}")


class Count:
    """Counts the items of a task that are done, and logs its `Progress`.

    Args:
        progress: where the lines go.
        total: number of items.
        items: what they are called.
    """

    def __init__(self, progress: Progress, total: int, items: str) -> None:
        self._progress, self._total, self._items = progress, total, items
        self._done = 0

    def __call__(self, more: int = 1) -> None:
        """So many more are done."""
        self._done += more
        where = f"{self._done} of {self._total} {self._items}"
        self._progress(self._done / self._total, where)


def clock_time(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    >>> clock_time(75), clock_time(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def user() -> str:
    """Who runs this process, `unknown` where the system has no name for the user."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "unknown"
