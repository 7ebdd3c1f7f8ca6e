"""A compiled DAG with the arguments that a server runs it with, checked before anything is sent."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mtlser import recipe as recipes
from mtlser.errors import MtlserError
from mtlser.files import read_text
from mtlser.recipe import Recipe
from mtlser.recipes.sections import names_folder
from pipeline import parameters, sizes
from pipeline.dags import DAGS
from pipeline.dags import compile as compiling


@dataclass(frozen=True)
class Package:
    """One DAG as Kubeflow's YAML."""

    dag: str
    text: str

    @property
    def version(self) -> str:
        """Name of the pipeline version: the DAG and 12 hex digits of its content's SHA-256."""
        return f"{self.dag}-{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"

    @property
    def loops(self) -> int:
        """How many loops over cells one run has."""
        return DAGS[self.dag].loops

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """Parameters of the DAG, each as Kubeflow describes it."""
        return inputs(next(yaml.safe_load_all(self.text)))

    def write(self, folder: Path) -> Path:
        """The YAML file in `folder`, under the name that Kubeflow's client wants."""
        path = folder / f"{self.dag}.yaml"
        path.write_text(self.text, encoding="utf-8")
        return path


def build(dag: str, image: str, profile: str) -> Package:
    """The DAG, compiled in a temporary folder.

    Raises:
        MtlserError: no such DAG or profile.
    """
    with tempfile.TemporaryDirectory(prefix="mtlser-") as folder:
        path = compiling.package(dag, Path(folder), image, profile)
        return Package(dag, read_text(path))


def inputs(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Parameters of a pipeline's specification, which a server may hold inside another mapping.

    >>> inputs({"pipeline_spec": {"root": {"inputDefinitions": {"parameters": {"run": {}}}}}})
    {'run': {}}
    """
    whole = spec.get("pipeline_spec", spec)
    return dict(whole.get("root", {}).get("inputDefinitions", {}).get("parameters", {}))


def arguments(
    expected: dict[str, dict[str, Any]], recipes_given: dict[str, Recipe]
) -> dict[str, Any]:
    """Values of the DAG's parameters.

    Args:
        expected: parameters of the DAG, see `inputs`.
        recipes_given: recipes by the parameter that takes their text.

    Raises:
        MtlserError: a recipe too many or too few, or one that Kubeflow would change or refuse.
    """
    values = {name: recipes.dumps(each) for name, each in recipes_given.items()}
    for name in values:
        if name not in expected:
            raise MtlserError(f"--{name}: this DAG takes no such recipe; leave it out")
    for name, described in expected.items():
        optional = described.get("isOptional") or "defaultValue" in described
        if name not in values and not optional:
            raise MtlserError(f"the DAG needs {name}; give it with `--{name} RECIPE`")
    parameters.check(values)
    return values


def check_cells(package: Package, recipes_given: dict[str, Recipe]) -> None:
    """Refuses recipes whose cells do not fit into one run.

    Raises:
        MtlserError: see `sizes.check`.
    """
    size = len(package.text.encode())
    for recipe in recipes_given.values() if package.loops else ():
        text = len(recipes.dumps(recipe).encode())
        sizes.check(recipe, sizes.most_cells(size, package.loops, text))


def check_places(recipe: Recipe, key: str = "recipe") -> list[str]:
    """Doubts about folders that a recipe names, one sentence each.

    An absolute path may well be mounted in every step, so it is only doubted.

    Raises:
        MtlserError: a relative path, which no step on a cluster can find.
    """
    encoder = recipe.model.encoder
    named: dict[str, str | None] = {**recipe.roots, "noise.root": recipe.noise.root}
    if names_folder(encoder):
        named["model.encoder"] = encoder
    doubts = []
    for name, place in named.items():
        if place is None or place.startswith("s3://"):
            continue
        if not Path(place).is_absolute():
            raise MtlserError(
                f"{key}: {name} = {place!r}: a step on the cluster does not see this folder; put "
                f"it on S3 and give `--set {name}=s3://...`, or an absolute path that every step "
                "has mounted"
            )
        doubts.append(f"{key}: {name} = {place}: runs only where every step has it mounted")
    return doubts
