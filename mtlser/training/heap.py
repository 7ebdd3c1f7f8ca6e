"""Memory that a training step frees is kept for the next, instead of going back to the system."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT = 2**30
"""Bytes: blocks up to this size, and as much at the heap's end, stay with the process."""


def keep_freed() -> bool:
    """Tells glibc's allocator to keep what is freed; false where there is another one.

    It returns large blocks at once, so that each step would pay for every page again: up to a
    sixth of its processor time on a CPU.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(option, KEPT) == 1 for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD))
