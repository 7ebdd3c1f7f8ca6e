"""Python's garbage collector, kept from slowing down the start and the end of a step.

Importing torch, transformers and MLflow makes half a million objects that live as long as the
process. The collector would search them again and again while they come, and once more when the
process ends: a quarter of the time of the imports, and up to a second at the end.
"""

import atexit
import gc

WHILE_IMPORTING = (50_000, 20, 100)
USUAL = gc.get_threshold()


def relax() -> None:
    """Lets the collector look seldom, and not at all when the process ends."""
    gc.set_threshold(*WHILE_IMPORTING)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def settle() -> None:
    """Lets it look as often as ever: once a network computes, a cycle may hold much memory."""
    gc.set_threshold(*USUAL)
