"""Component `fold_split`: folds and their audit."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def fold_split(
    recipe: str, corpus: dsl.Input[dsl.Dataset], folds: dsl.Output[dsl.Artifact]
) -> None:
    """Cut the folds and audit their leaks.

    Args:
        recipe: what it reads of the recipe, as TOML text.
        corpus: the corpus folder.
        folds: folder of `folds.json` and `audit.json`.
    """
    from mtlser import stages
    from mtlser.recipe import load

    stages.split(corpus.path, load(recipe), out=folds.path)
