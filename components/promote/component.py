"""Component `promote`: the challenger is registered, and becomes champion on evidence alone."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promote(
    recipe: str,
    trained: dsl.Input[dsl.Model],
    reported: dsl.Input[dsl.Artifact],
    registered: dsl.Output[dsl.Artifact],
    rival: dsl.Input[dsl.Artifact] = None,
) -> None:
    """Weigh the challenger against the champion's recipe on the same folds; move the alias or not.

    Args:
        recipe: the challenger's resolved recipe as TOML text; its `[registry]` holds the rule.
        trained: folder of the challenger's final fit.
        reported: the challenger's report folder.
        registered: folder of `registered.json`.
        rival: report folder of the champion's recipe on the same folds; absent: `reported`.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    rivals = rival or reported
    places = (trained.path, reported.path, rivals.path)
    stages.promote(*places, load(recipe), registered.path, run=surroundings.run())
    registered.metadata.update(trained=trained.uri, reported=reported.uri, rival=rivals.uri)
