"""The stage before all others: prepare."""

from typing import NamedTuple

from mtlser import tracking
from mtlser.recipe import Recipe, dumps
from mtlser.stages import recipe_parts as parts
from mtlser.stages.entry import stage
from mtlser.storage import listing


class Prepared(NamedTuple):
    """What later steps get in place of the recipe: each is reused while its own is the same."""

    release: str
    """Digest of what the recipe's corpora hold now, as they are listed."""
    sources: str
    """Digest of what noise and encoder hold now."""
    reading: str
    """What `ingest` gets of the recipe, as TOML text."""
    splitting: str
    """What `split` gets."""
    measuring: str
    """What `search`, `train`, `noise_eval` and `report` get; its hash is the recipe's."""


@stage
def prepare(recipe: Recipe, run: str = "") -> Prepared:
    """Looks at what lies outside the pipeline, parts the recipe, and opens the run in MLflow.

    The run in MLflow is described here by the whole recipe, and is there where every later step
    is reused.

    Args:
        recipe: the resolved recipe.
        run: key of the parent run in MLflow; empty: none is opened.

    Raises:
        MtlserError: S3 or MLflow refuses or is away.
    """
    if run:
        with tracking.parent(recipe, run) as parent:
            _ = parent.id
    return Prepared(
        "-".join(map(listing.digest, recipe.roots.values())),
        "-".join(map(listing.digest, (recipe.noise.root or "", recipe.model.encoder))),
        *(dumps(part(recipe)) for part in (parts.reading, parts.splitting, parts.measuring)),
    )
