"""Component `noise_eval`: a trained cell under every noise and SNR of the recipe."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def noise_eval(
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    trained: dsl.Input[dsl.Model],
    noisy: dsl.Output[dsl.Artifact],
    cell: str,
) -> None:
    """Predict the cell's test set with noise added.

    Args:
        recipe: the resolved recipe as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        trained: the cell's folder.
        noisy: folder of `predictions.jsonl`.
        cell: the cell's id.
    """
    from mtlser import stages
    from mtlser.recipe import load

    stages.noise_eval(corpus.path, folds.path, trained.path, cell, load(recipe), out=noisy.path)
