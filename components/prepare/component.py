"""Component `prepare`: what lies outside the pipeline, and what each step gets of the recipe."""

from typing import NamedTuple

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def prepare(
    recipe: str,
) -> NamedTuple(  # type: ignore[valid-type]
    "Outputs",
    [("release", str), ("sources", str), ("reading", str), ("splitting", str), ("measuring", str)],
):
    """List release, noise and encoder, part the recipe, and open the run in MLflow.

    Never cached, so that a later step is reused exactly while all that decides its result is the
    same. Returns the digest of the release; that of noise and encoder; and as TOML text what
    ingest, fold_split, and the steps that train and measure get of the recipe.

    Args:
        recipe: the resolved recipe as TOML text.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    return stages.prepare(load(recipe), run=surroundings.run())
