"""What became of what was spoilt on purpose, told at the end of `make test-platform`."""

from dataclasses import dataclass, field


@dataclass
class Tally:
    """Faults that were made, and which of them lost something."""

    faults: int = 0
    lost: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, part: str) -> "Tally":
        """The tally of one part of the platform, the same for all that ask."""
        return TALLIES.setdefault(part, cls())

    def count(self, what: str, kept: bool) -> None:
        """Counts a fault, and whether everything was there afterwards."""
        self.faults += 1
        if not kept:
            self.lost.append(what)


TALLIES: dict[str, Tally] = {}


def lines() -> list[str]:
    """One line for each part."""
    return [
        f"{part}: faults {each.faults} survived {each.faults - len(each.lost)} "
        f"lost {len(each.lost)}"
        for part, each in sorted(TALLIES.items())
    ]
