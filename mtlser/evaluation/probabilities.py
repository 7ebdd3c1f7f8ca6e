"""How good the probabilities of one prediction are: proper scores, lower is better.

Their means over predictions are the Brier score and the log-loss. Both are lowest for the true
probabilities, so that they judge accuracy and calibration together.
"""

import math
from collections.abc import Mapping

LEAST = 2.0**-52
"""Log-loss takes a smaller probability as this one (2.2e-16, as scikit-learn does)."""


def brier(probabilities: Mapping[str, float], truth: str) -> float:
    """Squared error over all classes, 0-2 (Brier 1950).

    `sum over classes of (p - y)^2` with y 1 for the true class and 0 for the others
    (doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2). 0 is certain and right, 2 certain and
    wrong; equal probabilities for n classes have 1 - 1 / n.

    >>> round(brier({"sad": 0.7, "angry": 0.2, "happy": 0.1}, "sad"), 4)
    0.14
    """
    return math.fsum([(p - 1.0) ** 2 if n == truth else p**2 for n, p in probabilities.items()])


def log_loss(probabilities: Mapping[str, float], truth: str) -> float:
    """Negative log of the true class's probability, in nats, 0-36.04.

    Equal probabilities for n classes have ln n. A probability below `LEAST` counts as `LEAST`.

    >>> round(log_loss({"sad": 0.5, "angry": 0.5}, "sad"), 4)
    0.6931
    """
    return max(0.0, -math.log(max(probabilities[truth], LEAST)))
