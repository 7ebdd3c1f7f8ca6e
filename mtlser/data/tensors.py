"""The beginning of a safetensors file, for files that are written and read piece by piece.

The package itself holds all tensors in memory while it writes them, and maps the whole file to read
one of them: each page that was read counts for the process as long as the file is open.
"""

import json
from collections.abc import Mapping
from typing import IO, Any


def header(metadata: Mapping[str, str], tensors: Mapping[str, tuple[str, list[int], int]]) -> bytes:
    """What comes before the tensors, which lie one after the other in this order.

    Args:
        metadata: of the file.
        tensors: type, shape and bytes of each.
    """
    content: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, (dtype, shape, size) in tensors.items():
        content[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(content, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def places(file: IO[bytes]) -> dict[str, tuple[int, int]]:
    """Where each tensor begins in a file, and where it ends, in bytes.

    Raises:
        ValueError: it is no safetensors file.
    """
    length = int.from_bytes(file.read(8), "little")
    text = file.read(length) if length <= LONGEST else b""
    try:
        content = json.loads(text)
        content.pop("__metadata__", None)
        found = {name: tensor["data_offsets"] for name, tensor in content.items()}
        return {
            name: (8 + length + max(0, start), 8 + length + max(0, end))
            for name, (start, end) in found.items()
        }
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no safetensors header ({error})") from None


LONGEST = 100_000_000
"""Bytes of a header: the limit of safetensors."""
