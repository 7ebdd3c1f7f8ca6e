"""A trained network with its labels, as one plain folder: safetensors and JSON, no pickle.

| file | holds |
|---|---|
| `mtlser.json` | labels, speakers, `[model]` of the recipe, where the encoder came from |
| `weights.safetensors` | every weight, or the heads alone where the encoder was frozen |
| `encoder/` | the encoder's own configuration, enough to build it without the hub |
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mtlser.data.alphabets import VOCABULARY
from mtlser.data.decoding.channels import Policy
from mtlser.errors import DamagedError, MtlserError
from mtlser.files import atomic_file
from mtlser.models import declared
from mtlser.models.encoder import SpeechEncoder, load_encoder
from mtlser.models.mtl import MtlNetwork
from mtlser.models.origin import locate
from mtlser.recipe import ModelRecipe
from mtlser.records import read_json, write_json
from mtlser.storage import custody

DESCRIPTION = "mtlser.json"
WEIGHTS = "weights.safetensors"


class Description(BaseModel):
    """What a model folder says of itself (`mtlser.json`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    emotions: tuple[str, ...]
    speakers: tuple[str, ...]
    """Training speakers, in class order; none: there is no speaker head."""
    language: str
    model: ModelRecipe
    recipe_hash: str
    system: str = "mtlser"
    encoder_digest: str
    """SHA-256 of the encoder as it was loaded, before training."""
    encoder_revision: str = ""
    """The hub's commit, or the digest of a folder on S3, that it was loaded from; empty: the
    encoder is bundled or from a folder of that machine, or the model is of an older version."""
    channels: Policy = "mix"
    """What became of the channels of the recordings that it was trained on."""
    alphabet: tuple[str, ...] = VOCABULARY
    """Symbols of the head for words; none: no training utterance had a transcript."""
    whole: bool
    """Whether `weights.safetensors` holds the encoder too."""
    mtlser_version: str = version("mtlser")


@dataclass(frozen=True)
class TrainedModel:
    """A network and what its outputs mean."""

    network: MtlNetwork
    description: Description


def build(
    model: ModelRecipe, emotions: int, speakers: int, alphabet: tuple[str, ...] = VOCABULARY
) -> MtlNetwork:
    """A network with a pre-trained encoder and new heads, as the recipe asks.

    Args:
        model: `[model]` of the recipe.
        emotions: classes.
        speakers: classes of the speaker head; 0: no such head.
        alphabet: symbols of the head for words; none: no such head.

    Raises:
        MtlserError: no such encoder, or `ctc_head = "pretrained"` for one without a CTC layer.
    """
    encoder = load_encoder(model.encoder, model.revision)
    network = MtlNetwork(encoder, model, emotions, speakers, len(alphabet))
    if model.ctc_head == "pretrained" and network.ctc_head is not None:
        _take_ctc_head(network.ctc_head, model, alphabet)
    network.freeze(model.trainable)
    return network


def encoder_digest(encoder: SpeechEncoder) -> str:
    """SHA-256 over the encoder's weights, by name."""
    return weights_digest(encoder.state_dict())


def weights_digest(weights: dict[str, Tensor]) -> str:
    """SHA-256 over named weights: equal weights, equal digest."""
    sha = hashlib.sha256()
    for name, value in sorted(weights.items()):
        sha.update(name.encode())
        sha.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def save(trained: TrainedModel, folder: Path) -> None:
    """Writes the model folder; `load` gives the same model back."""
    folder.mkdir(parents=True, exist_ok=True)
    state = trained.network.state_dict()
    if not trained.description.whole:
        state = {name: value for name, value in state.items() if not name.startswith("encoder.")}
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    with atomic_file(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
    _copy_encoder_files(trained.description.model, folder / "encoder")
    write_json(folder / DESCRIPTION, trained.description)


def describe(folder: Path) -> Description:
    """What the model that `save` wrote says of itself.

    Raises:
        MtlserError: not a model folder.
    """
    if not (folder / DESCRIPTION).is_file():
        raise MtlserError(
            f"{folder}: not a model folder (no {DESCRIPTION}); give a run folder such as "
            "runs/demo, a model folder, or an MLflow URI such as models:/mtlser@champion"
        )
    return read_json(folder / DESCRIPTION, Description)


def load(folder: Path) -> TrainedModel:
    """The model that `save` wrote, on the CPU, ready to predict.

    Raises:
        MtlserError: not a model folder, a file in it is another one than its custody record
            says, or its frozen encoder has changed since.
    """
    description = describe(folder)
    custody.verified(folder)
    encoder = _encoder(folder, description)
    network = MtlNetwork(
        encoder,
        description.model,
        len(description.emotions),
        len(description.speakers),
        len(description.alphabet),
    )
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise DamagedError(folder / WEIGHTS, str(error)) from None
    missing, unexpected = network.load_state_dict(weights, strict=False)
    absent = [name for name in missing if description.whole or not name.startswith("encoder.")]
    if absent or unexpected:
        raise MtlserError(
            f"{folder / WEIGHTS}: weights do not fit (missing {absent[:3]}, unknown "
            f"{unexpected[:3]}); train the model again with `mtlser train`"
        )
    network.eval()
    return TrainedModel(network, description)


def _encoder(folder: Path, description: Description) -> SpeechEncoder:
    if description.whole:
        return load_encoder(str(folder / "encoder"), weights=False)
    model = description.model
    encoder = load_encoder(model.encoder, model.revision or description.encoder_revision or None)
    if encoder_digest(encoder) != description.encoder_digest:
        raise MtlserError(
            f"{folder}: encoder {description.model.encoder!r} is not the one that it was trained "
            "on; restore that encoder, or train again with `mtlser train`"
        )
    return encoder


def _copy_encoder_files(model: ModelRecipe, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    origin = locate(model.encoder, model.revision)
    for name in declared.FILES:
        original = origin.file(name)
        if original is not None:
            shutil.copyfile(original, folder / name)


def _take_ctc_head(head: nn.Linear, model: ModelRecipe, alphabet: tuple[str, ...]) -> None:
    """Starts the CTC head from the encoder's own, where its vocabulary is ours."""
    origin = locate(model.encoder, model.revision)
    files = [origin.file(name) for name in ("model.safetensors", "vocab.json")]
    weights = load_file(files[0]) if files[0] else {}
    vocabulary = json.loads(files[1].read_text(encoding="utf-8")) if files[1] else {}
    ordered = tuple(sorted(vocabulary, key=lambda symbol: int(vocabulary[symbol])))
    if "lm_head.weight" not in weights or ordered != alphabet:
        raise MtlserError(
            f"encoder {model.encoder!r} has no CTC layer over these {len(alphabet)} symbols; "
            "allowed here is `--set model.ctc_head=new`"
        )
    with torch.no_grad():
        head.weight.copy_(weights["lm_head.weight"])
        head.bias.copy_(weights["lm_head.bias"])
