"""Alphas and betas on a scale from 0 to 1, on which a search draws."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Scale:
    """What lies between the smallest and the largest of the values."""

    values: Sequence[float]
    kind: Literal["linear", "log"]
    """On `log` a 0 among the values has as much room as any other of them."""

    @property
    def _zero(self) -> float:
        """Where the part for 0 ends."""
        has_zero = self.kind == "log" and min(self.values) == 0 and len(set(self.values)) > 1
        return 1 / len(set(self.values)) if has_zero else 0.0

    @property
    def _ends(self) -> tuple[float, float]:
        """The smallest and largest value beyond the part for 0, as they are spaced."""
        rest = [value for value in self.values if value > 0] if self._zero else list(self.values)
        return self._spaced(min(rest)), self._spaced(max(rest))

    def _spaced(self, value: float) -> float:
        return math.log(value) if self.kind == "log" and value > 0 else value

    def value(self, place: float) -> float:
        """The value at a place from 0 to 1.

        >>> Scale([0.0, 1.0], "linear").value(0.25)
        0.25
        >>> [round(Scale([0.0, 0.01, 0.1, 1.0], "log").value(u), 3) for u in (0.2, 0.25, 0.625, 1)]
        [0.0, 0.01, 0.1, 1.0]
        """
        zero, (low, high) = self._zero, self._ends
        if place < zero or high == low:
            return 0.0 if place < zero else max(self.values)
        spaced = low + (high - low) * (place - zero) / (1 - zero)
        drawn = math.exp(spaced) if self.kind == "log" and max(self.values) > 0 else spaced
        return min(max(self.values), max(min(self.values), drawn))

    def place(self, value: float) -> float:
        """The place of a value, or of the end that is next to it.

        >>> Scale([0.0, 0.5, 2.0], "linear").place(1.0)
        0.5
        >>> Scale([0.01, 1.0], "log").place(0.1)
        0.5
        """
        zero, (low, high) = self._zero, self._ends
        if (zero and value <= 0) or high == low:
            return 1.0 if zero and value > 0 else 0.0
        spaced = self._spaced(value) if value > 0 or self.kind == "linear" else low
        return min(1.0, max(zero, zero + (1 - zero) * (spaced - low) / (high - low)))
