"""Component `search`: alpha, beta and epoch of every fold, chosen on validation."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def search(
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    chosen: dsl.Output[dsl.Artifact],
    sources: str,
    worked: dsl.Input[list[dsl.Artifact]] = None,
) -> list[str]:
    """Choose alpha, beta and epoch per fold; a recipe without grids passes its pair through.

    Returns the cells that are to be trained, as text.

    Args:
        recipe: the resolved recipe as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        chosen: folder of `chosen.json` and the chosen checkpoints.
        sources: digest of noise and encoder, which lie outside the pipeline; part of the cache key.
        worked: of the workers that trained before; absent: this step trains alone.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    return stages.search(
        corpus.path,
        folds.path,
        load(recipe),
        out=chosen.path,
        work=surroundings.work(chosen.uri),
        run=surroundings.run(),
        most=surroundings.most_cells(),
        store=surroundings.search_store(),
    )
