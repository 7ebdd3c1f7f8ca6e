"""A small trained model with random weights, and a clip, for tests."""

from pathlib import Path

import soundfile

from mtlser.data.decoding.channels import Policy
from mtlser.models import bundle
from mtlser.recipe import ModelRecipe
from mtlser.records import FOUR
from tests.helpers.networks import clips, write_encoder


def write_model(folder: Path, channels: Policy = "mix") -> Path:
    """Writes a cell folder with a `model/` that needs nothing else; the model folder."""
    return _write(ModelRecipe(encoder=write_encoder(folder / "encoder")), folder, channels)


def write_bundled(folder: Path) -> Path:
    """The same with the bundled encoder; the model folder."""
    return _write(ModelRecipe(encoder="bundled"), folder, "mix")


def _write(wanted: ModelRecipe, folder: Path, channels: Policy) -> Path:
    speakers = ("Ses01_F", "Ses01_M")
    network = bundle.build(wanted, len(FOUR), len(speakers))
    description = bundle.Description(
        emotions=FOUR,
        speakers=speakers,
        language="en",
        model=wanted,
        recipe_hash="made-up",
        encoder_digest=bundle.encoder_digest(network.encoder),
        channels=channels,
        whole=True,
    )
    place = folder / "final" / "model"
    bundle.save(bundle.TrainedModel(network, description), place)
    return place


def write_wav(path: Path, seconds: float = 0.8, seed: int = 0) -> Path:
    """Writes a noise clip at 16 kHz; its path."""
    soundfile.write(path, clips(seconds, seed=seed)[0], 16_000)
    return path


def write_emodb(root: Path) -> Path:
    """Writes a release in EmoDB's layout: four speakers, four emotions, noise for speech."""
    (root / "wav").mkdir(parents=True)
    number = 0
    for speaker in ("03", "08", "09", "10"):
        for text in ("a01", "b03"):
            for emotion in "NFWT":
                number += 1
                write_wav(root / "wav" / f"{speaker}{text}{emotion}a.wav", 0.5, number)
    return root
