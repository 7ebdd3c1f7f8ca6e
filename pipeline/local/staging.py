"""A run whose folder is to be on S3: it works in the cache and is uploaded when it is done."""

import hashlib
from pathlib import Path

from mtlser import storage


def folder(address: str) -> Path:
    """The local folder in which a run for `address` works, the same one after a kill."""
    key = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:24]
    return storage.cached_folder("runs", key)
