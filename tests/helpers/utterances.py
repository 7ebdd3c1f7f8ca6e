"""Utterances and recipes of synthetic corpora for folds."""

from typing import Any

from mtlser.recipe import DataRecipe, Recipe, SplitRecipe
from mtlser.records import FOUR, Utterance


def utterance(name: str, **changes: Any) -> Utterance:
    values: dict[str, Any] = {
        "id": name,
        "corpus": "iemocap",
        "audio": f"audio/{name}.flac",
        "audio_sha256": f"sha-{name}",
        "duration_s": 2.0,
        "level_dbfs": -20.0,
        "emotion": "sad",
        "speaker": "Ses01_F",
        "gender": None,
        "session": "Ses01",
        "dialogue": "Ses01F_impro01",
        "recording": "Ses01F",
        "style": "improvised",
        "text": None,
        "language": "en",
    }
    return Utterance(**{**values, **changes})


def corpus(turns: int = 12, sessions: int = 5) -> list[Utterance]:
    """Both actors speak in both recordings of each session, as in IEMOCAP."""
    return [
        utterance(
            f"Ses0{s}{wearer}_impro01_{actor}{turn:03d}",
            emotion=FOUR[(turn + s) % 4],
            speaker=f"Ses0{s}_{actor}",
            gender=actor,
            session=f"Ses0{s}",
            dialogue=f"Ses0{s}{wearer}_impro01",
            recording=f"Ses0{s}{wearer}",
        )
        for s in range(1, sessions + 1)
        for wearer in "FM"
        for actor in "FM"
        for turn in range(turns)
    ]


def berlin(turns: int = 16) -> list[Utterance]:
    """Ten actors without sessions, dialogues or recordings, as in EmoDB."""
    return [
        utterance(
            f"{speaker:02d}a{turn:02d}",
            emotion=FOUR[turn % 4],
            speaker=f"{speaker:02d}",
            session=None,
            dialogue=None,
            recording=None,
        )
        for speaker in range(3, 13)
        for turn in range(turns)
    ]


def recipe(protocol: str, seed: int = 0, **split: Any) -> Recipe:
    return Recipe(
        name="test",
        seed=seed,
        data=DataRecipe(corpus="iemocap", root="x"),
        split=SplitRecipe.model_validate({"protocol": protocol, **split}),
    )
