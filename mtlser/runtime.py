"""Settings of Python's garbage collector and of the C library's heap.

Entry points call these; importing this module changes nothing. Importing torch, transformers and
MLflow makes half a million objects that live as long as the process. The collector would search
them again and again while they come, and once more when the process ends: a quarter of the time of
the imports, and up to a second at the end.
"""

import atexit
import ctypes
import gc

WHILE_IMPORTING = (50_000, 20, 100)
DEFAULT_THRESHOLD = gc.get_threshold()
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
HEAP_BYTES = 2**30
"""Blocks up to this size, and as much at the heap's end, stay with the process."""


def relax_collector() -> None:
    """Lets the collector run seldom, and not at all when the process ends."""
    gc.set_threshold(*WHILE_IMPORTING)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def restore_collector() -> None:
    """Lets it run as often as by default: a cycle may hold much memory."""
    gc.set_threshold(*DEFAULT_THRESHOLD)


def keep_freed_memory() -> bool:
    """Tells glibc's allocator to keep what is freed; false where there is another allocator.

    It returns large blocks at once, so that each training step would pay for every page again: up
    to a sixth of its processor time on a CPU.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(option, HEAP_BYTES) == 1 for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD))
