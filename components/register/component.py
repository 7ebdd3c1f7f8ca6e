"""Component `register`: the final model becomes challenger, and champion where the gate allows."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def register(
    recipe: str,
    trained: dsl.Input[dsl.Model],
    reported: dsl.Input[dsl.Artifact],
    registered: dsl.Output[dsl.Artifact],
) -> None:
    """Register the final model with its cross-validated scores.

    Args:
        recipe: the resolved recipe as TOML text.
        trained: folder of the final fit.
        reported: the report folder.
        registered: folder of `registered.json`.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    stages.register(
        trained.path, reported.path, load(recipe), registered.path, run=surroundings.run()
    )
    registered.metadata.update(trained=trained.uri, reported=reported.uri)
