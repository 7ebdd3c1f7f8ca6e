"""A full disk reported in one sentence, whichever library met it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtlser.errors import NoSpaceError
from mtlser.files import no_space

LEAST = 64 * 1024
"""A disk with fewer free bytes than these is full."""


@contextmanager
def room(place: Path, flag: str, below: Path | None = None) -> Iterator[None]:
    """Raises in one sentence what fails for want of room in the folder `place`.

    What fails for another full disk passes, and so does every other error.

    Args:
        place: the folder to name.
        flag: how another place is given.
        below: the folder that is written to; `None`: `place`.

    Raises:
        NoSpaceError: the disk that holds `place` is full.
    """
    try:
        yield
    except NoSpaceError as error:
        if error.place is not None and error.place.is_relative_to(below or place):
            raise no_space(place, flag) from error
        raise
    except Exception as error:
        if shutil.disk_usage(place).free < LEAST:
            raise no_space(place, flag) from error
        raise
