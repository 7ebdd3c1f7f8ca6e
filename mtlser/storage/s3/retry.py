"""Calls to an S3 server that is away for a while."""

import logging
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay
from tenacity import wait_random_exponential as wait_random

from mtlser.errors import public_text

PATIENCE_S = 180.0
"""How long a server is waited for that is away or answers with 5xx."""
BETWEEN_S = 10.0
"""The longest wait between two tries."""

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


def again(call: Callable[[], ResultT]) -> ResultT:
    """What `call` returns, tried again while S3 is away, for at most `PATIENCE_S`."""
    retrying = Retrying(
        retry=retry_if_exception(_away),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_random(multiplier=0.5, max=BETWEEN_S),
        before_sleep=_say_once,
        reraise=True,
    )
    return retrying(call)


def _say_once(state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome is not None:
        reason = public_text(" ".join(str(state.outcome.exception()).split()))
        log.warning("S3 is away (%s): trying again for %.0f s", reason, PATIENCE_S)


def _away(error: BaseException) -> bool:
    """True where the server does not answer, or not whole, or that it cannot just now."""
    from boto3.exceptions import Boto3Error, RetriesExceededError
    from botocore import exceptions
    from botocore.exceptions import ClientError

    broken = (exceptions.ConnectionError, exceptions.HTTPClientError, RetriesExceededError)
    damaged = (exceptions.IncompleteReadError, exceptions.FlexibleChecksumError)
    if isinstance(error, (*broken, *damaged)):
        return True
    if isinstance(error, Boto3Error):  # of a transfer, around what ended it
        cause = error.__cause__ or error.__context__
        return cause is not None and _away(cause)
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return False
