"""Kubeflow components: a few lines each, calling `mtlser.stages`.

Inputs and outputs are artifacts (folders) and text: a recipe travels as TOML, a cell as its text
id. Everything inside a component function is imported there, because Kubeflow ships the source of
that function alone.
"""

from importlib.metadata import PackageNotFoundError, version


def default_image() -> str:
    """Image reference of this version, `mtlser:VERSION`; a release is given by its digest."""
    try:
        return f"mtlser:{version('mtlser')}"
    except PackageNotFoundError:
        return "mtlser:dev"


IMAGE = default_image()
