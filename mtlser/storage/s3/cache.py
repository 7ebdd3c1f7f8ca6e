"""Downloaded objects on this disk: each has its SHA-256 beside it and is compared with it."""

import logging
from pathlib import Path

from mtlser.errors import DamagedError
from mtlser.files import scratch_folder, sha256_file
from mtlser.storage import checked
from mtlser.storage.links import link

DIGEST = ".sha256"
log = logging.getLogger(__name__)


def sign(path: Path, downloaded: Path) -> None:
    """Writes the digest of `downloaded`, which then takes its place as `path`.

    The digest is there first: a kill between the two leaves one without its object, or beside the
    same object as before.
    """
    checked.write_json(_digest_of(path), sha256_file(downloaded), durable=False)


def is_whole(path: Path) -> bool:
    """Whether an object is there as it was downloaded; says so where it is there and is not."""
    if not path.is_file():
        return False
    try:
        checked.verify_file(path, checked.read_json(_digest_of(path)))
    except DamagedError as error:
        log.warning("%s: damaged (%s); it is downloaded again", error.path, error.problem)
        return False
    return True


def mend(place: Path, stored: Path) -> None:
    """Makes a tree's file the stored object again, which is whole, where it is another one.

    Its name changes over at once: another process may be reading it.
    """
    if place.is_file():
        if place.samefile(stored):
            return
        if sha256_file(place) == checked.read_json(_digest_of(stored)):  # no hard links here
            return
    place.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(place.parent, place.name) as scratch:
        link(stored, scratch / place.name)
        (scratch / place.name).replace(place)


def object_of(path: Path) -> Path:
    """The object that a file beside the objects is the digest of; an object itself.

    >>> object_of(Path("objects/ab/abc.sha256")).name
    'abc'
    """
    return path.with_name(path.name.removesuffix(DIGEST))


def _digest_of(path: Path) -> Path:
    return path.with_name(path.name + DIGEST)
