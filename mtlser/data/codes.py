"""Names as numbers: what numpy sorts and counts in a fraction of the time and memory of text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def codes(names: Sequence[str | None]) -> tuple[NDArray[np.int64], int]:
    """Each name's place among the different ones in alphabetical order, `None` first; their count.

    >>> places, count = codes(["b", "a", "b"])
    >>> places.tolist(), count
    ([1, 0, 1], 2)
    """
    different = sorted(set(names), key=lambda name: (name is not None, name or ""))
    place = {name: index for index, name in enumerate(different)}
    return np.fromiter((place[name] for name in names), np.int64, len(names)), len(place)
