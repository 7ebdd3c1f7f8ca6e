"""Component `check_data`: what is new since the champion was made, and whether it may be used."""

from typing import NamedTuple

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def check_data(
    recipe: str,
    corpus: dsl.Input[dsl.Dataset],
    checked: dsl.Output[dsl.Artifact],
) -> NamedTuple("Outputs", [("verdict", str), ("champion_recipe", str)]):  # type: ignore[valid-type]
    """Compare the corpus with the champion's: schema, classes, durations and levels.

    Fails where something drifted past the recipe's limits. Returns a verdict, `first` (there is no
    champion), `unchanged`, `new_data` or `new_recipe`, and the champion's recipe as TOML text.

    Args:
        recipe: the challenger's resolved recipe as TOML text.
        corpus: the corpus folder.
        checked: folder of `drift.json`.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    found = stages.check_data(corpus.path, load(recipe), out=checked.path, run=surroundings.run())
    checked.metadata["verdict"] = found.verdict
    return (found.verdict, found.champion_recipe)
