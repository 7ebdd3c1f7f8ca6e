"""A run whose folder is to be on S3: it works in the cache and is uploaded when it is done."""

import hashlib
import shutil
from pathlib import Path

from mtlser import storage
from pipeline.workspace import HIDDEN


def staging(address: str) -> Path:
    """The local folder in which a run for `address` works, the same one after a kill."""
    key = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:24]
    return storage.cache_folder() / "runs" / key


def upload(folder: Path, address: str) -> None:
    """Puts the finished run at `address`, whole or not at all.

    Raises:
        MtlserError: S3 refuses.
    """
    with storage.output(address) as place:
        shutil.copytree(folder, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns(HIDDEN))
