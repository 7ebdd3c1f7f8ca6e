"""Made-up releases of real corpora, large enough for a whole run, and the run itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mtlser import stages
from mtlser.recipe import Recipe, load
from tests.helpers.networks import write_encoder

RECIPE = """
name = "whole"

{data}
[split]
protocol = "{protocol}"
speaker_folds = 3
random_folds = 2
max_folds = 2

[model]
encoder = "{encoder}"
layers = "concat"
trainable = "heads"

[train]
epochs = 1
optimizer = "adamw"
learning_rate = 1e-2
batch_size = 16

[search]
alphas = [0.1]
betas = [0.2]

[noise]
snr_db = [5]
{more}
"""
RAVDESS_ACTORS = ("01", "02", "03", "04", "05", "06")
CREMAD_ACTORS = ("1001", "1002", "1003", "1004")
CREMAD_EMOTIONS = ("NEU", "HAP", "ANG", "SAD", "DIS", "FEA")
MELD_EMOTIONS = ("neutral", "joy", "anger", "sadness", "surprise", "disgust", "fear")


@dataclass(frozen=True)
class Made:
    """A release and how it is run.

    Attributes:
        corpus: the reader's name.
        protocol: the one that fits.
        write: writes the release into a folder.
        more: further lines of the recipe, in sections of their own.
        joined: a further release that is read with it.
    """

    corpus: str
    protocol: str
    write: Callable[[Path], None]
    more: str = ""
    joined: "Made | None" = None

    @property
    def called(self) -> str:
        """The corpora by name."""
        return self.corpus if self.joined is None else f"{self.corpus}+{self.joined.called}"

    def release(self, folder: Path) -> str:
        """Writes the release into a folder; its section of the recipe."""
        self.write(folder)
        section = f'corpus = "{self.corpus}"\nroot = "{folder}"\n'
        if self.joined is None:
            return f"[data]\n{section}"
        further = self.joined.release(folder.with_name("joined"))
        return f"[[data]]\n{section}\n[{further.replace('[data]', '[data]]')}"


def run(made: Made, folder: Path) -> Recipe:
    """Runs the whole DAG into `folder / "out"`, the corpus into `folder / "corpus"`; the recipe."""
    write_encoder(folder / "encoder")
    (folder / "whole.toml").write_text(
        RECIPE.format(
            data=made.release(folder / "release"),
            protocol=made.protocol,
            encoder=folder / "encoder",
            more=made.more,
        ),
        encoding="utf-8",
    )
    recipe = load(str(folder / "whole.toml"))
    stages.crossval(recipe, str(folder / "out"), str(folder / "work"))
    (folder / "corpus").symlink_to(folder / "work" / recipe.hash / "corpus")
    return recipe


def tone(path: Path, emotion: int, speaker: int, sentence: int) -> None:
    """Writes a third of a second whose pitch tells the emotion."""
    rng = np.random.default_rng([emotion, speaker, sentence])
    time_s = np.arange(int(16_000 * (0.3 + 0.03 * sentence))) / 16_000
    pitch_hz = 150 * 1.4**emotion * (1 + 0.05 * speaker)
    wav = 0.2 * np.sin(2 * np.pi * pitch_hz * time_s) + 0.01 * rng.standard_normal(len(time_s))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wav, 16_000, subtype="PCM_16")


def write_ravdess(root: Path) -> None:
    """Six actors, two sentences, eight emotions."""
    for s, actor in enumerate(RAVDESS_ACTORS):
        for e in range(8):
            for t in range(2):
                name = f"03-01-{e + 1:02d}-01-{t + 1:02d}-01-{actor}.wav"
                tone(root / f"Actor_{actor}" / name, e, s, t)


def write_cremad(root: Path) -> None:
    """Four actors of known sex, two sentences, six emotions."""
    for s, actor in enumerate(CREMAD_ACTORS, start=len(RAVDESS_ACTORS)):
        for e, emotion in enumerate(CREMAD_EMOTIONS):
            for t, sentence in enumerate(("DFA", "IEO")):
                tone(root / "AudioWAV" / f"{actor}_{sentence}_{emotion}_XX.wav", e, s, t)
    rows = [f"{actor},30,{('Male', 'Female')[s % 2]}" for s, actor in enumerate(CREMAD_ACTORS)]
    (root / "VideoDemographics.csv").write_text("ActorID,Age,Sex\n" + "\n".join(rows) + "\n")


def write_meld(root: Path) -> None:
    """Three speakers who are in all partitions, seven emotions."""
    parts = {"train": "train_splits", "dev": "dev_splits_complete",
             "test": "output_repeated_splits_test"}  # fmt: skip
    for number, (part, folder) in enumerate(parts.items()):
        rows = ["Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"]
        for s, speaker in enumerate(("Joey", "Ross", "Monica")):
            for e, emotion in enumerate(MELD_EMOTIONS):
                rows.append(f"How are you {part},{speaker},{emotion},{s},{e}")
                tone(root / folder / f"dia{s}_utt{e}.wav", e, s, number)
        (root / f"{part}_sent_emo.csv").write_text("\n".join(rows) + "\n")


def write_msp_podcast(root: Path) -> None:
    """Two speakers of each partition, whom no other has; four emotions, no transcripts."""
    rows = ["FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"]
    for number, part in enumerate(("Train", "Development", "Test1")):
        for s in range(2):
            for e, label in enumerate("NHAS"):
                for t in range(3):
                    who = 10 * number + s
                    name = f"MSP-PODCAST_{who:04d}_{10 * e + t:04d}.wav"
                    rows.append(f"{name},{label},3,4,4.5,{who},{('Male', 'Female')[s]},{part}")
                    tone(root / "Audios" / name, e, who, t)
    (root / "Labels").mkdir()
    (root / "Labels" / "labels_consensus.csv").write_text("\n".join(rows) + "\n")


def write_folders(root: Path) -> None:
    """Two labels of one's own, with neither speakers nor transcripts."""
    for e, label in enumerate(("calm", "Frustrated")):
        for number in range(10):
            tone(root / label / f"{number}.wav", e, number, 0)


ALL = '[labels]\nclasses = "all"\n'
SIX = '[labels]\nclasses = ["neutral", "happy", "angry", "sad", "disgusted", "fearful"]\n'
NETWORK = "[baseline]\nsystems = []\n"
MADE: Mapping[str, Made] = {
    "ravdess": Made("ravdess", "speakers", write_ravdess, ALL + NETWORK),
    "cremad": Made("cremad", "speakers", write_cremad, ALL),
    "meld": Made("meld", "official", write_meld, ALL + NETWORK),
    "msp-podcast": Made("msp-podcast", "official", write_msp_podcast, NETWORK),
    "folder": Made("folder", "random", write_folders),
    "joined": Made(
        "ravdess", "cross", write_ravdess, SIX + NETWORK, Made("cremad", "", write_cremad)
    ),
}
"""By name."""
