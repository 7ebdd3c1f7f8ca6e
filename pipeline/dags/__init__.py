"""The DAGs, by the name that `compile`, `run` and `submit` take.

No hyper-parameter is in them: the recipe holds what decides a result, the profile what a step asks
for. Each is a core of steps, run here as it is, and compiled for a cluster inside an exit handler
that tells the outcome. Inside a loop only pipeline parameters, artifacts and the loop item may be
used: kfp.local silently replaces any other step's parameter there by the loop item.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kfp.components import BaseComponent

from pipeline.dags import compare, crossval, retrain, search
from pipeline.dags.place import Place


@dataclass(frozen=True)
class Dag:
    """One DAG: its core, what its exit handler wraps, and the core's outputs."""

    core: Callable[[Place], BaseComponent]
    guarded: Callable[[Place], BaseComponent]
    outputs: tuple[str, ...]
    loops: int
    """How many loops over cells one run has."""


DAGS = {
    "crossval": Dag(crossval.core, crossval.guarded, crossval.Outputs._fields, 1),
    "search": Dag(search.core, search.guarded, search.Outputs._fields, 0),
    "compare": Dag(compare.core, compare.guarded, compare.Outputs._fields, 2),
    "retrain": Dag(retrain.core, retrain.guarded, retrain.Outputs._fields, 2),
}
