"""Component `compare`: two measured recipes side by side on one page."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def compare(
    reported: dsl.Input[dsl.Artifact],
    rival: dsl.Input[dsl.Artifact],
    compared: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Write the comparison of two reports, with tests where their folds are the same.

    Args:
        reported: report folder of the first recipe.
        rival: report folder of the other one.
        compared: folder of `report.html`, `comparison.json` and the tables.
        page: the comparison.
    """
    from components import artifacts
    from mtlser import stages

    stages.compare([reported.path, rival.path], compared.path)
    artifacts.copy_page(compared.path, page.path)
