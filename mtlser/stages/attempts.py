"""Attempts at a stage: a crash is tried again in the same container, a user's mistake is not.

Kubeflow's launcher ends with 1 whatever a step ends with, and the policy that Kubeflow ships tries
a step again only where its pod was lost, so nobody outside the container can tell a crash from a
mistake. Each attempt is a process of its own, which the kernel may kill alone where memory is out;
what it had started ends with it, as it would keep that memory, and the container waiting for its
output. What a stage had finished by then is in its work folder.
"""

import logging
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any, Self

from mtlser import runtime
from mtlser.errors import MtlserError, public_text
from mtlser.runtime import ATTEMPT_S, PAUSE_S, RETRIES, clock_time

CRASHED = 1
ENDING_S = 60.0
"""How long an attempt may take to end after it has answered."""
NETWORK = frozenset({"urllib3", "requests"})
"""Packages whose errors, below one of ours, say that a server could not be reached."""
BUSY = frozenset({"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"})
"""What MLflow calls an answer that a later request may not get."""

log = logging.getLogger(__name__)


class AttemptsFailedError(Exception):
    """No attempt at a stage came to its end; the message says how the last one ended."""


@dataclass(frozen=True)
class Policy:
    """How often a stage is tried again, as the environment says."""

    retries: int
    pause_s: float
    """Before the first retry; doubles each time."""
    attempt_s: float | None
    """After which an attempt is ended; `None`: never."""

    @classmethod
    def read(cls) -> Self | None:
        """The policy; `None` where there is none, and the stage runs in this process."""
        retries = int(os.environ.get(RETRIES) or 0)
        pause_s = float(os.environ.get(PAUSE_S) or 0)
        attempt_s = float(os.environ.get(ATTEMPT_S) or 0)
        return cls(retries, pause_s, attempt_s or None) if retries > 0 else None


def run(policy: Policy, stage: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What the stage returns, in the first attempt that comes to its end.

    Raises:
        MtlserError: a user's mistake, which is not tried again.
        AttemptsFailedError: the last attempt crashed too.
    """
    for attempt in range(policy.retries + 1):
        result, ended = _once(policy, stage, args, kwargs)
        if ended is None:
            return result
        left = policy.retries - attempt
        if left:
            pause_s = policy.pause_s * 2**attempt
            log.warning("%s; tried again in %.0f s (%d left)", ended, pause_s, left)
            time.sleep(pause_s)
    raise AttemptsFailedError(f"{ended}; it was attempt {policy.retries + 1}, the last")


def _once(
    policy: Policy, stage: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, str | None]:
    """What one attempt returned, or how it crashed.

    Raises:
        MtlserError: a user's mistake.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    name = (stage.__module__, stage.__qualname__)
    process = context.Process(target=_attempt, args=(theirs, *name, args, kwargs))
    process.start()
    theirs.close()
    ready = wait([ours, process.sentinel], policy.attempt_s)
    kind, content = _answer(ours) if ready else ("late", None)
    process.join(ENDING_S if ready else 0)
    if process.is_alive():
        process.kill()
        process.join()
    _end_group(process.pid)
    ours.close()
    if kind == "mistake":
        raise MtlserError(str(content))
    if kind == "result":
        return content, None
    return None, f"{stage.__name__} {_ended(kind, process.exitcode, policy)}"


def _end_group(attempt: int | None) -> None:
    """Ends what an attempt has started and not ended; the attempt leads a group of its own."""
    if attempt is not None:
        with suppress(ProcessLookupError):
            os.killpg(attempt, signal.SIGKILL)


def _answer(ours: Connection) -> tuple[str, Any]:
    """What an attempt sent, after its end or before; `died` where that is nothing."""
    try:
        answer: tuple[str, Any] = ours.recv() if ours.poll() else ("died", None)
    except EOFError:
        return "died", None
    return answer


def _ended(kind: str, code: int | None, policy: Policy) -> str:
    if kind == "late":
        return f"took longer than {clock_time(policy.attempt_s or 0)} and was ended"
    if code is not None and code < 0:
        memory = ", for want of memory most likely" if code == -9 else ""
        return f"was killed by signal {-code}{memory}"
    return "crashed"


def _attempt(
    answer: Connection, module: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """The process of one attempt: sends a result or a mistake, and writes what crashed it."""
    os.setpgid(0, 0)
    os.environ.pop(RETRIES, None)  # this is the attempt
    runtime.start_worker(shown=True)
    try:
        answer.send(("result", getattr(import_module(module), name)(*args, **kwargs)))
    except Exception as error:
        if isinstance(error, MtlserError) and error.exit_code != CRASHED and not passing(error):
            answer.send(("mistake", str(error)))
            return
        log.error("%s", public_text("".join(traceback.format_exception(error))))
        raise SystemExit(CRASHED) from None


def passing(error: BaseException) -> bool:
    """Whether an error may be over in a while: a server was away, busy, or broke off."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        if _is_passing(each):
            return True
        each = each.__cause__ or each.__context__
    return False


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if type(error).__module__.partition(".")[0] in NETWORK:
        return True
    response = getattr(error, "response", None)
    status = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    return status.get("HTTPStatusCode", 0) >= 500 or getattr(error, "error_code", "") in BUSY
