"""Old versions of outputs on S3, and what killed uploads left: found, and deleted when asked."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mtlser.storage.marker import MARKER
from mtlser.storage.s3 import client as objects
from mtlser.storage.s3 import pointer as pointers
from mtlser.storage.s3.client import Place, Remote
from mtlser.storage.s3.pointer import VERSIONS

STAMP = "%Y%m%dT%H%M%SZ"
UNDER_WAY = timedelta(days=1)
"""An unfinished upload that began later may still be under way."""


@dataclass(frozen=True)
class Old:
    """A version that no pointer leads to."""

    address: str
    finished: bool
    files: int
    size: int
    """In bytes."""


def old_versions(location: str, keep: int, age: timedelta = timedelta(0)) -> list[Old]:
    """Versions of all outputs at and below a place that are not needed any more.

    Args:
        location: an `s3://` address.
        keep: finished versions of each output that stay, the current one among them; at least 1.
        age: younger ones stay, too.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = Place.parse(location)
    with objects.explained(location):
        client = objects.connect()
        versions = _versions(client, place)
        return [
            old
            for at in sorted(versions)
            for old in _of(client, place, at, versions[at], keep)
            if _began_before(old.address.rpartition("/")[2], age)
        ]


def delete(location: str) -> None:
    """Deletes a version, if no pointer leads to it; its own pointer goes last.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    place = Place.parse(location)
    with objects.explained(location):
        client = objects.connect()
        names = [remote.key for remote in objects.listed(client, place)]
        own = place.key(MARKER)

        def one(key: str) -> None:
            client.delete_object(Bucket=place.bucket, Key=key)

        objects.parallel(one, [key for key in names if key != own])
        objects.parallel(one, [key for key in names if key == own])


def _versions(client: Any, place: Place) -> dict[str, dict[str, list[Remote]]]:
    """Objects of each version, by the folder of its output below the place, and its name."""
    found: dict[str, dict[str, list[Remote]]] = defaultdict(lambda: defaultdict(list))
    for remote in objects.listed(client, place):
        at, inside, rest = f"/{remote.name}".partition(f"/{VERSIONS}/")
        version, below, _ = rest.partition("/")
        if inside and below:
            found[at.strip("/")][version].append(remote)
    return found


def _of(
    client: Any, place: Place, at: str, versions: dict[str, list[Remote]], keep: int
) -> list[Old]:
    """The old ones of one output."""
    here = place.below(at)
    found = pointers.read(client, here)
    current = found.pointer.version if found else ""
    whole = {
        name
        for name, remotes in versions.items()
        if any(remote.key == here.key(f"{VERSIONS}/{name}/{MARKER}") for remote in remotes)
    }
    newest = sorted(whole - {current}, reverse=True)
    stay = {current, *newest[: keep - 1]}
    return [
        Old(
            address=str(here.below(f"{VERSIONS}/{name}")),
            finished=name in whole,
            files=len(remotes),
            size=sum(remote.size for remote in remotes),
        )
        for name, remotes in sorted(versions.items())
        if name not in stay and (name in whole or _began_before(name, UNDER_WAY))
    ]


def _began_before(version: str, age: timedelta) -> bool:
    """Whether an upload began so long ago; false where its name does not say when."""
    if not age:
        return True
    try:
        began = datetime.strptime(version.partition("-")[0], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return datetime.now(UTC) - began > age
