"""Local places of a recipe: made absolute, and checked before anything starts."""

import shlex
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.recipes.sections import names_folder


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with absolute folders, so that every step finds them from wherever it runs.

    Hub names, `bundled` and `s3://` addresses stay as they are.

    Raises:
        MtlserError: a folder does not exist or holds nothing.
    """
    roots = [_root(key, root) for key, root in recipe.roots.items()]
    noise, model = recipe.noise, recipe.model
    if noise.root is not None:
        noise = noise.model_copy(update={"root": _folder("noise.root", noise.root)})
    if names_folder(model.encoder):
        model = model.model_copy(update={"encoder": _folder("model.encoder", model.encoder)})
    return recipe.with_roots(roots).model_copy(update={"noise": noise, "model": model})


def _root(key: str, root: str) -> str:
    if root.startswith("s3://"):
        return root
    path = Path(root).expanduser()
    if not path.is_dir():
        synthetic = (
            ""
            if path.exists()
            else f", or write the synthetic one: `mtlser synth --out {shlex.quote(root)}`"
        )
        raise MtlserError(
            f"{key} = {root!r}: no such folder; give the corpus with `--set {key}=DIR`{synthetic}"
        )
    if not any(path.iterdir()):
        raise MtlserError(
            f"{key} = {root!r}: the folder is empty; give the corpus with `--set {key}=DIR`"
        )
    return str(path.resolve())


def _folder(key: str, place: str) -> str:
    if place.startswith("s3://"):
        return place
    path = Path(place).expanduser()
    if not path.is_dir():
        raise MtlserError(f"{key} = {place!r}: no such folder; give one with `--set {key}=DIR`")
    return str(path.resolve())
