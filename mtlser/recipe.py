"""Typed recipes: read from TOML, unknown keys refused, hashed.

A recipe is everything that decides a result. `mtlser/recipes/*.toml` ship with the package;
each is complete, so reading one file tells the whole run.
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

import tomli_w
from pydantic import BaseModel, Field, ValidationError, model_validator

from mtlser.errors import MtlserError
from mtlser.files import read_text
from mtlser.recipes.content import apply, check_text, override, parted, plain_override
from mtlser.recipes.data import DataRecipe
from mtlser.recipes.judging import DriftRecipe, RegistryRecipe
from mtlser.recipes.labels import LabelsRecipe
from mtlser.recipes.searching import SearchRecipe
from mtlser.recipes.sections import (
    BaselineRecipe,
    ModelRecipe,
    NoiseRecipe,
    RecipeName,
    Section,
    SplitRecipe,
    TrainRecipe,
)

__all__ = [
    "BaselineRecipe", "DataRecipe", "DriftRecipe", "LabelsRecipe", "ModelRecipe", "NoiseRecipe",
    "Recipe", "RegistryRecipe", "SearchRecipe", "Section", "SplitRecipe", "TrainRecipe", "dumps",
    "load", "names", "override", "plain_override",
]  # fmt: skip

RECIPES = Path(__file__).parent / "recipes"
PROMOTION = {"rule", "metrics", "margin", "level"}
"""Keys of `[registry]` that judge a result."""

ADDED = (
    ("labels", "classes"), ("labels", "map"), ("split", "speaker_folds"), ("data", "table"),
    ("data", "columns"), ("data", "speaker_pattern"), ("data", "merge_speakers"),
    ("data", "language"), ("data", "channels"), ("data", "alphabet"), ("split", "test_corpora"),
    ("model", "revision"), ("search", "scale"), ("search", "eta"),
    ("search", "choose"), ("search", "trainings"), ("search", "minutes"), ("train", "ctc"),
)  # fmt: skip
"""Keys younger than runs that are to stay comparable: at its default, such a key is no part of the
hash."""

SHOWN = 200
"""Characters of a bad value that an error shows."""

PLACES = (("model", "encoder"), ("noise", "root"))
"""Keys, with their sections, that may name a folder of this machine, besides the corpora's."""


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
    joined: tuple[DataRecipe, ...] = ()
    """Further corpora that are read with the first: in a file each is a section `[[data]]`, and
    `--set data.1.root=DIR` is a key of the second."""
    labels: LabelsRecipe = LabelsRecipe()
    split: SplitRecipe = SplitRecipe()
    model: ModelRecipe = ModelRecipe()
    train: TrainRecipe = TrainRecipe()
    search: SearchRecipe = SearchRecipe()
    noise: NoiseRecipe = NoiseRecipe()
    baseline: BaselineRecipe = BaselineRecipe()
    drift: DriftRecipe = DriftRecipe()
    registry: RegistryRecipe = RegistryRecipe()

    @property
    def corpora(self) -> tuple[DataRecipe, ...]:
        """All that is read, in the order of the file."""
        return (self.data, *self.joined)

    @property
    def corpus(self) -> str:
        """All that is read, by name: `emodb`, or `emodb+ravdess`."""
        return "+".join(each.called for each in self.corpora)

    @property
    def roots(self) -> dict[str, str]:
        """Where each corpus is, by its key for `--set`: `data.root`, or `data.1.root`."""
        if not self.joined:
            return {"data.root": self.data.root}
        return {f"data.{place}.root": each.root for place, each in enumerate(self.corpora)}

    def with_roots(self, roots: Iterable[str]) -> "Recipe":
        """The recipe with its corpora elsewhere, in their order."""
        first, *further = (
            data.model_copy(update={"root": root})
            for data, root in zip(self.corpora, roots, strict=True)
        )
        return self.model_copy(update={"data": first, "joined": tuple(further)})

    @model_validator(mode="after")
    def _apart(self) -> Self:
        called = [each.called for each in self.corpora]
        twice = next((name for name in called if called.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"two sections [[data]] are called {twice!r}, and their speakers would be mixed "
                "up; give each a `name`"
            )
        return self

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
        for each in (portable["data"], *portable["joined"]):
            for key in ("root", "name"):
                each.pop(key)
        for section, key in ADDED:
            default = (
                type(getattr(self, section))
                .model_fields[key]
                .get_default(call_default_factory=True)
            )
            if getattr(getattr(self, section), key) == default:
                portable[section].pop(key)
        if portable["train"]["bucket_s"] == "auto":
            portable["train"]["bucket_s"] = (
                60.0  # as before there was `auto`; no result depends on it
            )
        if not self.joined:
            portable.pop("joined")
        for key in ("checkpoint_s", "compile", "seeds"):
            portable["train"].pop(key)
        portable = {name: content for name, content in portable.items() if content != {}}
        text = json.dumps(portable, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def training_hash(self) -> str:
        """The hash but for which pairs are searched, and how: a pair's training is the same."""
        return self.model_copy(update={"search": SearchRecipe(metric=self.search.metric)}).hash

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
        roots = [change(("data", "root"), root) for root in self.roots.values()]
        for section, key in PLACES:
            values: Section = getattr(self, section)
            place = getattr(values, key)
            if place is not None:
                changed[section] = values.model_copy(update={key: change((section, key), place)})
        return self.with_roots(roots).model_copy(update=changed)


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
    for each in overrides:
        apply(content, each)
    check_text(content, f"recipe {label}: ")
    try:
        return Recipe.model_validate(parted(content, label))
    except ValidationError as error:
        raise MtlserError(f"recipe {label}: {_sentence(error)}") from None


def dumps(recipe: Recipe) -> str:
    """The whole recipe as TOML text; `load` gives the same recipe back."""
    content = recipe.model_dump(exclude_none=True)
    further = content.pop("joined")
    if further:
        content["data"] = [content["data"], *further]
    return tomli_w.dumps(content)


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


def _sentence(error: ValidationError) -> str:
    """One sentence of the first problem: the key, the value seen, what is allowed."""
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    if path[0:1] == ["joined"]:
        path = ["data", *(str(int(each) + 1) for each in path[1:2]), *path[2:]]
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
        if part.isdecimal():  # of several sections
            continue
        annotation = model.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return sorted(model.model_fields)
