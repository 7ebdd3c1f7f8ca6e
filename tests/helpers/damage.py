"""What disks, power cuts and people do to files: the same damages for each seed."""

import random
from pathlib import Path

KINDS = ("cut", "zeroed", "flipped", "all zeros", "emptied", "zeros after it")
TRIED = 200
"""Damages of each kind of file."""


def damage(path: Path, seed: int) -> str:
    """Damages a file in place, by a drawn kind at a drawn position; which kind."""
    drawn = random.Random(seed)
    content = bytearray(path.read_bytes())
    kind = KINDS[seed % len(KINDS)]
    start = drawn.randrange(len(content))
    if kind == "cut":
        del content[start:]
    elif kind == "zeroed":
        stop = min(len(content), start + drawn.choice((1, 16, 512, 4096)))
        content[start:stop] = bytes(stop - start)
    elif kind == "flipped":
        for place in (start, drawn.randrange(len(content)))[: drawn.choice((1, 2))]:
            content[place] ^= 1 << drawn.randrange(8)
    elif kind == "all zeros":
        content = bytearray(len(content))
    elif kind == "emptied":
        content.clear()
    else:
        content += bytes(drawn.choice((1, 40, 4096)))
    path.unlink()  # whatever is linked to it stays as it was
    path.write_bytes(content)
    return kind
