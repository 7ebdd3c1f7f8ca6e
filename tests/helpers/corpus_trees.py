"""Made-up releases in each corpus' true layout, with what a reader must make of every file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from mtlser.data.corpora.base import BAD_NAME, ELSEWHERE, NOT_AUDIO, SAME_ID
from tests.helpers.corpus_releases import speech, write_iemocap

HIDDEN = "hidden"
"""A file that no reader may see."""


@dataclass(frozen=True)
class Tree:
    """One release.

    Attributes:
        kept: fields of the item of each audio file that is read, by path.
        left_out: reason of each file that is not; `HIDDEN` for one that is not even counted.
        texts: content of the other files that belong to the release.
        absent: reasons by id of the items that have no file of their own.
        folder: where the corpus' own folder is below the release.
    """

    kept: Mapping[str, Mapping[str, object]]
    left_out: Mapping[str, str]
    texts: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    folder: str = "."


def write(tree: Tree, release: Path) -> Path:
    """Writes the release: a tenth of a second of noise in each audio file; its folder."""
    for number, name in enumerate([*tree.kept, *tree.left_out]):
        path = release / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in {".wav", ".flac"} and tree.left_out.get(name) != HIDDEN:
            with path.open("wb") as file:
                kind = path.suffix[1:].upper()
                soundfile.write(file, speech(number, 0.1), 16_000, format=kind)
        else:
            path.write_bytes(b"\x00\x05\x16\x07")
    for name, content in tree.texts.items():
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_bytes(content.encode())
    return release


RAVDESS = Tree(
    kept={
        "Actor_01/03-01-01-01-01-01-01.wav": {
            "id": "03-01-01-01-01-01-01", "label": "01", "speaker": "ravdess_01", "gender": "M",
            "text": "Kids are talking by the door.", "language": "en", "style": "scripted",
        },
        "Actor_01/03-01-02-02-02-01-01.wav": {
            "label": "02", "text": "Dogs are sitting by the door.",
        },
        "Actor_02/03-01-05-02-01-02-02.WAV": {
            "label": "05", "speaker": "ravdess_02", "gender": "F",
        },
        "Actor_24/03-01-04-01-01-01-24.wav": {"label": "04", "speaker": "ravdess_24"},
        "Actor_24/03-01-03-01-01-01-24.wav": {"label": "03"},
    },
    left_out={
        "Actor_02/03-02-05-02-01-02-02.wav": "sung, not spoken",
        "Actor_25/03-01-01-01-01-01-25.wav": BAD_NAME,
        "Actor_01/03-01-09-01-01-01-01.wav": BAD_NAME,
        "Actor_01/01-01-01-01-01-01-01.mp4": NOT_AUDIO,
        "audio_speech/Actor_01/03-01-01-01-01-01-01.wav": SAME_ID,
        "notes.txt": NOT_AUDIO,
        "Actor_01/._03-01-01-01-01-01-01.wav": HIDDEN,
        ".trash/Actor_01/03-01-01-01-01-02-01.wav": HIDDEN,
    },
)  # fmt: skip

CREMAD = Tree(
    kept={
        "AudioWAV/1001_DFA_ANG_XX.wav": {
            "id": "1001_DFA_ANG_XX", "label": "ANG", "speaker": "cremad_1001", "gender": "M",
            "text": "Don't forget a jacket.", "language": "en", "style": "scripted",
        },
        "AudioWAV/1002_IEO_SAD_HI.WAV": {"label": "SAD", "speaker": "cremad_1002", "gender": "F"},
        "AudioWAV/1003_WSI_NEU_XX.wav": {"label": "NEU", "gender": None},
        "AudioWAV/1001_TAI_FEA_LO.wav": {"label": "FEA", "text": "The airplane is almost full."},
    },
    left_out={
        "AudioWAV/1001_DFA_ANG.wav": BAD_NAME,
        "AudioWAV/1001_XYZ_ANG_XX.wav": BAD_NAME,
        "AudioWAV/1001_DFA_ANG_XX.flac": SAME_ID,
        "AudioWAV/list.csv": NOT_AUDIO,
        "AudioWAV/old/1001_DFA_HAP_XX.wav": ELSEWHERE,
        "AudioWAV/._1001_DFA_ANG_XX.wav": HIDDEN,
    },
    texts={
        "VideoDemographics.csv": (
            '"ActorID","Age","Sex","Race","Ethnicity"\r\n1001,51,"Male","","Not Hispanic"\r\n'
            '1002,21,"Female","","Not Hispanic"\r\n1003,21,,"",""\r\n'
        ),
        "AudioMP3/1001_DFA_ANG_XX.mp3": "the same once more",
    },
)  # fmt: skip

SAVEE = Tree(
    kept={
        "AudioData/DC/a01.wav": {
            "id": "DC_a01", "label": "a", "speaker": "savee_DC", "gender": "M", "text": None,
            "language": "en", "style": "scripted",
        },
        "AudioData/DC/n30.wav": {"id": "DC_n30", "label": "n"},
        "AudioData/KL/a01.WAV": {"id": "KL_a01", "label": "a", "speaker": "savee_KL"},
        "AudioData/KL/sa15.wav": {"id": "KL_sa15", "label": "sa"},
        "AudioData/JE/su02.flac": {"id": "JE_su02", "label": "su"},
        "AudioData/JK_h03.wav": {"id": "JK_h03", "label": "h", "speaker": "savee_JK"},
    },
    left_out={
        "AudioData/DC/x01.wav": BAD_NAME,
        "AudioData/ZZ_a01.wav": BAD_NAME,
        "AudioData/ZZ/b01.wav": ELSEWHERE,
        "AudioData/Info.txt": NOT_AUDIO,
        "AudioData/DC/._a01.wav": HIDDEN,
    },
    folder="AudioData",
)  # fmt: skip

TESS = Tree(
    kept={
        "OAF_back_angry.wav": {
            "id": "OAF_back_angry", "label": "angry", "speaker": "tess_OAF", "gender": "F",
            "text": "Say the word back.", "language": "en", "style": "scripted",
        },
        "OAF_neutral/OA_bite_neutral.wav": {"label": "neutral", "speaker": "tess_OAF"},
        "YAF_pleasant_surprised/YAF_youth_ps.WAV": {"label": "ps", "speaker": "tess_YAF"},
        "YAF_sad/YAF_gun_sad.wav": {"label": "sad", "text": "Say the word gun."},
    },
    left_out={
        "YAF_sad/YAF_gun_bored.wav": BAD_NAME,
        "copy/YAF_sad/YAF_gun_sad.wav": SAME_ID,
        "readme.txt": NOT_AUDIO,
        ".DS_Store": HIDDEN,
    },
)  # fmt: skip

EMODB = Tree(
    kept={
        "wav/03a01Fa.wav": {
            "id": "03a01Fa", "label": "F", "speaker": "emodb_03", "gender": "M", "language": "de",
            "style": "scripted",
        },
        "wav/08b03Lb.WAV": {"label": "L", "speaker": "emodb_08", "gender": "F"},
        "wav/16b10Wa.flac": {"label": "W"},
    },
    left_out={
        "wav/99a01Na.wav": BAD_NAME,
        "wav/labels.txt": NOT_AUDIO,
        "wav/old/03a05Fa.wav": ELSEWHERE,
        "wav/._03a01Fa.wav": HIDDEN,
    },
    folder="wav",
)  # fmt: skip

TREES = {
    "ravdess": RAVDESS,
    "cremad": CREMAD,
    "savee": SAVEE,
    "tess": TESS,
    "emodb": EMODB,
}
"""By the corpus' name."""


def write_release(name: str, root: Path) -> Path:
    """Writes the made-up release of a corpus into a folder of its own below `root`."""
    if name == "iemocap":
        return write_iemocap(root)
    return write(TREES[name], root / f"{name}-release")
