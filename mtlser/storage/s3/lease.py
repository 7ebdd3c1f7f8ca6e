"""A lease for servers that know no writes on a condition: an object that says who writes."""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from mtlser.errors import MtlserError
from mtlser.storage import lock
from mtlser.storage.s3.client import MISSING, Place
from mtlser.storage.s3.retry import again

LEASE = ".mtlser/lease.json"
HELD_S = 60.0
"""After so long a lease is taken to be of a killed writer, by the server's own clock."""
SETTLE_S = 2.0
"""How long a new lease is left before it is read again: another writer may just have seen none."""

log = logging.getLogger(__name__)


@contextmanager
def held(client: Any, place: Place) -> Iterator[None]:
    """Runs its block while no other writer holds the lease of the place.

    Raises:
        MtlserError: another one does.
    """
    log.warning(
        "%s: the S3 server knows no writes on a condition (If-Match), so an object %s keeps two "
        "writers apart, unless one is stopped for over %.0f s while it writes the pointer",
        place, LEASE, HELD_S,
    )  # fmt: skip
    key, own = place.key(LEASE), f"{uuid.uuid4().hex} {lock.this_process()}"
    _refuse_held(client, place, key)
    again(lambda: client.put_object(Bucket=place.bucket, Key=key, Body=own.encode()))
    time.sleep(SETTLE_S)
    text = _text(client, place, key)
    if text is None or text[0] != own:
        raise _held_by(place, text[0] if text else "")
    try:
        yield
    finally:
        again(lambda: client.delete_object(Bucket=place.bucket, Key=key))


def _refuse_held(client: Any, place: Place, key: str) -> None:
    text = _text(client, place, key)
    if text is not None and text[1] < HELD_S:
        raise _held_by(place, text[0])


def _held_by(place: Place, text: str) -> MtlserError:
    who = lock.described(text.partition(" ")[2])
    return MtlserError(f"{place}: {who} writes there now; run the command again when it has ended")


def _text(client: Any, place: Place, key: str) -> tuple[str, float] | None:
    """The lease's text and its age in seconds; `None` where there is none."""
    from botocore.exceptions import ClientError

    try:
        answer = again(lambda: client.get_object(Bucket=place.bucket, Key=key))
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return None
        raise
    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    return answer["Body"].read().decode(), (now - answer["LastModified"]).total_seconds()
