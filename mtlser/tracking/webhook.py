"""Tells a webhook what became of a pipeline run, that another model is champion, and the like."""

import json
import logging
import urllib.error
import urllib.request
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

from tenacity import RetryError, Retrying, retry_if_exception, stop_after_attempt
from tenacity import wait_random_exponential as wait_random

from mtlser.records import Record

LIMIT_S = 30.0
"""How long all attempts may take together."""
ATTEMPT_S = 10.0
"""How long one may wait for an answer."""
ATTEMPTS = 5
FIRST_WAIT_S = 0.5
OF_A_TRACE = (" ", "^", "{", "}")
"""Beginnings of lines of a log that say little alone: of a trace, and of Kubeflow's own JSON."""
SHOWN_ERROR = 500
"""Characters of an error message in the text that people read; the field has all of it."""

log = logging.getLogger(__name__)


class Failure(Record):
    """A step of a pipeline run that failed for good."""

    step: str
    pod: str
    node: str
    """What the workflow calls the pod; Kubeflow's API gives a log by it."""
    message: str
    """What Kubernetes says."""
    log: str = ""
    """Last lines that the step wrote."""


class Message(Record):
    """What a webhook is told: its fields, and `text` for people."""

    @property
    def text(self) -> str:
        """One message for people; Slack and its likes show this field."""
        raise NotImplementedError


class Outcome(Message):
    """What became of a pipeline run."""

    pipeline: str
    run: str
    """The run's key."""
    state: str
    """As Kubeflow says it: `SUCCEEDED`, `FAILED`, `CANCELED`, or a word of its metadata store
    such as `COMPLETE`."""
    error: str = ""
    failed: tuple[Failure, ...] = ()
    """The first one first; empty also where Kubeflow did not tell."""
    mlflow: str | None = None
    """Where a browser shows the run; `None`: not known."""
    at: str
    """ISO 8601, UTC."""

    @property
    def text(self) -> str:
        """One message for people; Slack and its likes show this field."""
        parts = [f"mtlser {self.pipeline}: {self.state} (run {self.run})"]
        if self.error:
            cut = self.error if len(self.error) <= SHOWN_ERROR else self.error[:SHOWN_ERROR] + "..."
            parts.append(cut)
        if self.failed:
            first, *others = self.failed
            parts.append(f"{first.step} failed: {first.message} (pod {first.pod})")
            own = [line for line in first.log.splitlines() if not line.startswith(OF_A_TRACE)]
            parts += ["\n".join(own)[-SHOWN_ERROR:]] if own else []
            parts += [f"and {len(others)} after it"] if others else []
        if self.mlflow:
            parts.append(self.mlflow)
        return "\n".join(parts)


class ChampionChange(Message):
    """Another version of a registered model is champion."""

    event: Literal["champion"] = "champion"
    """An outcome has no such field."""
    name: str
    """The registered model."""
    version: int
    """The champion's."""
    before: int | None
    """The one that it was before; `None`: there was none."""
    place: str
    """What a server loads, by version: `models:/mtlser/3`."""
    reason: str
    at: str
    """ISO 8601, UTC."""

    @property
    def text(self) -> str:
        """One message for people."""
        before = f", before it version {self.before}" if self.before else ""
        return f"mtlser: champion of {self.name} is version {self.version}{before}: {self.reason}"


def post(webhook: str, message: Message) -> bool:
    """True where the webhook took the message; otherwise the reason is logged, never raised.

    Posts JSON: the fields of the message and `text`. Tried again while the server is away, busy or
    answers 5xx, within `LIMIT_S` seconds in all. Of the address only scheme and host are ever
    logged: the rest is a secret.
    """
    reasons: list[str] = []
    # An answer that drips in outlives any timeout of a socket; a thread can be left behind.
    thread = Thread(target=lambda: reasons.append(_posted(webhook, message)), daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    reason = reasons[0] if reasons else f"no answer within {LIMIT_S:g} s"
    if reason:
        log.warning("the outcome was not posted to %s: %s", shown(webhook), reason)
    return not reason


def shown(webhook: str) -> str:
    """Scheme and host of an address, without what makes it secret.

    >>> shown("https://user:word@hooks.example.org/services/T0/B0/secret?token=1")
    'https://hooks.example.org'
    >>> shown("not an address")
    'the webhook'
    """
    try:
        parts = urlsplit(webhook)
        host = parts.hostname
    except ValueError:
        return "the webhook"
    return f"{parts.scheme}://{host}" if parts.scheme and host else "the webhook"


def _posted(webhook: str, message: Message) -> str:
    """Why it was not posted; empty where it was."""
    if not webhook.startswith(("http://", "https://")):
        return "expected an address that starts with http:// or https://"
    retrying = Retrying(
        retry=retry_if_exception(_passing),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random(multiplier=FIRST_WAIT_S, max=5),
    )
    try:
        retrying(_once, webhook, message)
    except RetryError as error:
        return f"{_named(error.last_attempt.exception())} after {ATTEMPTS} attempts"
    except Exception as error:  # whatever it is, the handler has to go on
        return _named(error)
    return ""


def _once(webhook: str, message: Message) -> None:
    body = json.dumps({"text": message.text, **message.model_dump()}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "mtlser"}
    request = urllib.request.Request(webhook, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=ATTEMPT_S):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise


def _passing(error: BaseException) -> bool:
    """True for what another attempt may mend."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500 or error.code in {408, 429}
    return isinstance(error, OSError)


def _named(error: BaseException | None) -> str:
    """The error by kind alone: its own words may hold the address."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    cause = getattr(error, "reason", None)
    return type(cause if isinstance(cause, BaseException) else error).__name__
