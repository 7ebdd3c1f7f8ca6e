"""What Optuna does not promise: the id by which its storages know a trial, and its experiments."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def trial_id(trial: "FrozenTrial") -> int:
    """The id of a trial in its storage, over all studies; `number` counts in one study."""
    return int(trial._trial_id)


@contextmanager
def experimental() -> Iterator[None]:
    """The block that uses what Optuna calls experimental, on purpose."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
