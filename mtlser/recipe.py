"""Typed recipes: read from TOML, unknown keys refused, hashed.

A recipe is everything that decides a result. `mtlser/recipes/*.toml` ship with the package;
each is complete, so reading one file tells the whole run.
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import tomli_w
from pydantic import BaseModel, Field, ValidationError, model_validator

from mtlser.errors import MtlserError
from mtlser.files import read_text
from mtlser.recipes.data import DataRecipe
from mtlser.recipes.judging import DriftRecipe, RegistryRecipe
from mtlser.recipes.labels import LabelsRecipe
from mtlser.recipes.names import not_utf8
from mtlser.recipes.sections import (
    BaselineRecipe,
    ModelRecipe,
    NoiseRecipe,
    RecipeName,
    SearchRecipe,
    Section,
    SplitRecipe,
    TrainRecipe,
)

__all__ = [
    "BaselineRecipe", "DataRecipe", "DriftRecipe", "LabelsRecipe", "ModelRecipe", "NoiseRecipe",
    "Recipe", "RegistryRecipe", "SearchRecipe", "Section", "SplitRecipe", "TrainRecipe", "dumps",
    "load", "names",
]  # fmt: skip

RECIPES = Path(__file__).parent / "recipes"
PROMOTION = {"rule", "metrics", "margin", "level"}
"""Keys of `[registry]` that judge a result."""

ADDED = (
    ("labels", "classes"), ("labels", "map"), ("split", "speaker_folds"), ("data", "table"),
    ("data", "columns"), ("data", "speaker_pattern"), ("data", "merge_speakers"),
    ("data", "language"), ("data", "channels"), ("data", "alphabet"),
)  # fmt: skip
"""Keys younger than runs that are to stay comparable: at its default, such a key is no part of the
hash."""

SHOWN = 200
"""Characters of a bad value that an error shows."""

PLACES = (("data", "root"), ("model", "encoder"), ("noise", "root"))
"""Keys, with their sections, that may name a folder of this machine."""


class Recipe(Section):
    """Everything that decides a result."""

    name: RecipeName
    """Of the recipe; also the name of the run folder where none is given."""
    about: str = ""
    """One sentence for `mtlser recipes`."""
    seed: int = Field(0, ge=0, lt=2_000_000_000)
    """Of every random choice: folds, weights, order, noise; with what is added to it for a fold or
    a further training it is below 2^31."""
    data: DataRecipe
    labels: LabelsRecipe = LabelsRecipe()
    split: SplitRecipe = SplitRecipe()
    model: ModelRecipe = ModelRecipe()
    train: TrainRecipe = TrainRecipe()
    search: SearchRecipe = SearchRecipe()
    noise: NoiseRecipe = NoiseRecipe()
    baseline: BaselineRecipe = BaselineRecipe()
    drift: DriftRecipe = DriftRecipe()
    registry: RegistryRecipe = RegistryRecipe()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.train.padding == "seen" and self.model.trainable != "all":
            raise ValueError(
                f"train.padding = 'seen' with model.trainable = {self.model.trainable!r}: cached "
                "features hold no padding; allowed are model.trainable = 'all', or "
                "train.padding = 'none'"
            )
        return self

    @property
    def hash(self) -> str:
        """First 12 hex digits of the SHA-256 of all that decides a result.

        Where things lie does not: of folders on this machine only the last name counts. Nor does
        the number of seeds: each result names its own. Nor do `[drift]` and the rule of promotion:
        they judge a result, and change none.
        """
        portable = self.portable().model_dump(exclude={"drift": True, "registry": PROMOTION})
        for key in ("root", "name"):
            portable["data"].pop(key)
        for section, key in ADDED:
            default = (
                type(getattr(self, section))
                .model_fields[key]
                .get_default(call_default_factory=True)
            )
            if getattr(getattr(self, section), key) == default:
                portable[section].pop(key)
        for key in ("checkpoint_s", "seeds"):
            portable["train"].pop(key)
        portable = {name: content for name, content in portable.items() if content != {}}
        text = json.dumps(portable, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def portable(self) -> "Recipe":
        """The recipe for other machines: of an absolute folder only the last name."""
        return self._with_places(lambda _, place: _last_name(place))

    def located(self, here: "Recipe") -> "Recipe":
        """A portable recipe with its folders where `here`, a recipe of this machine, has its own.

        A folder of the same name is taken to be the same; another one is looked for beside it.
        """

        def find(key: tuple[str, str], name: str) -> str:
            known = getattr(getattr(here, key[0]), key[1])
            if known is None or not Path(known).is_absolute() or Path(name).name != name:
                return name
            beside = Path(known).with_name(name)
            return str(beside) if beside.is_dir() else name

        return self._with_places(find)

    def _with_places(self, change: Callable[[tuple[str, str], str], str]) -> "Recipe":
        changed: dict[str, Section] = {}
        for section, key in PLACES:
            values: Section = getattr(self, section)
            place = getattr(values, key)
            if place is not None:
                changed[section] = values.model_copy(update={key: change((section, key), place)})
        return self.model_copy(update=changed)


def _last_name(place: str) -> str:
    return Path(place).name if Path(place).is_absolute() else place


def names() -> list[str]:
    """Names of the recipes that ship with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load(source: str, overrides: tuple[str, ...] = ()) -> Recipe:
    """The recipe that `source` names, with `KEY=VALUE` overrides.

    Args:
        source: a shipped recipe's name, a path to a TOML file, or TOML text (with a newline).
        overrides: dotted keys, for example `train.learning_rate=2e-5`; a value is read as TOML,
            and as a plain string where that fails.

    Raises:
        MtlserError: no such recipe, TOML that does not parse, an unknown key or a bad value.
    """
    label, text = _read(source)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MtlserError(f"recipe {label}: not TOML: {error}; see `mtlser recipes`") from None
    for override in overrides:
        _override(content, override)
    _check_text(content, f"recipe {label}: ")
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise MtlserError(f"recipe {label}: {_sentence(error)}") from None


def dumps(recipe: Recipe) -> str:
    """The whole recipe as TOML text; `load` gives the same recipe back."""
    return tomli_w.dumps(recipe.model_dump(exclude_none=True))


def _read(source: str) -> tuple[str, str]:
    if "\n" in source:
        return "text", source
    shipped = RECIPES / f"{source}.toml"
    path = shipped if shipped.is_file() else Path(source)
    if not path.is_file():
        raise MtlserError(
            f"recipe {source!r}: no such recipe; shipped are {', '.join(names())}, or give a path "
            "to a .toml file; list them with `mtlser recipes`"
        )
    return source, read_text(path)


def override(key: str, value: object) -> str:
    r"""`KEY=VALUE` for `load`, whatever characters the value holds.

    >>> print(override("data.root", 'a "b" \\c'), override("search.alphas", [0.1]))
    data.root="a \"b\" \\c" search.alphas=[0.1]
    """
    return f"{key}={_toml(value)}"


def plain_override(key: str, value: str) -> str:
    """`KEY=VALUE` for `load`, without quotes where the text cannot be taken for another value.

    >>> plain_override("data.root", "runs/my speech"), plain_override("data.root", "2024")
    ('data.root=runs/my speech', 'data.root="2024"')
    """
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return f"{key}={value}"
    return override(key, value)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")


def _check_text(content: dict[str, Any], where: str) -> None:
    """Refuses texts that cannot be written as UTF-8, as of a folder with a name in Latin-1."""
    for key, value in content.items():
        if isinstance(value, dict):
            _check_text(value, f"{where}{key}.")
        for each in value if isinstance(value, list) else [value]:
            fault = not_utf8(each) if isinstance(each, str) else None
            if fault is not None:
                raise MtlserError(
                    f"{where}{key} = {each!r} {fault}, so no recipe can hold it; rename the folder "
                    "or file, for example with `convmv`"
                )


def _override(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise MtlserError(
            f"--set {override!r}: expected KEY=VALUE, for example --set train.learning_rate=2e-5"
        )
    *parents, last = key.split(".")
    section = content
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise MtlserError(f"--set {override!r}: {parent} is a value, not a section")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        parsed = {}
    section[last] = parsed["value"] if parsed.keys() == {"value"} else value


def _sentence(error: ValidationError) -> str:
    """One sentence of the first problem: the key, the value seen, what is allowed."""
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    key = ".".join(path)
    if problem["type"] == "extra_forbidden":
        allowed = _fields(path[:-1])
        close = difflib.get_close_matches(path[-1], allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown key {key!r}; {hint}allowed here: {', '.join(allowed)}"
    if problem["type"] == "missing":
        return f"{key} is missing; give it in the file or with `--set {key}=...`"
    reason = problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], dict):  # of several keys
        return f"{key}: {reason}" if key else reason
    seen = repr(problem["input"])
    seen = seen if len(seen) <= SHOWN else f"{seen[:SHOWN]}... ({len(seen)} characters)"
    return f"{key} = {seen}: {reason}"


def _fields(path: list[str]) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in path:
        annotation = model.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return sorted(model.model_fields)
