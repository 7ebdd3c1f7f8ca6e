"""`corpus.html`: what a corpus holds, what gives its classes away, and what was left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlser.data import clip_facts, voices
from mtlser.data.earlier import InStep
from mtlser.data.ingest_report import IngestReport
from mtlser.data.overview import Names, Overview, Places
from mtlser.data.rng import generator
from mtlser.data.voices import Voice
from mtlser.files import write_text
from mtlser.records import Record, Utterance, read_json, read_jsonl
from mtlser.records.files import read_places
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

Groups = Sequence[tuple[str, NDArray[np.float64]]]
"""Values by the name of their group."""


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
    utterances = read_jsonl(corpus / MANIFEST, Utterance)
    facts_of = InStep(clip_facts.read(corpus) or ())
    overview = Overview()
    for utterance in utterances:
        overview.add(utterance, facts_of(utterance.id))
    report = read_json(corpus / INGEST, IngestReport)
    drawn, listened = voices.sample(len(overview), MEASURED), _listened(overview)
    found = dict(read_places(corpus / MANIFEST, Utterance, {*drawn, *listened}))
    heard = {place: voices.measure(corpus, found[place]) for place in drawn}
    pairs = _figures(overview, heard)
    speakers = len(overview.speaker.known)
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
            ("Languages", ", ".join(name for name, _ in _grouped(overview.language))),
        ],
        warnings=report.warnings,
        tables={
            "classes": _classes(overview),
            "speakers": _speakers(overview),
            "confounds": _confounds(report),
            "left_out": _left_out(report),
        },
        figures=pairs,
        clips=[_heard(corpus, found[place]) for place in listened],
        longest_s=listening.LONGEST_S,
    )


def _classes(corpus: Overview) -> Table:
    rows = []
    for name, own_n in _grouped(corpus.emotion):
        labels = Counter[str]()
        for label, number in corpus.label.counts(own_n).items():
            labels[label or name] += number
        count_of = int(own_n.sum())
        rows.append(
            (
                name,
                ", ".join(f"{label} {number}" for label, number in labels.most_common(6)),
                count(count_of),
                f"{100 * count_of / len(corpus):.1f}",
                _minutes(corpus, own_n),
                count(len(corpus.speaker.counts(own_n).keys() - {None})),
                _genders(corpus, own_n),
            )
        )
    return Table(
        id="classes",
        caption="Utterances by class",
        columns=("Class", "Labels of the corpus", "Utterances", "Share %", "Minutes", "Speakers",
                 "Women / men"),
        rows=tuple(rows),
    )  # fmt: skip


def _speakers(corpus: Overview) -> Table:
    names = sorted(corpus.emotion.known)
    rows = []
    for speaker, own_n in _grouped(corpus.speaker):
        counts = corpus.emotion.counts(own_n)
        rows.append(
            (
                speaker, _genders(corpus, own_n), count(sum(counts.values())),
                _minutes(corpus, own_n), *(count(counts.get(name, 0)) for name in names),
            )
        )  # fmt: skip
    return Table(
        id="corpus-speakers",
        caption="Utterances by speaker and class",
        columns=("Speaker", "Women / men", "Utterances", "Minutes", *names),
        rows=tuple(rows),
    )


def _minutes(corpus: Overview, own_n: Places) -> str:
    return f"{sum(corpus.number('duration_s')[own_n].tolist()) / 60:.1f}"


def _genders(corpus: Overview, own_n: Places) -> str:
    counts = corpus.gender.counts(own_n)
    women, men = counts.get("F", 0), counts.get("M", 0)
    return f"{women} / {men}" if women or men else ABSENT


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


def _figures(corpus: Overview, heard: Mapping[int, Voice]) -> list[tuple[Figure, Figure]]:
    """Box plots of each property that differs between clips, by class and by speaker."""
    silence_n, pitch_n = np.full((2, len(corpus)), np.nan)
    for place, voice in heard.items():
        silence_n[place] = 100 * voice.silence
        pitch_n[place] = np.nan if voice.pitch_hz is None else voice.pitch_hz
    measured: list[tuple[str, str, NDArray[np.float64]]] = [
        ("Duration", "s", corpus.number("duration_s")),
        ("Level", "dBFS", corpus.number("level_dbfs")),
        ("Clipped samples", "%", 100 * corpus.number("clipped")),
        ("Silence", "%", silence_n),
        ("Median pitch", "Hz", pitch_n),
    ]
    pairs = []
    for name, unit, value_n in measured:
        known_n = np.isfinite(value_n)
        if len(np.unique(value_n[known_n])) > 1:
            by_class = _values(corpus.emotion, value_n, known_n)
            by_speaker = _values(corpus.speaker, value_n, known_n)[:MOST_SPEAKERS]
            pairs.append(
                (_boxes(name, unit, "class", by_class), _boxes(name, unit, "speaker", by_speaker))
            )
    return pairs


def _values(names: Names, value_n: NDArray[np.float64], known_n: Places) -> Groups:
    """Values of each group; of many groups the largest come first, else by name."""
    by_name = [
        (name, value_n[chosen])
        for name, own_n in _grouped(names)
        if len(chosen := own_n[known_n[own_n]])
    ]
    if len(by_name) <= MOST_SPEAKERS:
        return by_name
    return sorted(by_name, key=lambda group: -len(group[1]))


def _boxes(name: str, unit: str, by: str, groups: Groups) -> Figure:
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


def _grouped(names: Names) -> list[tuple[str, Places]]:
    """The places of the utterances of each name, by name."""
    order = np.argsort(names.code_n, kind="stable")
    ends = np.cumsum(np.bincount(names.code_n, minlength=len(names.names)))
    groups = zip(names.names, np.split(order, ends[:-1]), strict=True)
    return sorted((name or UNKNOWN, own_n) for name, own_n in groups if len(own_n))


def _listened(corpus: Overview) -> list[int]:
    """Places of clips of each class in turn, drawn by a seed."""
    by_class = _grouped(corpus.emotion)
    order = {name: generator(0, "heard", name).permutation(len(own)) for name, own in by_class}
    rounds = [
        int(own[order[name][turn]])
        for turn in range(CLIPS)
        for name, own in by_class
        if turn < len(own)
    ]
    return rounds[:CLIPS]


def _heard(corpus: Path, clip: Utterance) -> Heard:
    return Heard(
        utterance=clip.id,
        emotion=clip.emotion,
        label=clip.label or clip.emotion,
        speaker=clip.speaker or UNKNOWN,
        text=clip.text,
        duration_s=clip.duration_s,
        audio=listening.flac_uri(corpus, clip)[0],
    )
