"""Component `evaluate`: one cell trained, and its test set predicted, clean and under noise."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(  # noqa: PLR0913, PLR0917 - one parameter a port
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    chosen: dsl.Input[dsl.Artifact],
    trained: dsl.Output[dsl.Model],
    noisy: dsl.Output[dsl.Artifact],
    sources: str,
    cell: str,
    processes: int = 1,
) -> None:
    """Train one cell, score its test set once, and predict it with noise added.

    Args:
        recipe: what it reads of the recipe, as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        chosen: what the search chose, with its checkpoints.
        trained: folder of `model/`, `history.jsonl`, `result.json` and `predictions.jsonl`.
        noisy: folder of `predictions.jsonl`.
        sources: digest of noise and encoder, which lie outside the pipeline; part of the cache key.
        cell: the cell's id.
        processes: how many share the training, by `torchrun`: one a GPU.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    given = load(recipe)
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
    stages.noise_eval(corpus.path, folds.path, trained.path, cell, given, out=noisy.path)
    trained.metadata["cell"] = cell
