"""Made-up releases of corpora of dialogues and podcasts, in their true layouts."""

from mtlser.data.corpora.base import BAD_LABEL, BAD_NAME, NO_AGREEMENT, NO_LABEL, NOT_AUDIO
from tests.helpers.corpus_tree import HIDDEN, Tree

MELD = Tree(
    kept={
        "train/train_splits/dia0_utt0.wav": {
            "id": "train_dia0_utt0", "label": "neutral", "speaker": "meld_Chandler", "gender": None,
            "dialogue": "train_dia0", "partition": "train", "language": "en",
            "text": "my company’s, then", "style": "scripted",
        },
        "train/train_splits/dia0_utt1.WAV": {
            "label": "joy", "speaker": "meld_The Interviewer", "dialogue": "train_dia0",
        },
        "dev_splits_complete/dia0_utt0.wav": {
            "id": "dev_dia0_utt0", "label": "fear", "partition": "validation",
        },
        "output_repeated_splits_test/dia0_utt0.wav": {
            "id": "test_dia0_utt0", "label": "anger", "partition": "test",
        },
        "output_repeated_splits_test/dia9_utt12.wav": {"label": "sadness", "dialogue": "test_dia9"},
    },
    left_out={
        "train/train_splits/dia0_utt2.wav": BAD_LABEL,
        "train/train_splits/dia1_utt0.wav": NO_LABEL,
        "output_repeated_splits_test/final_videos_testdia0_utt0.wav": BAD_NAME,
        "output_repeated_splits_test/dia5_utt5.mp4": NO_LABEL,
        "output_repeated_splits_test/final_videos_testdia1_utt1.mp4": BAD_NAME,
        "dev_splits_complete/notes.txt": NOT_AUDIO,
        "output_repeated_splits_test/._dia0_utt0.wav": HIDDEN,
    },
    texts={
        "train/train_sent_emo.csv": (
            "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode\r\n"
            '1,"my company’s, then",Chandler,neutral,neutral,0,0,8,21\r\n'
            "2,Yes!,The Interviewer,joy,positive,0,1,8,21\r\n"
            "3,Hm.,Chandler,puzzled,neutral,0,2,8,21\r\n"
            "4,cut off\r\n"
        ),
        "dev_sent_emo.csv": (
            "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nOh,Joey,fear,0,0\n"
        ),
        "test_sent_emo.csv": (
            "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nNo,Joey,anger,0,0\n"
            "Oh,Ross,sadness,9,12\nWhat?,Ross,surprise,9,13\n"
        ),
        "train/train_splits/dia0_utt0.mp4": "its video",
    },
    absent={"train_sent_emo.csv:5": BAD_LABEL, "test_dia9_utt13": None},
)  # fmt: skip

MSP_PODCAST = Tree(
    kept={
        "Audios/MSP-PODCAST_0001_0008.wav": {
            "id": "MSP-PODCAST_0001_0008", "label": "N", "speaker": "msp-podcast_127",
            "gender": "M", "partition": "train", "language": "en", "text": "so it is",
            "ratings": {"valence": 4.2, "arousal": 5.0, "dominance": 4.8},
        },
        "Audios/MSP-PODCAST_0001_0019.WAV": {
            "label": "C", "speaker": None, "gender": None, "partition": "validation",
        },
        "Audios/MSP-PODCAST_0002_0033.wav": {"label": "A", "gender": "F", "partition": "test"},
        "Audios/part2/MSP-PODCAST_0003_0033.wav": {"label": "H", "partition": "train"},
        "Audios/part2/MSP-PODCAST_0003_0034.wav": {"label": "S", "ratings": None},
    },
    left_out={
        "Audios/MSP-PODCAST_0002_0034.wav": "neither in Train, Development nor Test1",
        "Audios/MSP-PODCAST_0002_0035.wav": NO_AGREEMENT,
        "Audios/MSP-PODCAST_0002_0036.wav": BAD_LABEL,
        "Audios/MSP-PODCAST_9999_0001.wav": NO_LABEL,
        "Audios/readme.txt": NOT_AUDIO,
        "Audios/._MSP-PODCAST_0001_0008.wav": HIDDEN,
    },
    texts={
        "Labels/labels_consensus.csv": (
            "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
            "MSP-PODCAST_0001_0008.wav,N,5.0,4.2,4.8,127,Male,Train\n"
            "MSP-PODCAST_0001_0019.wav,C,3.2,4.2,4.2,Unknown,Unknown,Development\n"
            "MSP-PODCAST_0002_0033.wav,A,3.4,4.2,4.8,23,Female,Test1\n"
            "MSP-PODCAST_0002_0034.wav,H,3.4,4.2,4.8,24,Female,Test2\n"
            "MSP-PODCAST_0002_0035.wav,X,3.4,4.2,4.8,23,Female,Test1\n"
            "MSP-PODCAST_0002_0036.wav,?,3.4,4.2,4.8,23,Female,Test1\n"
            "MSP-PODCAST_0003_0033.wav,H,3.4,4.2,4.8,29,Female,Train\n"
            "MSP-PODCAST_0003_0034.wav,S,,,,29,Female,Train\n"
            ",N,3.4,4.2,4.8,29,Female,Train\n"
        ),
        "Labels/labels_detailed.csv": "FileName,Worker\n",
        "Transcripts/MSP-PODCAST_0001_0008.txt": "so it\r\nis\r\n",
    },
    absent={"labels_consensus.csv:10": BAD_LABEL},
)  # fmt: skip

MSP_IMPROV = Tree(
    kept={
        "Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav": {
            "id": "MSP-IMPROV-S01A-F01-S-FM01", "label": "N", "speaker": "msp-improv_F01",
            "gender": "F", "session": "session1", "dialogue": "S01A-F01", "style": "improvised",
            "language": "en", "text": "How can I not?",
            "ratings": {"valence": 3.5, "arousal": 3.0, "dominance": 2.8},
        },
        "Audio/session2/S02H/R/MSP-IMPROV-S02H-M02-R-MM01.WAV": {
            "label": "H", "speaker": "msp-improv_M02", "gender": "M", "session": "session2",
            "dialogue": None, "style": "scripted", "ratings": {"valence": 4.0, "arousal": 1.6},
        },
        "Audio/session2/S02H/P/MSP-IMPROV-S02H-M02-P-FM12.wav": {"label": "O", "style": None},
        "Audio/session3/S20S/T/MSP-IMPROV-S20S-F03-T-FM02.wav": {
            "label": "S", "style": "improvised",
        },
        "Audio/session3/S20S/S/MSP-IMPROV-S20S-F03-S-FM03.wav": {"label": "A"},
    },
    left_out={
        "Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM02.wav": NO_AGREEMENT,
        "Audio/session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM09.wav": NO_LABEL,
        "Audio/session1/S01A/S/test.wav": BAD_NAME,
        "Audio/session1/S01A/S/test.avi": NOT_AUDIO,
        "Audio/session1/._S01A": HIDDEN,
    },
    texts={
        "Evalution.txt": (
            "UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3.000000; V:3.500000; D:2.800000 ; N:4.0;\r\n"
            "WORKER01; Neutral; Neutral; A:3.0; V:3.0; D:3.0; N:4.0;\r\n\r\n"
            "UTD-IMPROV-S01A-F01-S-FM02.avi; X; A:3.0; V:3.5; D:2.8 ; N:4.0;\r\n"
            "UTD-IMPROV-S02H-M02-R-MM01.avi; H; A:1.6; V:4.0; D:NaN ; N:NaN;\r\n"
            "UTD-IMPROV-S02H-M02-P-FM12.avi; O; A:3.0; V:3.5; D:2.8 ; N:4.0;\r\n"
            "UTD-IMPROV-S20S-F03-T-FM02.avi; S; A:3.0; V:3.5; D:2.8 ; N:4.0;\r\n"
            "UTD-IMPROV-S20S-F03-S-FM03.avi; A; A:3.0; V:3.5; D:2.8 ; N:4.0;\r\n"
            "UTD-IMPROV-S20S-F03-S-FM04.avi; H; A:3.0; V:3.5; D:2.8 ; N:4.0;\r\n"
            "UTD-IMPROV-S20S-F03-S-FM05.avi; H; A:3\r\n"
        ),
        "Human_transcriptions/All_human_transcriptions/MSP-IMPROV-S01A-F01-S-FM01.txt": (
            "How can I not?\n"
        ),
    },
    absent={"MSP-IMPROV-S20S-F03-S-FM04": None, "Evalution.txt:10": BAD_LABEL},
)  # fmt: skip
