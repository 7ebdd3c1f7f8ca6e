"""What ingest would read of a corpus, from names, tables and headers alone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from mtlser.data import corpora, labels, ledger
from mtlser.data.corpora import Item
from mtlser.data.corpus_labels import Labelled, labelled
from mtlser.data.protocols import MANY_SPEAKERS, MINIMUM_GROUPS
from mtlser.recipe import Recipe
from mtlser.records import Record

ROWS = 10
"""Utterances that are shown."""
HEADERS = 500
"""Files whose headers are read to estimate the hours."""
INSIDE = 20
"""Of sound that is inside another file so much is read in place of headers."""


class PreviewRow(Record):
    """One utterance as it would be read."""

    id: str
    label: str
    emotion: str
    speaker: str | None
    gender: str | None
    language: str
    text: str | None


class Preview(Record):
    """What ingest would read (`mtlser ingest --dry-run`)."""

    corpus: str
    columns: dict[str, str]
    """Column of a table by its use; empty without a table."""
    seen: int
    kept: int
    left_out: dict[str, int]
    """Items by reason, among them those of labels outside the classes."""
    by_label: dict[str, int]
    """Labels of the corpus."""
    by_class: dict[str, int]
    """Utterances of the recipe's classes."""
    speakers: int
    by_gender: dict[str, int]
    by_language: dict[str, int]
    by_partition: dict[str, int]
    transcripts: int
    hours: float | None
    """Estimated from the first headers; `None`: none was understood."""
    rows: tuple[PreviewRow, ...]
    missing: tuple[str, ...]
    """What the corpus does not have, and what follows."""
    protocol: str
    """The protocol that fits."""


def preview(recipe: Recipe, roots: Sequence[Path]) -> Preview:
    """What ingest would read; no audio is decoded and nothing is written.

    Args:
        recipe: its sections of data, and `[labels]`.
        roots: the release of each corpus, or the folder of one's own recordings.

    Raises:
        MtlserError: as ingest would, before it opens any audio.
    """
    with TemporaryDirectory() as folder, ledger.opened(Path(folder)) as book:
        return _preview(recipe, labelled(recipe, roots, book))


def _preview(recipe: Recipe, sources: Sequence[Labelled]) -> Preview:
    pairs = [
        (item, source.classes[item.label])
        for source in sources
        for item in source.items
        if item.label in source.classes
    ]
    kept = [item for item, _ in pairs]
    by_class = Counter(name for _, name in pairs)
    found: Counter[str] = sum((source.found for source in sources), Counter())
    labels.refuse_absent(recipe.labels, by_class, found)
    columns = {source.data.called: _columns(source) for source in sources}
    shown = [pairs[i * len(pairs) // ROWS] for i in range(ROWS)] if len(pairs) > ROWS else pairs
    return Preview(
        corpus=recipe.corpus,
        columns={
            f"{name}: {use}" if len(sources) > 1 else use: column
            for name, own in columns.items()
            for use, column in own.items()
        },
        seen=sum(len(source.items) for source in sources),
        kept=len(kept),
        left_out=dict(sorted(_reasons(sources).items())),
        by_label=dict(found.most_common()),
        by_class={name: by_class[name] for name in labels.ordered(by_class)},
        speakers=len({item.speaker for item in kept} - {None}),
        by_gender=_counted(item.gender for item in kept),
        by_language=_counted(item.language or None for item in kept),
        by_partition=_counted(item.partition for item in kept),
        transcripts=sum(item.text is not None for item in kept),
        hours=_hours(kept),
        rows=tuple(_row(item, emotion) for item, emotion in shown),
        missing=tuple(_missing(kept, any(columns.values()))),
        protocol=_protocol(kept, recipe),
    )


def describe(found: Preview) -> str:
    """The preview as text for a terminal."""
    hours = "" if found.hours is None else f", about {found.hours:.2g} h"
    lines = [f"{found.corpus}: {found.kept} of {found.seen} would be kept{hours}"]
    if found.columns:
        lines.append("  columns: " + ", ".join(f"{u} = {c!r}" for u, c in found.columns.items()))
    groups = {
        "labels": found.by_label, "classes": found.by_class, "genders": found.by_gender,
        "languages": found.by_language, "partitions": found.by_partition,
    }  # fmt: skip
    lines += [f"  {name}: {labels.shown(counts)}" for name, counts in groups.items() if counts]
    lines.append(f"  speakers: {found.speakers}, transcripts: {found.transcripts}")
    lines += [f"  left out: {reason} {count}" for reason, count in found.left_out.items()]
    lines += [f"  {sentence}" for sentence in found.missing]
    lines.append(f"  protocol that fits: {found.protocol}")
    return "\n".join(lines)


def _counted(values: Iterator[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))


def _columns(source: Labelled) -> dict[str, str]:
    read = source.corpus.columns
    return dict(read(source.root, source.data)) if read else {}


def _reasons(sources: Iterable[Labelled]) -> Counter[str]:
    """Items that would be left out, by reason."""
    reasons: Counter[str] = Counter()
    for source in sources:
        reasons.update(item.left_out for item in source.items if item.left_out is not None)
        outside = sum(n for label, n in source.found.items() if label not in source.classes)
        if outside:
            reasons[corpora.OUTSIDE_TASK] += outside
    return reasons


def _row(item: Item, emotion: str) -> PreviewRow:
    return PreviewRow(
        id=item.id,
        label=item.label or "",
        emotion=emotion,
        speaker=item.speaker,
        gender=item.gender,
        language=item.language,
        text=item.text,
    )


def _hours(kept: Sequence[Item]) -> float | None:
    """Hours of all items, from pieces of known length and the headers of some files."""
    import soundfile

    step = max(1, len(kept) // HEADERS)
    inside = [item for item in kept if item.embedded is not None][:INSIDE]
    lengths_s = []
    for item in inside or kept[::step]:
        if item.end_s is not None:
            lengths_s.append(item.end_s - (item.start_s or 0.0))
        elif item.path is not None:
            try:
                file = BytesIO(item.embedded()) if item.embedded else str(item.path)
                lengths_s.append(soundfile.info(file).duration)
            except (soundfile.SoundFileError, OSError, ValueError):
                continue
    return sum(lengths_s) / len(lengths_s) * len(kept) / 3600 if lengths_s else None


def _missing(kept: Sequence[Item], table: bool) -> Iterator[str]:
    """Yields a sentence for each thing that some or all utterances lack."""
    wanted = (
        ("speaker", "speaker head, and the random protocol alone, which cannot exclude that test "
         "speakers are in training"),
        ("text", "head for words, and the report has no WER"),
        ("gender", "scores by gender, and no check whether a class has one gender alone"),
        ("session", "session protocol"),
    )  # fmt: skip
    for name, consequence in wanted:
        lacking = sum(getattr(item, name) is None for item in kept)
        if not lacking:
            continue
        if lacking < len(kept):
            yield f"no {name} of {lacking} of {len(kept)} utterances"
            continue
        known = f"; a column is named with `--set data.columns.{name}=NAME`" if table else ""
        if name == "speaker":
            known += ", a part of the path with `--set data.speaker_pattern=REGEX`"
        yield f"no {name} is known: no {consequence}{known}"
    texts = any(item.text is not None and not item.language for item in kept)
    if texts:
        yield "transcripts without a language: numbers are spelt in it; `--set data.language=en`"


def _protocol(kept: Sequence[Item], recipe: Recipe) -> str:
    """The protocol that the corpus allows: `split.protocol`; `cross` where the recipe wants it."""
    if recipe.joined and recipe.split.protocol == "cross":
        return "cross"
    if {"train", "test"} <= {item.partition for item in kept}:
        return "official"
    speakers = {item.speaker for item in kept}
    if None in speakers or len(speakers) < MINIMUM_GROUPS["speakers"]:
        return "random"
    return "loso" if len(speakers) <= MANY_SPEAKERS // 2 else "speakers"
