"""What an audit of folds records: counts, baselines and near-identical pairs."""

from typing import Annotated, Literal

from pydantic import Field

from mtlser.data.guesses import Guess
from mtlser.records import Protocol, Record

SHOWN = 5
"""Near-identical pairs that an audit names."""

Count = Annotated[int, Field(ge=0)]


class Shared(Record):
    """What test and train have in common; counts are of test."""

    utterances: Count
    speakers: Count
    """Speakers in test."""
    speakers_in_train: Count
    """Those of them who are also in train."""
    by_speakers_in_train: Count
    """Test utterances by such speakers."""
    by_unknown_speakers: Count = 0
    """Test utterances whose speaker may be in train, since one of the two is not known."""
    dialogues: Count
    """Dialogues in test."""
    dialogues_in_train: Count
    in_dialogues_of_train: Count
    """Test utterances of dialogues that are also in train."""
    texts_in_train: Count
    """Test utterances whose transcript also occurs in train."""
    audio_in_train: Count
    """Test utterances whose very samples also occur in train."""
    audio_in_validation: Count
    """Test utterances whose very samples also occur in validation."""
    near_audio_in_train: Count | None = None
    """Test utterances near-identical to one of train; `None` where there are no fingerprints."""
    near_audio_in_validation: Count | None = None


class NearPair(Record):
    """A near-identical pair of utterances, the second one in test."""

    side: Literal["train", "validation"]
    """Where the first one is."""
    first: str
    second: str


class FoldAudit(Record):
    """One fold, or all folds together: counts are then summed over folds."""

    name: str
    shared: Shared
    no_audio_guess: tuple[Guess, ...]
    near_identical: tuple[NearPair, ...] = ()
    """The first `SHOWN` of the fold, or of all folds."""

    @property
    def best_guess(self) -> Guess:
        """The baseline with the highest score; the simplest on a tie."""
        return max(self.no_audio_guess, key=lambda guess: guess.wa)


class Audit(Record):
    """What training and test of a plan share (`audit.json`)."""

    protocol: Protocol
    manifest_digest: str
    verdict: Literal["leaks", "clean"]
    reasons: tuple[str, ...]
    """Why the plan violates speaker separation; empty where it is clean."""
    findings: tuple[str, ...]
    """What else a reader of the scores should know; no violation by itself."""
    best_guess: Guess
    overall: FoldAudit
    folds: tuple[FoldAudit, ...]
