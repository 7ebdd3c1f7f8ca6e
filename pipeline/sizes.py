"""How large a run gets: Argo keeps all of it in one object, and ends a run that passes 1 MiB.

The object holds the steps as Argo writes them, and what became of each, compressed. Argo ends a run
beyond the limit without its exit handler, so what cannot run is refused before it is sent. The
figures are of a cross-validation on Kubeflow Pipelines 2.17 (docs/kubeflow-tested.md).
"""

from pathlib import Path

from mtlser.errors import TooManyCellsError
from mtlser.recipe import Recipe

LIMIT_BYTES = 2**20
"""`MAX_WORKFLOW_SIZE` of Argo's controller, where node status is not offloaded to a database."""
ARGO_PER_YAML = 1.45
"""Bytes of Argo's steps for each of the compiled YAML: 88,016 for 63,059."""
STEPS_BYTES, STEPS_PER_RECIPE = 54_000, 7.0
"""Of all steps outside the loop, and for each byte of the recipe's text: 59,120 at 1,579."""
CELL_BYTES, CELL_PER_RECIPE = 5_400, 1.4
"""Of a cell: 7,519 at 1,579; with made-up recipes 10,332 at 3,589 and 13,258 at 7,621."""
USUAL_RECIPE_BYTES = 1_600


def most_cells(yaml_bytes: int, loops: int, recipe_bytes: int = USUAL_RECIPE_BYTES) -> int:
    """The number of cells that fit into each loop of a run.

    >>> most_cells(63_000, 1)
    116

    Args:
        yaml_bytes: size of the compiled DAG.
        loops: how many run, at least 1.
        recipe_bytes: size of the recipe's text.
    """
    rest = LIMIT_BYTES - ARGO_PER_YAML * yaml_bytes - STEPS_BYTES - STEPS_PER_RECIPE * recipe_bytes
    return max(0, int(rest / (loops * (CELL_BYTES + CELL_PER_RECIPE * recipe_bytes))))


def cells(recipe: Recipe) -> int | None:
    """The number of cells of the loop; `None` where only the corpus tells the number of folds."""
    split = recipe.split
    known = {"random": split.random_folds, "speakers": split.speaker_folds}.get(split.protocol)
    folds = min(filter(None, (known, split.max_folds)), default=None)
    if folds is None:
        return None
    return folds * recipe.train.seeds


def check(recipe: Recipe, most: int) -> None:
    """Refuses a recipe with more cells than fit.

    Args:
        recipe: the recipe.
        most: see `most_cells`.

    Raises:
        TooManyCellsError: it has.
    """
    count = cells(recipe)
    if count is not None and count > most:
        raise TooManyCellsError(f"recipe {recipe.name}: {count} cells (folds x seeds)", most)


def told(path: Path, loops: int) -> str:
    """One line on a compiled DAG: its size, and how many cells fit into a run of it."""
    size = path.stat().st_size
    room = f", at most {most_cells(size, loops)} cells a recipe" if loops else ""
    return f"{path}: {size / 1000:.0f} kB{room}"
