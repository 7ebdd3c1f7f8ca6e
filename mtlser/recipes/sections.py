"""The sections of a recipe: every key with its type, default and reason."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from mtlser.errors import public_address
from mtlser.recipes import names
from mtlser.records import Protocol

SnrDb = Annotated[float, Field(ge=-60, le=100)]  # beyond, noise is lost in 32-bit rounding
Weight = Annotated[NonNegativeFloat, Field(allow_inf_nan=False)]
Positive = Annotated[PositiveFloat, Field(allow_inf_nan=False)]
"""Not infinite, as a limit may be: nothing can be trained with it, or judged by it."""


class Section(BaseModel):
    """Base of all sections: immutable, unknown key refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _without_secret(place: str) -> str:
    """The place itself; a recipe is printed, stored and passed on, so no password may be in it."""
    if "://" in place and public_address(place) != place:
        raise ValueError(
            "a recipe may hold no user name, password or query; give credentials by environment "
            "variables such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return place


PlaceName = Annotated[str, AfterValidator(_without_secret)]
"""A folder, an `s3://` address or a hub name."""
Revision = Annotated[str, StringConstraints(pattern=r"\A[\w.][\w./-]{0,199}\z")]
FIXED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A commit of the hub, or a digest."""
NoiseKind = Annotated[str, AfterValidator(names.relative)]
RecipeName = Annotated[str, AfterValidator(names.recipe)]


def names_folder(encoder: str) -> bool:
    """True where an encoder is a folder here, or a text that can be no hub name.

    >>> names_folder("bundled"), names_folder("facebook/wav2vec2-base"), names_folder("./mine")
    (False, False, True)
    """
    if encoder == "bundled":
        return False
    like_a_path = encoder.startswith(("/", ".", "~")) or encoder.count("/") > 1
    return like_a_path or Path(encoder).is_dir()


class SplitRecipe(Section):
    """How the folds are cut."""

    protocol: Protocol = "loso"
    """What each fold tests on: a speaker (`loso`), a session, a group of speakers (`speakers`), the
    corpus' own test partition (`official`), one of several joined corpora (`cross`), a recording
    (by file-name prefix) or a random part; the last two leak speakers."""
    speaker_check: float = Field(0.1, gt=0, lt=0.5)
    """Share of each training speaker's utterances that is never trained on; speaker accuracy is
    measured there."""
    speaker_folds: PositiveInt = 5
    """Number of folds of the `speakers` protocol."""
    test_corpora: tuple[str, ...] = ()
    """Of the `cross` protocol: only these corpora are tested on, by their names in `[[data]]`;
    empty: each in its turn."""
    random_folds: PositiveInt = 10
    """Number of folds of the `random` protocol; the others follow from the corpus."""
    max_folds: PositiveInt | None = None
    """Only the first so many folds are run; the report says so."""


class ModelRecipe(Section):
    """The shared encoder and the three heads (paper, sections 4.1-4.6)."""

    encoder: PlaceName = "facebook/wav2vec2-base"
    """`bundled`, a folder in Hugging Face layout, an `s3://` address of one, or a hub name."""
    revision: Revision | None = None
    """Which files of the encoder: the hub's commit (40 hex digits; a tag or branch is taken too,
    and may move), or the digest of a folder (64 hex digits). Not given: those that are there, and
    the report says so."""
    layers: Literal["last", "weighted", "concat"] = "last"
    """What the heads see: the last transformer layer, a learned weighted mean of all layers, or all
    layers side by side."""
    trainable: Literal["all", "transformer", "heads"] = "all"
    """`transformer`: CNN frozen, its output cached. `heads`: encoder frozen, features cached."""
    ctc_head: Literal["new", "pretrained"] = "new"
    """`pretrained` takes the encoder's own CTC layer, where it has one with our vocabulary."""
    standardise: bool = False
    """Scale features by the mean and SD of the training frames (frozen encoders)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout on the pooled vector, before the emotion and speaker heads."""

    @property
    def pinned(self) -> bool:
        """Whether another run loads the same encoder, or refuses; folders here count as such."""
        remote = self.encoder.startswith("s3://") or not names_folder(self.encoder)
        exact = self.revision is not None and FIXED.fullmatch(self.revision) is not None
        return exact or self.encoder == "bundled" or not remote

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.revision is not None and self.encoder == "bundled":
            raise ValueError(
                "revision is of an encoder from the hub, from S3 or a folder, and encoder = "
                "'bundled' ships with the package; leave revision out"
            )
        if self.standardise and self.trainable != "heads":
            raise ValueError(
                f"standardise = true scales by the features of a frozen encoder, and trainable = "
                f"{self.trainable!r} changes them in training; allowed are trainable = 'heads', or "
                "standardise = false"
            )
        if self.ctc_head == "pretrained" and self.layers == "concat":
            raise ValueError(
                "ctc_head = 'pretrained' is a layer on one layer of the encoder, and layers = "
                "'concat' gives all side by side; allowed are layers = 'last' or 'weighted', or "
                "ctc_head = 'new'"
            )
        return self


class TrainRecipe(Section):
    """How one cell is trained (paper, table 3)."""

    alpha: Weight = 0.1
    """Weight of the words loss (CTC); the search replaces it where `search.alphas` is given."""
    beta: Weight = 0.8
    """Weight of the speaker loss; the search replaces it where `search.betas` is given."""
    epochs: PositiveInt = 100
    """Passes over the training utterances at most."""
    patience: PositiveInt = 10
    """Epochs without a better validation score before training stops."""
    optimizer: Literal["adam", "adamw"] = "adam"
    """PyTorch's, in its fused form."""
    learning_rate: Positive = 1e-5
    """Highest rate of the encoder; of the heads too where `head_learning_rate` is not set."""
    head_learning_rate: Positive | None = None
    """`None`: as `learning_rate`."""
    weight_decay: Weight = 0.0
    """The optimiser's `weight_decay`, of all weights: L2 with `adam`, decoupled with `adamw`."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Rate of each transformer layer relative to the one above it; what lies below them all has
    the lowest layer's."""
    batch_size: PositiveInt = 8
    """Utterances of one optimiser step, over all processes."""
    bucket_s: PositiveFloat | Literal["auto"] = "auto"
    """Audio seconds that a device takes at once; a longer batch is worked off in parts, to the
    same loss. `auto`: what fits into a GPU's memory, 60 on a CPU. Halved by itself where memory
    runs out."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Captures a GPU's forward and backward pass as CUDA graphs, which spares the host launching
    each kernel: `auto` in trainings of 200 steps and more. CPUs have none."""
    device_batch: PositiveInt | None = None
    """Utterances that a device takes at once, in the order drawn; `None`: as `bucket_s` says."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the rate falls to 0 after the warm-up, over all `epochs`; `constant` does not fall."""
    warmup: float = Field(0.0, ge=0, lt=1)
    """Share of all steps over which the rate rises from 0."""
    clip_norm: PositiveFloat | None = None
    """Largest norm of a step's gradient; `None`: not limited."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "fp32"
    """Of activations; weights and losses stay fp32. `auto`: bf16 where GPU or CPU
    multiplies it, which a result then depends on."""
    gradient_checkpointing: bool = False
    """Computes each transformer layer again in the backward pass: less memory, a third slower."""
    deterministic: bool = False
    """Same weights bit for bit on a GPU too, where torch can; slower. CPUs need no asking."""
    spec_augment: bool = False
    """Sets a random span of frames and one of channels of each clip's features to zero in training,
    each up to a tenth."""
    class_weights: bool = False
    """Weights the emotion loss so that rare classes count as much as frequent ones."""
    ctc: Literal["utterance", "symbol"] = "utterance"
    """What one loss of the words is of: a whole transcript, as in the paper, so that the useful
    alphas are small, or one symbol of it, the mean over its transcript."""
    ctc_reduction: Literal["mean", "sum"] = "mean"
    """`sum` adds CTC up over each device batch, as the published code does: alpha then grows with
    `device_batch`, which it needs."""
    seeds: PositiveInt = 1
    """Trainings of each fold and system: with the recipe's `seed` and those that follow it. Each
    result names its own, so the number is no part of the recipe's hash."""
    padding: Literal["none", "seen"] = "none"
    """`seen` fills a device batch's clips up to the longest and takes the zeros for speech in
    training, as the published code does; needs `device_batch`. Predictions never see padding."""
    speaker_label: Literal["actor", "prefix"] = "actor"
    """`prefix` teaches the speaker head the file-name prefix, as the published code does."""
    checkpoint_s: NonNegativeFloat = 300.0
    """Seconds between checkpoints within an epoch; decides no result."""

    @model_validator(mode="after")
    def _published(self) -> Self:
        if self.device_batch is None and (self.padding == "seen" or self.ctc_reduction == "sum"):
            raise ValueError("padding = 'seen' and ctc_reduction = 'sum' need device_batch")
        return self


class NoiseRecipe(Section):
    """The noise evaluation (paper, table 5)."""

    root: PlaceName | None = None
    """Folder of noises (NOISEX-92, MUSAN, DEMAND, ...); `None`: babble of other speakers."""
    kinds: tuple[NoiseKind, ...] = ("babble",)
    """Noises by their path below `root`; without `root` only `babble`. Empty: no noise."""
    snr_db: tuple[SnrDb, ...] = (0.0, 5.0, 10.0, 15.0, 20.0)
    """Signal-to-noise ratios, dB; each kind is mixed at each."""
    level: Literal["active", "rms"] = "active"
    """Speech level in the SNR: RMS of active frames, or of all samples."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        for values in (self.kinds, [f"{snr_db:g}" for snr_db in self.snr_db]):
            if len(set(values)) < len(values):
                raise ValueError(f"one of {', '.join(values)} is there twice; name each once")
        other = [kind for kind in self.kinds if kind != "babble"]
        if self.root is None and other:
            raise ValueError(
                f"kinds has {other[0]!r} and root is not given: a corpus provides babble alone; "
                "allowed is kinds = ['babble'], or a folder of recordings as root"
            )
        return self


class BaselineRecipe(Section):
    """Systems measured on the same folds beside the network."""

    systems: tuple[Literal["svm"], ...] = ("svm",)
    """Baselines to train; empty: none."""
