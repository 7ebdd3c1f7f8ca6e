"""Made-up releases of acted corpora, in their true layouts."""

from mtlser.data.corpora.base import BAD_NAME, ELSEWHERE, NOT_AUDIO, SAME_ID
from tests.helpers.corpus_tree import HIDDEN, Tree

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

ESD = Tree(
    kept={
        "0001/Angry/train/0001_000371.wav": {
            "id": "0001_000371", "label": "Angry", "speaker": "esd_0001", "gender": "F",
            "language": "zh", "partition": "train", "text": "打远一看，很美丽。",
        },
        "0011/Surprise/evaluation/0011_001401.WAV": {
            "label": "Surprise", "speaker": "esd_0011", "gender": "M", "language": "en",
            "partition": "validation", "text": "The nine, the eggs, I keep.",
        },
        "0011/Neutral/test/0011_000021.wav": {"label": "Neutral", "partition": "test"},
        "0020/Sad/0020_001051.wav": {"label": "Sad", "partition": None, "gender": "M"},
        "0020/Happy/0020_000701.wav": {"label": "Happy", "text": None},
    },
    left_out={
        "0011/Calm/0011_000001.wav": BAD_NAME,
        "0011/Sad/copy/0011_001052.wav": BAD_NAME,
        "0011/Angry/train/0012_000371.wav": BAD_NAME,
        "0011/0011_000002.wav": BAD_NAME,
        "0011/Sad/test/0011_000021.flac": SAME_ID,
        "0011/Sad/notes.txt": NOT_AUDIO,
        "0011/Sad/.DS_Store": HIDDEN,
        "0011/.old/0011_000009.wav": HIDDEN,
    },
    texts={
        "0001/0001.txt": "0001_000371\t打远一看，很美丽。\t生气\r\n",
        "0011/0011.txt": "0011_001401\tThe nine, the eggs, I keep.\tSurprise\n\n",
        "ReadMe.txt": "about",
    },
)  # fmt: skip

JL = Tree(
    kept={
        "JL(wav+txt)/female1_angry_10a_1.wav": {
            "id": "female1_angry_10a_1", "label": "angry", "speaker": "jl_female1", "gender": "F",
            "text": "Carl leaps into a jeep.", "language": "en", "session": None,
            "style": "scripted",
        },
        "JL(wav+txt)/male2_encouraging_1b_2.WAV": {
            "label": "encouraging", "speaker": "jl_male2", "gender": "M", "text": None,
        },
        "JL(wav+txt)/male2_neutral_1a_1.wav": {"label": "neutral"},
    },
    left_out={
        "JL(wav+txt)/male3_neutral_1a_1.wav": BAD_NAME,
        "JL(wav+txt)/male3_neutral_1a_1.txt": NOT_AUDIO,
        "copy/male2_neutral_1a_1.wav": SAME_ID,
        "Survey.csv": NOT_AUDIO,
        "JL(wav+txt)/._male2_neutral_1a_1.wav": HIDDEN,
    },
    texts={"JL(wav+txt)/female1_angry_10a_1.txt": "Carl leaps into a jeep.\r\n"},
)  # fmt: skip

AESDD = Tree(
    kept={
        "anger/a03 (4).wav": {
            "id": "a03 (4)", "label": "a", "speaker": "aesdd_4", "gender": None, "text": None,
            "language": "el", "style": "scripted",
        },
        "fear/f18 (5)b.WAV": {"id": "f18 (5)b", "label": "f", "speaker": "aesdd_5"},
        "fear/f18 (5).wav": {"id": "f18 (5)", "label": "f"},
        "sadness/s20 (1).wav": {"label": "s", "speaker": "aesdd_1"},
    },
    left_out={
        "anger/x03 (4).wav": BAD_NAME,
        "anger/a03.wav": BAD_NAME,
        "anger/old/a04 (4).wav": ELSEWHERE,
        "README.txt": NOT_AUDIO,
        "anger/._a03 (4).wav": HIDDEN,
    },
)  # fmt: skip
