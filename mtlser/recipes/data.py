"""The section of a recipe that says which recordings are read."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, model_validator

from mtlser.recipes import names
from mtlser.recipes.sections import PlaceName, Section


def _pattern(pattern: str) -> str:
    """The pattern itself, which compiles and has a group to take."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if compiled.groups != 1 and "speaker" not in compiled.groupindex:
        raise ValueError(
            f"has {compiled.groups} groups; one in parentheses, or one named speaker as in "
            "(?P<speaker>[0-9]+), says what names the speaker"
        )
    return pattern


SpeakerPattern = Annotated[str, AfterValidator(_pattern)]
OnePerson = Annotated[tuple[str, ...], Field(min_length=2)]


class ColumnsRecipe(Section):
    """Columns of a table of recordings that have other names than the usual ones."""

    file: str | None = None
    """Path of the recording, below `data.root`."""
    label: str | None = None
    """Emotion."""
    speaker: str | None = None
    """Who speaks."""
    text: str | None = None
    """Transcript."""
    gender: str | None = None
    """Of the speaker."""
    session: str | None = None
    """Of the recordings."""
    dialogue: str | None = None
    """Conversation that the utterance is part of."""
    partition: str | None = None
    """Official partition: train, validation or test."""
    language: str | None = None
    """ISO 639-1 code of the speech."""
    start: str | None = None
    """Where the utterance begins in its recording, s."""
    end: str | None = None
    """Where it ends, s."""


class DataRecipe(Section):
    """What is read, and how much of it may be left out."""

    corpus: str
    """Reader of the release; `mtlser ingest --help` lists them."""
    root: PlaceName
    """Folder or `s3://` address of the release."""
    name: Annotated[str, AfterValidator(names.relative)] | None = None
    """Of the corpus, in reports and MLflow; `None`: the reader's."""
    min_duration_s: NonNegativeFloat = 0.0
    """Shorter utterances are left out and counted."""
    max_duration_s: PositiveFloat = 60.0
    """Longer utterances are left out and counted."""
    max_faulty: float = Field(0.01, ge=0, le=1)
    """Share of task files that may be unreadable, empty or silent before ingest refuses."""
    table: str | None = None
    """Of `corpus = "table"`: the table's file, below `root`; `None`: the only one there. Of
    `"audformat"`: names of tables with labels, such as `emotion.*`; `None`: all that have them."""
    columns: ColumnsRecipe = ColumnsRecipe()
    """Of `corpus = "table"`, `"hf"` and `"audformat"`: names of columns that are not the usual
    ones."""
    speaker_pattern: SpeakerPattern | None = None
    """Regular expression whose group names the speaker in a recording's path below `root`, where
    the corpus does not name speakers; for example `(S[0-9]+)_`."""
    merge_speakers: tuple[OnePerson, ...] = ()
    """Names that are one person, who is called by the first: `[["SF1", "SF4"]]`; where the audit
    finds the same recording under two names."""
    language: str | None = None
    """ISO 639-1 code of the speech, such as `en`, where the corpus does not say it."""
    alphabet: Literal["latin", "corpus"] | None = None
    """Letters of transcripts: A-Z, with other Latin letters spelt in them, or the corpus' own;
    `None`: A-Z for languages in Latin letters, else their own."""
    channels: Literal["mix", "left", "right", "loudest"] = "mix"
    """What becomes of a recording's channels: their mean, the first, the second, or the one with
    the highest level."""

    @property
    def called(self) -> str:
        """The corpus by name, as reports and MLflow have it."""
        return self.name or self.corpus

    @model_validator(mode="after")
    def _some_left(self) -> Self:
        named = [name for group in self.merge_speakers for name in group]
        if len(set(named)) < len(named):
            raise ValueError(
                f"merge_speakers = {[list(group) for group in self.merge_speakers]} names a "
                "speaker twice; name each once"
            )
        if self.min_duration_s > self.max_duration_s:
            raise ValueError(
                f"min_duration_s = {self.min_duration_s:g} is above max_duration_s = "
                f"{self.max_duration_s:g}, which leaves no utterance"
            )
        return self
