"""What the gate of promotion decided, with every number behind it."""

from typing import Literal

from mtlser.records import Record


class MetricTest(Record):
    """One metric over the folds; a gain above 0 is in the challenger's favour."""

    metric: str
    better: Literal["higher", "lower"]
    challenger: float
    """Mean over folds."""
    champion: float
    gains: tuple[float, ...]
    """Fold by fold."""
    gain: float
    low: float
    """The gain's interval at the recipe's level; of `not_worse` one-sided, without `high`."""
    high: float | None
    t: float | None
    """`None`, as `p`, where there is no spread to test with."""
    df: float | None
    p: float | None
    p_holm: float | None
    """Of `better`: adjusted for the number of metrics."""
    passes: bool
    reading: str


class Gate(Record):
    """What the gate decided, with every number behind it."""

    rule: Literal["not_worse", "better"]
    margin: float
    level: float
    folds: int
    passes: bool
    reason: str
    tests: tuple[MetricTest, ...] = ()
    """Empty where the two may not be compared."""
