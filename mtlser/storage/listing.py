"""What a place outside a run holds now, as one short text: has it changed since it was read?"""

import hashlib
import os
from pathlib import Path

from mtlser.storage.s3 import files as s3_files
from mtlser.storage.s3.client import is_s3

SHOWN = 16


def digest(place: str) -> str:
    """Digest of what a place holds, as 16 hex digits.

    Of file names, sizes and times in a local folder; of names, sizes and etags on S3; of the text
    where it is neither.

    Raises:
        MtlserError: S3 refuses or is away.
    """
    if is_s3(place):
        return s3_files.listing_digest(place)[:SHOWN]
    if not place or not Path(place).is_dir():
        return hashlib.sha256(place.encode()).hexdigest()[:SHOWN]
    sha = hashlib.sha256()
    for folder, folders, files in os.walk(place):
        folders.sort()
        for name in sorted(files):
            path = Path(folder) / name
            seen = path.stat()
            entry = f"{path.relative_to(place)}\0{seen.st_size}\0{seen.st_mtime_ns}\n"
            sha.update(entry.encode("utf-8", "surrogateescape"))
    return sha.hexdigest()[:SHOWN]
