"""Component `baselines`: every cell of the baselines, trained and predicted, without a GPU."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def baselines(
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    chosen: dsl.Input[dsl.Artifact],
    measured: dsl.Output[dsl.Artifact],
    sources: str,
) -> None:
    """Train every baseline on every fold, score its test set once, and predict it with noise.

    Args:
        recipe: what it reads of the recipe, as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        chosen: what the search chose.
        measured: folder of `baselines.json`, and for each cell a folder as `evaluate` writes two.
        sources: digest of noise and encoder, which lie outside the pipeline; part of the cache key.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    work, run = surroundings.work(measured.uri), surroundings.run()
    places = (corpus.path, folds.path, chosen.path)
    stages.baselines(*places, load(recipe), out=measured.path, work=work, run=run)
