"""A clock that a test moves."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Tells `now` when it is called, in seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
