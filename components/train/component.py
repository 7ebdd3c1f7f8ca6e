"""Component `train`: the final fit of the network on all data."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    chosen: dsl.Input[dsl.Artifact],
    trained: dsl.Output[dsl.Model],
    sources: str,
    processes: int = 1,
) -> None:
    """Fit the network on all data, with what the folds chose.

    Args:
        recipe: what it reads of the recipe, as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        chosen: the report folder, which knows each fold's pair and best epoch.
        trained: folder of `model/`, `history.jsonl` and `result.json`.
        sources: digest of noise and encoder, which lie outside the pipeline; part of the cache key.
        processes: how many share the training, by `torchrun`: one a GPU.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load
    from mtlser.records import Cell

    given = load(recipe)
    cell = Cell(system="mtlser", fold=None, seed=given.seed).text
    stages.train(
        corpus.path,
        folds.path,
        chosen.path,
        cell,
        given,
        out=trained.path,
        work=surroundings.work(trained.uri),
        run=surroundings.run(),
        processes=processes,
    )
    trained.metadata["cell"] = cell
