"""Component `report`: all predictions become scores and one page."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report(  # noqa: PLR0913, PLR0917 - one parameter a port
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    folds: dsl.Input[dsl.Artifact],
    chosen: dsl.Input[dsl.Artifact],
    trained: dsl.Input[list[dsl.Model]],
    noisy: dsl.Input[list[dsl.Artifact]],
    baselines: dsl.Input[dsl.Artifact],
    reported: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Score everything; the scalars, the confusion matrix and the page reach Kubeflow's own UI.

    Args:
        recipe: the resolved recipe as TOML text.
        corpus: the corpus folder.
        folds: the folds folder.
        chosen: what the search chose.
        trained: folders of the network's trained cells.
        noisy: folders of their noisy predictions.
        baselines: the baselines folder.
        reported: folder of `report.html` and `scores.json`; its metadata says where models lie.
        metrics: the summary's numbers.
        confusion: the network's confusion matrix on clean test speech, summed over folds.
        page: the report.
    """
    from components import artifacts, surroundings
    from mtlser import stages
    from mtlser.recipe import load

    rivals = stages.baseline_folders(baselines.path)
    places = [artifact.path for artifact in (*trained, *noisy)]
    places += [place for pair in rivals.values() for place in pair]
    inputs = (corpus.path, folds.path, chosen.path, places)
    stages.report(*inputs, load(recipe), reported.path, surroundings.run())
    reported.metadata["cells"] = {
        **{model.metadata["cell"]: model.uri for model in trained},
        **{
            cell: pair[0].replace(baselines.path, baselines.uri, 1) for cell, pair in rivals.items()
        },
    }
    artifacts.copy_page(reported.path, page.path)
    for name, value in artifacts.scalars(reported.path).items():
        metrics.log_metric(name, value)
    confusion.log_confusion_matrix(*artifacts.confusion(reported.path))
    artifacts.write_metadata(metrics, confusion)
