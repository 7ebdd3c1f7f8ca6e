"""`corpus.html`: what a corpus holds, what gives its classes away, and what was left out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mtlser.data import clip_facts, voices
from mtlser.data.clip_facts import ClipFacts
from mtlser.data.ingest_report import IngestReport
from mtlser.data.rng import generator
from mtlser.data.voices import Voice
from mtlser.files import write_text
from mtlser.records import Record, Utterance, read_json, read_jsonl
from mtlser.reporting import listening, page
from mtlser.reporting.figures import COLOURS, Figure
from mtlser.reporting.formats import ABSENT, count
from mtlser.reporting.tables import Table
from mtlser.storage.layout import CORPUS_PAGE, INGEST, MANIFEST

CLIPS = 10
"""Clips to listen to."""
MEASURED = 60
"""Clips whose pitch and silence are measured."""
MOST_SPEAKERS = 40
"""Speakers of a figure, those with most utterances."""
MOST_FILES = 500
"""Files that are listed one by one."""
UNKNOWN = "not known"


class Heard(Record):
    """One clip of the page."""

    utterance: str
    emotion: str
    label: str
    speaker: str
    text: str | None
    duration_s: float
    audio: str
    """FLAC as a `data:` URI."""


def write(corpus: Path) -> None:
    """Writes the page of a corpus folder into it, whole; the same bytes for the same corpus."""
    write_text(corpus / CORPUS_PAGE, render(corpus))


def render(corpus: Path) -> str:
    """The page as HTML text; every value in it is escaped.

    Args:
        corpus: as `mtlser ingest` wrote it.
    """
    utterances = list(read_jsonl(corpus / MANIFEST, Utterance))
    report = read_json(corpus / INGEST, IngestReport)
    facts = clip_facts.read(corpus)
    shown = voices.sample(utterances, MEASURED)
    heard = {u.id: voices.measure(corpus, u) for u in shown}
    pairs = _figures(utterances, facts or {}, heard)
    speakers = len({u.speaker for u in utterances} - {None})
    return page.shell(
        "corpus.html.j2",
        [figure for pair in pairs for figure in pair],
        {"ingest": report.model_dump_json()},
        {"mtlser": version("mtlser")},
        title=f"Data of the corpus {report.corpus}",
        verdict=f"{count(report.kept)} of {count(report.seen)} files are utterances, "
        f"{report.hours:.2f} h of speech.",
        headline=[
            ("Utterances", count(report.kept)),
            ("Hours", f"{report.hours:.2f}"),
            ("Classes", count(len(report.by_emotion))),
            ("Speakers", count(speakers) if speakers else UNKNOWN),
            ("Transcripts", count(report.kept - report.missing_transcripts)),
            ("Languages", ", ".join(sorted({u.language or UNKNOWN for u in utterances}))),
        ],
        warnings=report.warnings,
        tables={
            "classes": _classes(utterances),
            "speakers": _speakers(utterances),
            "confounds": _confounds(report),
            "left_out": _left_out(report),
        },
        figures=pairs,
        clips=_heard(corpus, utterances),
        longest_s=listening.LONGEST_S,
    )


def _classes(utterances: Sequence[Utterance]) -> Table:
    rows = []
    for name, own in _grouped(utterances, lambda u: u.emotion):
        labels = Counter(u.label or name for u in own)
        rows.append(
            (
                name,
                ", ".join(f"{label} {number}" for label, number in labels.most_common(6)),
                count(len(own)),
                f"{100 * len(own) / len(utterances):.1f}",
                f"{sum(u.duration_s for u in own) / 60:.1f}",
                count(len({u.speaker for u in own} - {None})),
                _genders(own),
            )
        )
    return Table(
        id="classes",
        caption="Utterances by class",
        columns=("Class", "Labels of the corpus", "Utterances", "Share %", "Minutes", "Speakers",
                 "Women / men"),
        rows=tuple(rows),
    )  # fmt: skip


def _speakers(utterances: Sequence[Utterance]) -> Table:
    names = sorted({u.emotion for u in utterances})
    rows = []
    for speaker, own in _grouped(utterances, lambda u: u.speaker or UNKNOWN):
        counts = Counter(u.emotion for u in own)
        minutes = f"{sum(u.duration_s for u in own) / 60:.1f}"
        rows.append(
            (speaker, _genders(own), count(len(own)), minutes, *(count(counts[n]) for n in names))
        )
    return Table(
        id="corpus-speakers",
        caption="Utterances by speaker and class",
        columns=("Speaker", "Women / men", "Utterances", "Minutes", *names),
        rows=tuple(rows),
    )


def _genders(own: Sequence[Utterance]) -> str:
    counts = Counter(u.gender for u in own)
    return f"{counts['F']} / {counts['M']}" if counts["F"] or counts["M"] else ABSENT


def _confounds(report: IngestReport) -> Table | None:
    if not report.confounds:
        return None
    scales = {"cramers_v": "Cramér's V, corrected for bias", "eta": "eta"}
    rows = tuple(
        (each.property, f"{each.effect:.2f}", scales[each.scale], count(each.utterances),
         count(each.values))
        for each in report.confounds
    )  # fmt: skip
    return Table(
        id="confounds",
        caption="Properties that go with the class, the strongest first",
        columns=("Property", "Effect size, 0-1", "Measure", "Utterances", "Different values"),
        rows=rows,
        strong=tuple(i for i, each in enumerate(report.confounds) if each.effect >= STRONG),
    )


STRONG = 0.5
"""Effect size that is set in bold."""


def _left_out(report: IngestReport) -> Table | None:
    rows = [(name, each.reason) for each in report.left_out for name in each.ids]
    if not rows:
        return None
    note = ""
    if len(rows) > MOST_FILES:
        note = f"{len(rows) - MOST_FILES} more are in `ingest.json`."
    return Table(
        id="left-out-files",
        caption=f"{count(len(rows))} files and rows that are no utterances",
        columns=("File or row", "Reason"),
        rows=tuple(rows[:MOST_FILES]),
        note=note,
    )


def _figures(
    utterances: Sequence[Utterance], facts: Mapping[str, ClipFacts], heard: Mapping[str, Voice]
) -> list[tuple[Figure, Figure]]:
    """Box plots of each property that differs between clips, by class and by speaker."""
    measured: list[tuple[str, str, Mapping[str, float | None]]] = [
        ("Duration", "s", {u.id: u.duration_s for u in utterances}),
        ("Level", "dBFS", {u.id: u.level_dbfs for u in utterances}),
        ("Clipped samples", "%", {k: 100 * each.clipped for k, each in facts.items()}),
        ("Silence", "%", {k: 100 * each.silence for k, each in heard.items()}),
        ("Median pitch", "Hz", {k: each.pitch_hz for k, each in heard.items()}),
    ]
    pairs = []
    for name, unit, values in measured:
        known = {k: value for k, value in values.items() if value is not None}
        if len(set(known.values())) > 1:
            pairs.append(
                (
                    _boxes(name, unit, "class", _values(utterances, known, lambda u: u.emotion)),
                    _boxes(
                        name, unit, "speaker",
                        _values(utterances, known, lambda u: u.speaker or UNKNOWN)[:MOST_SPEAKERS],
                    ),
                )
            )  # fmt: skip
    return pairs


def _values(
    utterances: Iterable[Utterance], known: Mapping[str, float], key: Any
) -> list[tuple[str, list[float]]]:
    """Values of each group; of many groups the largest come first, else by name."""
    groups: dict[str, list[float]] = defaultdict(list)
    for utterance in utterances:
        if utterance.id in known:
            groups[key(utterance)].append(known[utterance.id])
    by_name = sorted(groups.items())
    if len(by_name) <= MOST_SPEAKERS:
        return by_name
    return sorted(by_name, key=lambda group: -len(group[1]))


def _boxes(name: str, unit: str, by: str, groups: Sequence[tuple[str, Sequence[float]]]) -> Figure:
    quartiles = {g: np.percentile(v, [0, 25, 50, 75, 100]).round(3).tolist() for g, v in groups}
    identity = f"{name.lower().replace(' ', '-')}-by-{by}"
    low, q1, median, q3, high = (
        [row[place] for row in quartiles.values()] for place in range(5)
    )  # fmt: skip
    trace = {
        "type": "box", "name": name, "x": list(quartiles), "lowerfence": low, "q1": q1,
        "median": median, "q3": q3, "upperfence": high,
        "meta": {"colour": 1 if by == "class" else 2 % COLOURS},
    }  # fmt: skip
    rows = tuple(
        (group, count(len(values)), *(f"{value:.4g}" for value in quartiles[group]))
        for group, values in groups
    )
    told = ", ".join(f"{g} {row[2]:.4g}" for g, row in quartiles.items())
    return Figure(
        id=identity,
        title=f"{name} by {by}",
        caption=f"{name} in {unit}: smallest, quartiles and largest of "
        f"{sum(len(values) for _, values in groups)} clips.",
        description=f"Medians in {unit}: {told}.",
        data=(trace,),
        x={"type": "category"},
        y={"title": {"text": f"{name}, {unit}"}},
        table=Table(
            id=f"{identity}-table",
            caption=f"{name} by {by}, {unit}",
            columns=(by.capitalize(), "Clips", "Smallest", "25 %", "Median", "75 %", "Largest"),
            rows=rows,
        ),
    )


def _grouped(utterances: Iterable[Utterance], key: Any) -> list[tuple[str, list[Utterance]]]:
    groups: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        groups[key(utterance)].append(utterance)
    return sorted(groups.items())


def _heard(corpus: Path, utterances: Sequence[Utterance]) -> list[Heard]:
    """Clips of each class in turn, drawn by a seed."""
    by_class = _grouped(utterances, lambda u: u.emotion)
    order = {name: generator(0, "heard", name).permutation(len(own)) for name, own in by_class}
    rounds = [
        own[int(order[name][turn])]
        for turn in range(CLIPS)
        for name, own in by_class
        if turn < len(own)
    ]
    return [
        Heard(
            utterance=u.id,
            emotion=u.emotion,
            label=u.label or u.emotion,
            speaker=u.speaker or UNKNOWN,
            text=u.text,
            duration_s=u.duration_s,
            audio=listening.flac_uri(corpus, u)[0],
        )
        for u in rounds[:CLIPS]
    ]
