"""Which keys of objects can be files below a folder: S3 takes any text, a file system does not."""

from collections.abc import Collection

from mtlser.errors import MtlserError

PART_BYTES = 255
"""Of a file's name on Linux."""
ADVICE = "rename or delete the object, for example with `aws s3 mv`, or name another prefix"


def check(bucket: str, key: str, name: str) -> None:
    """Refuses a key that names no file below the folder.

    Args:
        bucket: its bucket.
        key: the whole key.
        name: the part of it below the folder; empty: the folder's place is the object itself.

    Raises:
        MtlserError: a part of the name is empty, `.` or `..`, too long, or no file's name.
    """
    parts = name.split("/") if name else []
    where = f"s3://{bucket}/{key}"
    if any(part in {"", ".", ".."} for part in parts):
        raise MtlserError(
            f"{where}: this key is no path of a file: a part of it is empty, . or .., and no key "
            f"may lead out of its folder; {ADVICE}"
        )
    if any(len(part.encode()) > PART_BYTES or "\0" in part for part in parts):
        raise MtlserError(
            f"{where[:300]}: a part of this key has more than {PART_BYTES} bytes, or a zero byte, "
            f"which no file's name can have; {ADVICE}"
        )


def check_folder_object(bucket: str, key: str, size: int) -> None:
    """Refuses an object whose key ends in `/`, unless it is empty and stands for a folder.

    Raises:
        MtlserError: it has content, which would be lost.
    """
    if size:
        raise MtlserError(
            f"s3://{bucket}/{key}: this key ends in / and the object has {size} bytes; expected a "
            f"file's name; {ADVICE}"
        )


def check_tree(location: str, names: Collection[str]) -> None:
    """Refuses names of which one is a file and, as others say, a folder.

    Args:
        location: address of the folder.
        names: of all objects below it; empty: the place itself is an object.

    Raises:
        MtlserError: naming the key that is both.
    """
    known = set(names)
    for name in sorted(known):
        parts = name.split("/")
        parents = ["/".join(parts[:count]) for count in range(1, len(parts))]
        for parent in ["", *parents] if name else []:
            if parent in known:
                key = f"{location.rstrip('/')}/{parent}".rstrip("/")
                raise MtlserError(
                    f"{key}: this key is an object, and a folder that holds {name!r}, which no "
                    f"file system can have; {ADVICE}"
                )
