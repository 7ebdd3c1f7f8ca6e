"""Typed recipes: TOML in, unknown key refused, hash out.

A recipe is everything that decides a result. `mtlser/recipes/*.toml` ship with the package;
each is complete, so reading one file tells the whole run.
"""

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from mtlser.errors import MtlserError
from mtlser.records import Protocol

RECIPES = Path(__file__).parent / "recipes"
SnrDb = Annotated[float, Field(ge=-60, le=100)]  # beyond, noise is lost in 32-bit rounding


class Section(BaseModel):
    """Base of all sections: immutable, unknown key refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRecipe(Section):
    """What is read, and how much of it may be left out."""

    corpus: Literal["iemocap", "emodb"]
    root: str
    """Folder or `s3://` address of the release."""
    min_duration_s: NonNegativeFloat = 0.0
    max_duration_s: PositiveFloat = 60.0
    max_faulty: float = Field(0.01, ge=0, le=1)
    """Share of task files that may be unreadable, empty or silent before ingest refuses."""


class SplitRecipe(Section):
    """How the folds are cut."""

    protocol: Protocol = "loso"
    speaker_check: float = Field(0.1, gt=0, lt=0.5)
    random_folds: PositiveInt = 10
    """Number of folds of the `random` protocol; the others follow from the corpus."""
    max_folds: PositiveInt | None = None
    """Only the first so many folds are run; the report says so."""


class ModelRecipe(Section):
    """The shared encoder and the three heads (paper, sections 4.1-4.6)."""

    encoder: str = "facebook/wav2vec2-base"
    """`bundled`, a folder in Hugging Face layout, or a hub name."""
    layers: Literal["last", "weighted", "concat"] = "last"
    trainable: Literal["all", "transformer", "heads"] = "all"
    """`transformer`: CNN frozen, its output cached. `heads`: encoder frozen, features cached."""
    ctc_head: Literal["new", "pretrained"] = "new"
    """`pretrained` takes the encoder's own CTC layer, where it has one with our vocabulary."""
    standardise: bool = False
    """Scale features by the mean and SD of the training frames (frozen encoders)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout on the pooled vector, before the emotion and speaker heads."""


class TrainRecipe(Section):
    """How one cell is trained (paper, table 3)."""

    alpha: NonNegativeFloat = 0.1
    beta: NonNegativeFloat = 0.8
    epochs: PositiveInt = 100
    patience: PositiveInt = 10
    """Epochs without a better validation score before training stops."""
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: PositiveFloat = 1e-5
    head_learning_rate: PositiveFloat | None = None
    """`None`: as `learning_rate`."""
    weight_decay: NonNegativeFloat = 0.0
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Rate of each transformer layer relative to the one above it; what lies below them all has
    the lowest layer's."""
    batch_size: PositiveInt = 8
    """Utterances of one optimiser step, over all processes."""
    bucket_s: PositiveFloat = 60.0
    """Audio seconds that a device takes at once; a longer batch is worked off in parts, to the
    same loss. Halved by itself where memory runs out."""
    device_batch: PositiveInt | None = None
    """Utterances that a device takes at once, in the order drawn, instead of `bucket_s`."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup: float = Field(0.0, ge=0, lt=1)
    """Share of all steps over which the rate rises from 0."""
    clip_norm: PositiveFloat | None = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "fp32"
    """Of activations; weights and losses stay fp32. `auto`: bf16 where GPU or CPU
    multiplies it, which a result then depends on."""
    gradient_checkpointing: bool = False
    """Computes each transformer layer again in the backward pass: less memory, a third slower."""
    deterministic: bool = False
    """Same weights bit for bit on a GPU too, where torch can; slower. CPUs need no asking."""
    spec_augment: bool = False
    class_weights: bool = False
    ctc_reduction: Literal["mean", "sum"] = "mean"
    """`sum` adds CTC up over each device batch, as the published code does: alpha then grows with
    `device_batch`."""
    padding: Literal["none", "seen"] = "none"
    """`seen` fills a device batch's clips up to the longest and takes the zeros for speech in
    training, as the published code does. Predictions never see padding."""
    speaker_label: Literal["actor", "prefix"] = "actor"
    """`prefix` teaches the speaker head the file-name prefix, as the published code does."""
    checkpoint_s: NonNegativeFloat = 300.0
    """Seconds between checkpoints within an epoch; decides no result."""

    @model_validator(mode="after")
    def _published(self) -> Self:
        if self.device_batch is None and (self.padding == "seen" or self.ctc_reduction == "sum"):
            raise ValueError("padding = 'seen' and ctc_reduction = 'sum' need device_batch")
        return self


class SearchRecipe(Section):
    """The alpha-beta search; without grids the pair of `[train]` is passed through."""

    scope: Literal["fold", "global"] = "fold"
    sampler: Literal["grid", "tpe"] = "grid"
    alphas: tuple[NonNegativeFloat, ...] = ()
    betas: tuple[NonNegativeFloat, ...] = ()
    trials: PositiveInt | None = None
    """Trials per fold of the `tpe` sampler."""
    metric: Literal["wa", "ua", "f1", "wer", "loss", "joint"] = "ua"
    """Validation metric that chooses epoch, alpha and beta; `loss` is the emotion cross-entropy,
    steadier than a rate where one validation speaker has few utterances; `joint` the mean of UA,
    1 - WER and speaker accuracy, for a model whose three outputs are all wanted."""
    jobs: PositiveInt = 1
    """Folds trained side by side, each on its share of the cores."""


class NoiseRecipe(Section):
    """The noise evaluation (paper, table 5)."""

    root: str | None = None
    """Folder of noises (NOISEX-92, MUSAN, DEMAND, ...); `None`: babble of other speakers."""
    kinds: tuple[str, ...] = ("babble",)
    snr_db: tuple[SnrDb, ...] = (0.0, 5.0, 10.0, 15.0, 20.0)
    level: Literal["active", "rms"] = "active"
    """Speech level in the SNR: RMS of active frames, or of all samples."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        for values in (self.kinds, [f"{snr_db:g}" for snr_db in self.snr_db]):
            if len(set(values)) < len(values):
                raise ValueError(f"one of {', '.join(values)} is there twice; name each once")
        return self


class BaselineRecipe(Section):
    """Systems measured on the same folds beside the network."""

    systems: tuple[Literal["svm"], ...] = ("svm",)


class RegistryRecipe(Section):
    """Where the final model goes in MLflow."""

    name: str = "mtlser"
    metric: Literal["wa_mean", "ua_mean", "f1_mean"] = "ua_mean"
    """Cross-validated score that decides whether the challenger becomes champion."""


class Recipe(Section):
    """Everything that decides a result."""

    name: str
    about: str = ""
    seed: int = Field(0, ge=0)
    data: DataRecipe
    split: SplitRecipe = SplitRecipe()
    model: ModelRecipe = ModelRecipe()
    train: TrainRecipe = TrainRecipe()
    search: SearchRecipe = SearchRecipe()
    noise: NoiseRecipe = NoiseRecipe()
    baseline: BaselineRecipe = BaselineRecipe()
    registry: RegistryRecipe = RegistryRecipe()

    @property
    def hash(self) -> str:
        """First 12 hex digits of the SHA-256 of all that decides a result.

        Where things lie does not: of folders on this machine only the last name counts.
        """
        kept = self.model_dump()
        kept["data"].pop("root")
        kept["train"].pop("checkpoint_s")
        for section, key in (("model", "encoder"), ("noise", "root")):
            place = kept[section][key]
            if place is not None and Path(place).is_absolute():
                kept[section][key] = Path(place).name
        text = json.dumps(kept, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


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
    return source, path.read_text(encoding="utf-8")


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
        section[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        section[last] = value


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
    return f"{key} = {problem['input']!r}: {problem['msg']}"


def _fields(path: list[str]) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in path:
        annotation = model.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return sorted(model.model_fields)
