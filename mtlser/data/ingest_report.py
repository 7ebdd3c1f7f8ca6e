"""`ingest.json`: what ingest read, kept and left out."""

from pydantic import Field

from mtlser.data.confounds import Confound
from mtlser.data.corpora.base import NOT_READ
from mtlser.data.data_warnings import DataWarning
from mtlser.records import Record


class LeftOut(Record):
    """Items that are not in the manifest, and why."""

    reason: str
    count: int
    ids: tuple[str, ...]
    faulty: bool
    """True where a task file is unreadable, empty or silent: these count for `data.max_faulty`."""
    first: str | None
    """Details of the first, where there is more to say than the reason."""


class Difference(Record):
    """A count that is not the published release's."""

    what: str
    """`emotion happy` or `speaker Ses01_F`."""
    expected: int
    found: int


class IngestReport(Record):
    """`ingest.json`: items read, kept and left out; `seen` is `kept` plus all left out."""

    corpus: str
    digest: str
    seen: int
    kept: int
    hours: float
    left_out: tuple[LeftOut, ...]
    missing_transcripts: int
    """Kept utterances whose `text` is `None`."""
    length_unknown: tuple[str, ...] = ()
    """Kept utterances whose file states no length, so that nothing shows whether it was cut off."""
    dropped_characters: dict[str, int]
    """Letters, digits and spoken signs of kept transcripts that the vocabulary cannot spell."""
    by_emotion: dict[str, int]
    by_label: dict[str, int]
    """Kept utterances by the release's own label."""
    by_speaker: dict[str, int]
    by_style: dict[str, int]
    by_corpus: dict[str, int] = Field(default_factory=dict)
    """Kept utterances of each corpus, where several are joined."""
    warnings: tuple[DataWarning, ...] = ()
    """What looks wrong with the data."""
    confounds: tuple[Confound, ...] = ()
    """Properties that go with the class, the strongest first."""
    differs_from_release: tuple[Difference, ...] | None
    """`None` where there are too few labels for the published release."""


def describe(report: IngestReport) -> str:
    """A few lines for the console: what was kept by class and speaker, what was left out."""
    rows = [
        f"{report.corpus}: kept {report.kept} of {report.seen} ({report.hours:.2f} h), "
        f"digest {report.digest[:12]}"
    ]
    for name in ("corpus", "emotion", "speaker", "style"):
        counts: dict[str, int] = getattr(report, f"by_{name}")
        if not counts:
            continue
        rows.append(f"  {name}: " + ", ".join(f"{key} {count}" for key, count in counts.items()))
    for group in report.left_out:
        first = group.ids[0] if group.reason in NOT_READ else group.first
        detail = f" (first: {first})" if first else ""
        rows.append(f"  left out: {group.reason} {group.count}{detail}")
    if report.missing_transcripts:
        rows.append(f"  kept without a transcript: {report.missing_transcripts}")
    if report.length_unknown:
        rows.append(
            f"  kept with a length unknown: {len(report.length_unknown)}, since these files state "
            f"none and may have been cut off (first: {report.length_unknown[0]})"
        )
    for difference in report.differs_from_release or ():
        rows.append(
            f"  differs from the release: {difference.what}: {difference.found}, "
            f"expected {difference.expected}"
        )
    rows += [f"  look at: {warning.kind}: {warning.text}" for warning in report.warnings]
    return "\n".join(rows)
