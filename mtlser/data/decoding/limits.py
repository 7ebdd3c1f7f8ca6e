"""How much of one recording is decoded into memory at once."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Most:
    """The longest recording that is decoded; a longer one is refused while it is decoded."""

    values: int = 1 << 29
    """Samples of all channels, 8 bytes each: 4 GiB, 3 h at 48 kHz in one channel."""
    seconds: float = math.inf
    channels: int = 1 << 16

    def frames(self, rate_hz: int, channels: int) -> int:
        """Sample frames of the longest recording at this rate and with so many channels.

        >>> Most(values=100).frames(16_000, 2), Most(seconds=0.001).frames(16_000, 2)
        (50, 16)
        """
        if channels > self.channels:
            return 0
        by_values = self.values // channels
        return (
            by_values if math.isinf(self.seconds) else min(by_values, int(self.seconds * rate_hz))
        )

    def refusal(self, rate_hz: int, channels: int) -> str:
        """That a recording is longer, or of more channels, and what is allowed."""
        if channels > self.channels:
            return f"{channels} channels, at most {self.channels} are allowed"
        seconds = self.frames(rate_hz, channels) / rate_hz
        length = f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds:.3g} s"
        return (
            f"longer than {length}, the most at {rate_hz} Hz and {channels} channels; cut it into "
            "pieces"
        )


ANY = Most()
"""For recordings of one's own."""
