"""Finished runs side by side: one page, with tests where their folds are the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlser.evaluation import gathering
from mtlser.evaluation.score_records import SystemScores
from mtlser.evaluation.significance import comparison
from mtlser.evaluation.significance.comparison import Side
from mtlser.evaluation.significance.comparison_records import Comparison
from mtlser.files import write_text
from mtlser.records import CLEAN, Prediction, Record, read_jsonl, write_json
from mtlser.reporting import exports, figures, material, page, significance, studies, verdict
from mtlser.reporting.figures import Figure
from mtlser.reporting.formats import ABSENT, count, speaker_spread, spread_of
from mtlser.reporting.runs import Finished
from mtlser.reporting.tables import Table
from mtlser.tracking import NullRun


class Untested(Record):
    """A run that may not be tested against the first, and why."""

    label: str
    reasons: tuple[str, ...]


class Compared(Record):
    """The result of a comparison (`comparison.json`)."""

    runs: dict[str, str]
    """Label to place."""
    comparisons: tuple[Comparison, ...]
    untested: tuple[Untested, ...]
    notes: tuple[str, ...]


def write(folder: Path, runs: Sequence[Finished]) -> None:
    """Writes `report.html`, `comparison.json` and the tables to a folder."""
    compared = compare(runs)
    write_json(folder / "comparison.json", compared)
    exports.write(folder, [t for t in _tables(runs, compared).values() if t is not None])
    write_text(folder / "report.html", render(runs, compared))


def compare(runs: Sequence[Finished]) -> Compared:
    """The first run against each other one; those on other folds are set aside, with reasons."""
    reasons = {run.label: comparison.differences(runs[0].scores, run.scores) for run in runs}
    alike = [run for run in runs if not reasons[run.label]]
    plans = [run.plan for run in alike if run.plan is not None]
    sides = [_side(run) for run in alike] if len(alike) > 1 else []
    rows, notes = (
        comparison.compare(sides[0], sides[1:], plans[0] if plans else None) if sides else ((), [])
    )
    return Compared(
        runs={run.label: run.place for run in runs},
        comparisons=rows,
        untested=tuple(
            Untested(label=label, reasons=tuple(why)) for label, why in reasons.items() if why
        ),
        notes=tuple(notes),
    )


def render(runs: Sequence[Finished], compared: Compared) -> str:
    """The page as HTML text; every value in it is escaped."""
    noise = _noise(runs)
    encoders, absent = studies.encoders({run.label: run.histories for run in runs})
    leaking = [run.label for run in runs if run.scores.leaks]
    unverified = [run.label for run in runs if not run.recomputed]
    return page.shell(
        "compare.html.j2",
        [*noise, *encoders],
        {
            "comparison": compared.model_dump_json(),
            **{f"scores-{i}": run.scores.model_dump_json() for i, run in enumerate(runs)},
        },
        material.environment(NullRun()),
        title=f"{len(runs)} runs compared: {', '.join(run.label for run in runs)}",
        verdict=_verdict(runs, compared),
        leaking=leaking,
        unverified=unverified,
        compared=compared,
        first=runs[0].label,
        noise=noise,
        encoders=encoders,
        absent=absent,
        tables=_tables(runs, compared),
        notes={run.label: run.scores.notes for run in runs},
    )


def _side(run: Finished) -> Side:
    """The run's main system, with its predictions where they lie beside the scores."""
    columns, main = None, run.scores.main
    if run.predictions is not None:
        columns = gathering.columns(
            p
            for p in read_jsonl(run.predictions, Prediction)
            if (p.system, p.split, p.condition) == (main, "test", CLEAN)
        )
    return Side(run.label, run.scores.of(main).clean, columns, main)


def _main(run: Finished) -> SystemScores:
    return run.scores.of(run.scores.main)


def _verdict(runs: Sequence[Finished], compared: Compared) -> str:
    """Who is ahead in UA, and whether a difference is shown, in one or two sentences."""
    reached = ", ".join(f"{run.label} {spread_of(_main(run).clean, 'ua')} %" for run in runs)
    rows = [row for row in compared.comparisons if row.metric == "ua"]
    tested = "; ".join(
        f"{runs[0].label} is {verdict.against(row)}" for row in rows if row.gap is not None
    )
    apart = ", ".join(one.label for one in compared.untested)
    parts = [f"UA: {reached}."]
    parts += [f"{tested}."] if tested else []
    if apart:
        parts.append(f"Not comparable with {runs[0].label}, and so not tested: {apart}.")
    return " ".join(parts)


def _tables(runs: Sequence[Finished], compared: Compared) -> dict[str, Table | None]:
    return {
        "runs": _runs(runs),
        "recommended": significance.recommended(compared.comparisons),
        "tests": significance.tests(compared.comparisons),
        "effects": significance.effects(compared.comparisons),
        "recipes": _recipes(runs),
    }


def _runs(runs: Sequence[Finished]) -> Table:
    rows = []
    for run in runs:
        one, s = _main(run), run.scores
        values = [spread_of(one.clean, m) for m in ("ua", "wa", "macro_f1", "wer")]
        speaker = speaker_spread(one)
        protocol = f"{s.protocol} (leaks)" if s.leaks else s.protocol
        about = (s.corpus, protocol, str(len(s.fold_names)), count(s.utterances))
        anew = "yes" if run.recomputed else "not verified"
        rows.append((run.label, s.main, *values, speaker, *about, s.manifest_digest[:12], anew))
    return Table(
        id="runs",
        caption="Clean test: mean ± SD over folds, with several seeds / SD over seeds, percent",
        columns=(
            *("Run", "System", "UA", "WA", "Macro F1", "WER", "Speaker"),
            *("Corpus", "Protocol", "Folds", "Utterances", "Manifest", "Recomputed"),
        ),
        rows=tuple(rows),
    )


def _recipes(runs: Sequence[Finished]) -> Table | None:
    """What the recipes have unlike; `None` where fewer than two are known."""
    known = {run.label: _flat(run.recipe.model_dump()) for run in runs if run.recipe is not None}
    if len(known) < 2:
        return None
    keys = dict.fromkeys(key for values in known.values() for key in values)
    unlike = [key for key in keys if len({repr(v.get(key)) for v in known.values()}) > 1]
    labels = [run.label for run in runs]
    return Table(
        id="recipes",
        caption="Where the recipes differ"
        + ("" if unlike else ": nowhere; the runs differ in code, data or chance"),
        columns=("Key", *labels),
        rows=tuple(
            (key, *(_text(known[each].get(key)) if each in known else ABSENT for each in labels))
            for key in unlike
        ),
    )


def _flat(recipe: dict[str, Any]) -> dict[str, Any]:
    """Sections as dotted keys; recipes have one level of them."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": each for inner, each in value.items()}
        else:
            flat[key] = value
    return flat


def _text(value: Any) -> str:
    if value is None:
        return ABSENT
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _noise(runs: Sequence[Finished]) -> tuple[Figure, ...]:
    """The main systems' noise curves, each by its run's label."""
    systems = [_main(run).model_copy(update={"system": run.label}) for run in runs]
    return figures.noise([one for one in systems if len(one.test) > 1])
