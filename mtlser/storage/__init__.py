"""Local and `s3://` places, atomic writes, the cache, work folders."""

from mtlser.storage.places import (
    cache_folder,
    cached_folder,
    digest_folder,
    fetch,
    is_s3,
    output,
    sha256_file,
    work,
)

__all__ = [
    "cache_folder",
    "cached_folder",
    "digest_folder",
    "fetch",
    "is_s3",
    "output",
    "sha256_file",
    "work",
]
