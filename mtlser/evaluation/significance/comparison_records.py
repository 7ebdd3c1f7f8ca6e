"""The record of one comparison of two systems, as it stands in `scores.json`."""

from typing import Literal

from mtlser.evaluation.significance.bootstrap import Interval
from mtlser.evaluation.significance.mcnemar import McNemar
from mtlser.evaluation.significance.paired import Paired
from mtlser.evaluation.significance.statistics import LEVEL, Welch
from mtlser.records import Record


class Comparison(Record):
    """The main system against another on clean test, for one metric."""

    metric: Literal["wa", "ua"]
    main: str
    other: str
    welch: Welch | None
    """As the paper tests; assumes independent folds, which they are not."""
    p_holm: float | None
    """Welch's p adjusted by Holm, over the same systems as `p_adjusted`."""
    paired: tuple[Paired, ...]
    """Tests on the same folds; `corrected resampled t` is the one to trust."""
    p_adjusted: float | None = None
    """The corrected resampled t-test's p adjusted by Holm: the verdict is this one below .05.
    `None`: the test is not defined, or the scores are of an older version."""
    family: int = 0
    """Systems compared with the main one on this metric, which Holm's method is over; one without
    a test counts. 0 in scores of an older version."""
    difference: float | None = None
    """Mean over folds of the main system minus the other; `None` for one fold."""
    same_gap: bool = False
    """True where the two differ by the same amount on every fold: no t-test is defined."""
    bootstrap: Interval | None = None
    """Pooled difference over drawn speakers; `None` for one test speaker."""
    mcnemar: McNemar | None = None
    """On utterances, for WA alone (`None` for `ua`); assumes that utterances are independent."""
    trust: str = ""
    """Advice on which of these tests to trust, and why."""

    @property
    def corrected(self) -> Paired | None:
        """The test to trust, the corrected resampled t-test; `None` where it is not defined."""
        return next((test for test in self.paired if test.kind == "corrected resampled t"), None)

    @property
    def significant(self) -> bool | None:
        """The verdict: the adjusted p is below the level; `None` where that is not known."""
        return None if self.p_adjusted is None else self.p_adjusted < LEVEL

    @property
    def gap(self) -> float | None:
        """`difference`, read from Welch's test in scores of an older version."""
        if self.difference is None and self.welch is not None:
            return self.welch.difference
        return self.difference
