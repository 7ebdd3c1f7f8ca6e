"""What each step gets of a recipe: sections that decide its result, all others at their default.

A step is reused while what it gets is the same, so a change of a section runs again only the steps
that read it. A step that gets too little would compute something else: `tests/test_recipe_parts.py`
compares outputs.
"""

from mtlser.recipe import Recipe, SearchRecipe
from mtlser.recipes.judging import DriftRecipe, RegistryRecipe

PART = "part"
"""Name of a recipe that is no whole one."""
DECISION = ("rule", "margin", "level")
"""Keys of `[registry]` that decide about a result once it is there."""


def reading(recipe: Recipe) -> Recipe:
    """What `ingest` reads: the corpora and the classes."""
    return Recipe(name=PART, data=recipe.data, joined=recipe.joined, labels=recipe.labels)


def splitting(recipe: Recipe) -> Recipe:
    """What `split` reads: how folds are cut, and by what a later step is to choose and judge."""
    return reading(recipe).model_copy(
        update={
            "seed": recipe.seed,
            "split": recipe.split,
            "search": SearchRecipe(metric=recipe.search.metric),
            "registry": RegistryRecipe(metrics=recipe.registry.metrics),
        }
    )


def measuring(recipe: Recipe) -> Recipe:
    """What training, noise and the report read: all but drift and the rule of promotion.

    Its hash is that of the whole recipe.
    """
    default = RegistryRecipe()
    decision = {key: getattr(default, key) for key in DECISION}
    registry = recipe.registry.model_copy(update=decision)
    return recipe.model_copy(update={"drift": DriftRecipe(), "registry": registry})
