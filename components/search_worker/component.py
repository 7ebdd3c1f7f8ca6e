"""Component `search_worker`: trainings of a search, beside other pods that take from one list."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def search_worker(
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    worked: dsl.Output[dsl.Artifact],
    sources: str,
    first: int,
) -> None:
    """Take trainings of the search from the list in the shared database until none is left.

    Args:
        recipe: the resolved recipe as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        worked: folder of `worked.json`: how many trainings had ended.
        sources: digest of noise and encoder, which lie outside the pipeline; part of the cache key.
        first: place of this pod among the workers, from 0.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    stages.search_worker(
        corpus.path,
        folds.path,
        load(recipe),
        surroundings.work(worked.uri),
        surroundings.search_store(),
        run=surroundings.run(),
        first=first,
        out=worked.path,
    )
