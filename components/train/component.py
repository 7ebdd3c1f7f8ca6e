"""Component `train`: one cell, or the final fit on all data."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(  # noqa: PLR0913, PLR0917 - one parameter a port
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    chosen: dsl.Input[dsl.Artifact],
    trained: dsl.Output[dsl.Model],
    work: str,
    run: str,
    job: str,
    cell: str = "",
    processes: int = 1,
) -> None:
    """Train one cell and score its test set once.

    Args:
        recipe: the resolved recipe as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        chosen: what the search chose, with its checkpoints; for the final fit the report folder,
            which also knows each fold's best epoch.
        trained: folder of `model/`, `history.jsonl`, `result.json` and `predictions.jsonl`.
        work: folder that outlives a killed step; empty: a temporary one.
        run: key of the parent run in MLflow; empty: `job`.
        job: id of the Kubeflow run.
        cell: the cell's id; empty: the final fit of the network on all data.
        processes: how many share the training, by `torchrun`: one a GPU.
    """
    from mtlser import stages
    from mtlser.recipe import load
    from mtlser.records import Cell

    resolved = load(recipe)
    final = Cell(system="mtlser", fold=None, seed=resolved.seed).text
    stages.train(
        corpus.path,
        folds.path,
        chosen.path,
        cell or final,
        resolved,
        out=trained.path,
        work=work,
        run=run or job,
        processes=processes,
    )
    trained.metadata["cell"] = cell or final
