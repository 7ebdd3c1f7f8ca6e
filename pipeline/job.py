"""What is to be run: a DAG and its recipes."""

from dataclasses import dataclass, replace

from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, dumps
from pipeline.places import resolve

NAMES = ("crossval", "search", "compare", "retrain")
RIVALRY = "compare"
"""The DAG that takes two recipes."""


@dataclass(frozen=True)
class Job:
    """A DAG with what decides its result."""

    recipe: Recipe
    dag: str = "crossval"
    rival: Recipe | None = None
    """The other recipe of `compare`."""

    def resolved(self) -> "Job":
        """The job with absolute local places.

        Raises:
            MtlserError: no such DAG, a place is absent, or a recipe is missing or too many.
        """
        if self.dag not in NAMES:
            raise MtlserError(f"DAG {self.dag!r}: expected one of {', '.join(NAMES)}")
        if (self.rival is None) == (self.dag == RIVALRY):
            wanted = "needs a second recipe" if self.rival is None else "takes no second recipe"
            raise MtlserError(
                f"DAG {self.dag} {wanted}; for example "
                "`mtlser-pipeline run --dag compare --recipe demo --rival mine.toml`"
            )
        rival = resolve(self.rival) if self.rival else None
        return replace(self, recipe=resolve(self.recipe), rival=rival)

    def arguments(self) -> dict[str, str]:
        """The DAG's arguments that hold recipes."""
        given = {"recipe": dumps(self.recipe)}
        return given | ({"rival": dumps(self.rival)} if self.rival else {})
