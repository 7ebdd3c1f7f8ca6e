"""A full disk told in one sentence, whichever library met it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtlser.errors import NoSpaceError

CODES = (errno.ENOSPC, errno.EDQUOT)
SIGNS = ("No space left on device", "Disk quota exceeded")
"""What libraries say that raise an error of their own."""
LEAST = 64 * 1024
"""A disk with fewer free bytes than these is full."""


def is_full(error: BaseException) -> bool:
    """True where the error tells of a full disk or a spent quota.

    >>> is_full(OSError(28, "No space left on device")), is_full(OSError(13, "Permission denied"))
    (True, False)
    """
    if isinstance(error, OSError) and error.errno in CODES:
        return True
    return any(sign in str(error) for sign in SIGNS)


def no_space(place: Path, flag: str) -> NoSpaceError:
    """The sentence on a full disk.

    Args:
        place: what could not be written.
        flag: how another place is given.
    """
    return NoSpaceError(
        f"{place}: no space left on its disk; make room there, or give another place as {flag}, "
        "and run the same command again: what is finished is kept"
    )


@contextmanager
def room(place: Path, flag: str) -> Iterator[None]:
    """Raises in one sentence what fails for want of room in the folder `place`.

    What fails for another full disk passes, and so does every other error.

    Raises:
        NoSpaceError: the disk that holds `place` is full.
    """
    try:
        yield
    except NoSpaceError:
        raise
    except Exception as error:
        if shutil.disk_usage(place).free < LEAST:
            raise no_space(place, flag) from error
        raise
