"""Errors that are reported in one sentence, and what such a sentence may show of an address.

The address of an MLflow server, a database or an S3 store may hold a password
(`https://user:password@host`) or a token (`?token=...`). The connection needs it; nothing that is
printed, logged or written to a report may show it.
"""

import re
import sys
import traceback
from pathlib import Path
from types import TracebackType

ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>`]+")
CLOSING = ".,;:!)]}"
"""Punctuation of the sentence around an address."""
USER_AND_PASSWORD = re.compile(r"(?<![^\s'\"(=])[^\s:/@'\"=(]+:[^\s/@'\"]+@(?=[\w.-])")
"""Of an address without `scheme://`."""
PARAMETER = re.compile(
    r"([?&;][\w.-]*(?:token|secret|passw|pwd|signature|credential|key)[\w.-]*=)[^&\s'\"]+",
    re.IGNORECASE,
)
"""A secret in a query whose address was cut off, as in `max retries exceeded with url: /a?b=c`."""
WEB_OR_OBJECT = ("http", "https", "s3")
"""Schemes whose paths may hold an `@`; in others it ends a password."""
HIDDEN = "***"


def public_address(address: str) -> str:
    """The address without user name, password, query, and fragment other than a page's path.

    >>> public_address("https://user:word@mlflow.example.org/ui/?token=1#/experiments/2")
    'https://mlflow.example.org/ui/#/experiments/2'
    >>> public_address("postgresql://user:word@db:5432/mlflow?sslmode=require")
    'postgresql://db:5432/mlflow'
    >>> public_address("s3://speech/iemocap"), public_address("runs/demo")
    ('s3://speech/iemocap', 'runs/demo')

    A password that is not percent-encoded as it should be hides the whole address:

    >>> public_address("postgresql://user:wo/rd@db/mlflow")
    'postgresql://***'
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return USER_AND_PASSWORD.sub("", address)
    host, tail = re.fullmatch(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    port = host.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    ambiguous = bool(port) and not port.isdigit()
    if host and "@" in tail and (ambiguous or scheme.lower() not in WEB_OR_OBJECT):
        return f"{scheme}://{HIDDEN}"
    path, _, fragment = tail.partition("#")
    page = f"#{fragment.partition('?')[0]}" if fragment.startswith("/") else ""
    return f"{scheme}://{host.rpartition('@')[2]}{path.partition('?')[0]}{page}"


def public_text(text: str) -> str:
    """The text with each address in it as `public_address` shows it.

    >>> public_text("open http://user:word@host:5000: no answer")
    'open http://host:5000: no answer'
    """

    def public(match: re.Match[str]) -> str:
        address = match[0].rstrip(CLOSING)
        return public_address(address) + match[0][len(address) :]

    return PARAMETER.sub(rf"\1{HIDDEN}", USER_AND_PASSWORD.sub("", ADDRESS.sub(public, text)))


def hide_secrets_in_tracebacks() -> None:
    """Makes this process print the traceback of an unexpected error as `public_text` shows it."""
    sys.excepthook = _print_public


def _print_public(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    sys.stderr.write(public_text("".join(traceback.format_exception(kind, error, trace))))


class MtlserError(Exception):
    """A user's mistake, reported in one sentence that shows no password.

    The message names what was seen, what is allowed, and the command to run next. Both command
    lines print it without a traceback and exit with `exit_code`.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(public_text(message))

    def __reduce__(self) -> tuple[object, ...]:
        """As it is, not made again: its kinds are made of other arguments than a sentence."""
        return _passed_on, (type(self), *self.args), self.__dict__ or None


def _passed_on(kind: type[MtlserError], sentence: str) -> MtlserError:
    """An error that has come from a worker process."""
    return kind.__new__(kind, sentence)


class TooManyCellsError(MtlserError):
    """More cells than a run on a cluster has room for.

    Argo keeps a run in one object of at most 1 MiB, and ends a run that passes it.
    """

    def __init__(self, counted: str, most: int) -> None:
        super().__init__(
            f"{counted} in one run, which Argo keeps in an object of at most 1 MiB: about {most} "
            "fit; give fewer with `--set split.max_folds=N` or `--set train.seeds=N`, or run it "
            "with `mtlser-pipeline run`"
        )


class DamagedError(MtlserError):
    """A file that was written whole and is now another one: zeroed, cut, or changed by a disk.

    Readers of what can be computed again catch it and compute it again.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path}: damaged ({problem}), expected what mtlser wrote there; remove it and run the "
            "same command again"
        )
        self.path = path
        self.problem = problem


class NoSpaceError(MtlserError):
    """A full disk: nobody's mistake, and the same command is right once there is room."""

    exit_code = 1
    place: Path | None = None
    """What could not be written."""


class DeviceLostError(MtlserError):
    """A GPU that failed or that others fill: nobody's mistake here, and another attempt may do."""

    exit_code = 1
