"""Component `fold_split`: folds, their audit, and the list of cells to train."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def fold_split(
    recipe: str, corpus: dsl.Input[dsl.Dataset], folds: dsl.Output[dsl.Artifact]
) -> list[str]:
    """Cut the folds, audit their leaks and return every cell that is to be trained.

    Args:
        recipe: the resolved recipe as TOML text.
        corpus: the corpus folder.
        folds: folder of `folds.json` and `audit.json`.

    Returns:
        One flat list of cell ids, all systems times all folds, for example `mtlser:f3:s0`.
    """
    from mtlser import stages
    from mtlser.recipe import load

    return stages.split(corpus.path, load(recipe), out=folds.path)
