"""Local and `s3://` places, whole writes, the cache and the folder that outlives a killed step."""

from mtlser.storage.places import (
    cache_folder,
    digest_folder,
    fetch,
    is_s3,
    output,
    sha256_file,
    work,
)

__all__ = ["cache_folder", "digest_folder", "fetch", "is_s3", "output", "sha256_file", "work"]
