"""The paper's studies as figures: ablations by epoch (7-10), encoders (11-13), surfaces (14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mtlser.evaluation.choices import SearchResult, SearchRow
from mtlser.reporting import histories
from mtlser.reporting.figures import Absent, Figure, heat, hundred, line
from mtlser.reporting.histories import History
from mtlser.reporting.surface import MEASURES, Measure
from mtlser.reporting.tables import Table


@dataclass(frozen=True)
class Ablation:
    """One of the figures 7-10."""

    number: int
    shows: str
    key: str
    fixed: str
    """`alpha` or `beta`: the weight that is 0."""


ABLATIONS = (
    Ablation(7, "SER accuracy (WA)", "wa", "beta"),
    Ablation(8, "ASR word error rate", "wer", "beta"),
    Ablation(9, "SER accuracy (WA)", "wa", "alpha"),
    Ablation(10, "speaker accuracy", "speaker", "alpha"),
)
ENCODERS = ((11, "SER accuracy (WA)", "wa"), (12, "word error rate", "wer"))
SIGN = {"alpha": "α", "beta": "β"}


def ablations(trained: Sequence[History]) -> tuple[list[Figure], list[Absent]]:
    """Figures 7-10 from trainings with alpha or beta 0, and those that have none."""
    drawn, absent = [], []
    for study in ABLATIONS:
        fixed, varied = SIGN[study.fixed], "β" if study.fixed == "alpha" else "α"
        groups = {
            (alpha if study.fixed == "beta" else beta): group
            for (alpha, beta), group in histories.by_pair(trained).items()
            if (beta if study.fixed == "beta" else alpha) == 0
        }
        curves = {f"{varied} = {v:g}": histories.mean(g, study.key) for v, g in groups.items()}
        curves = {name: curve for name, curve in curves.items() if curve}
        shows = f"{study.shows} by epoch with {fixed} = 0"
        if len(curves) < 2:
            seen = "only one such training" if curves else "no such training"
            absent.append(
                Absent(
                    number=f"Figure {study.number}",
                    shows=f"{shows} and {varied} of 0, 0.05, 0.1, 0.5, 1",
                    reason=f"the report got {seen}; train cells with "
                    f"`--set train.{study.fixed}=0` and several values of the other weight, and "
                    "add their folders to `mtlser report`",
                )
            )
            continue
        drawn.append(
            by_epoch(
                f"figure-{study.number}",
                shows[0].upper() + shows[1:],
                f"As the paper's figure {study.number}, but on validation and in the mean over "
                "folds; percent.",
                curves,
            )
        )
    return drawn, absent


def by_epoch(
    key: str,
    title: str,
    caption: str,
    curves: Mapping[str, Sequence[float | None]],
    *,
    rates: bool = True,
) -> Figure:
    """Lines over epochs, in percent or (`rates` false) as they are."""
    epochs = max(len(curve) for curve in curves.values())
    scaled = {
        name: [hundred(v) if rates else v for v in (*curve, *[None] * (epochs - len(curve)))]
        for name, curve in curves.items()
    }
    form = "%{y:.1f} %" if rates else "%{y:.3f}"
    texts = {
        name: tuple("–" if v is None else f"{v:.1f}" if rates else f"{v:.3f}" for v in curve)
        for name, curve in scaled.items()
    }
    axis = [str(epoch) for epoch in range(1, epochs + 1)]
    last = [f"{n}: {next((t for t in reversed(row) if t != '–'), '–')}" for n, row in texts.items()]
    return Figure(
        id=key,
        title=title,
        caption=caption,
        description=f"After the last epoch: {', '.join(last)}.",
        data=tuple(
            line(name, list(range(1, epochs + 1)), curve, None, place, hover=form)
            for place, (name, curve) in enumerate(scaled.items())
        ),
        x={"title": {"text": "epoch"}, "rangemode": "tozero"},
        y={"rangemode": "tozero", "ticksuffix": " %" if rates else ""},
        table=Table(
            id=f"{key}-numbers",
            caption=f"{title}, by epoch",
            columns=("Training", *axis),
            rows=tuple((name, *row) for name, row in texts.items()),
        ),
    )


def encoders(runs: Mapping[str, Sequence[History]]) -> tuple[list[Figure], list[Absent]]:
    """Figures 11-13: several runs' trainings by epoch; absent with fewer than two."""
    drawn, absent = [], []
    studies = [*ENCODERS, (13, "training loss", "train_loss")]
    for number, shows, key in studies:
        curves = {name: histories.mean(trained, key) for name, trained in runs.items()}
        curves = {name: curve for name, curve in curves.items() if curve}
        if len(curves) < 2:
            absent.append(
                Absent(
                    number=f"Figure {number}",
                    shows=f"{shows} by epoch, two encoders compared",
                    reason="needs the trainings of two runs or more: `mtlser report --compare "
                    "RUN RUN` with run folders",
                )
            )
            continue
        where = "of the chosen trainings" if key == "train_loss" else "on validation"
        drawn.append(
            by_epoch(
                f"figure-{number}",
                f"{shows[0].upper()}{shows[1:]} by epoch",
                f"As the paper's figure {number}: {shows} {where}, mean over folds. Losses with "
                "other alpha and beta weigh other parts and are not comparable."
                if key == "train_loss"
                else f"As the paper's figure {number}: {shows} {where}, mean over folds.",
                curves,
                rates=key != "train_loss",
            )
        )
    return drawn, absent


def training(trained: Sequence[History]) -> Figure | None:
    """The main system's validation by epoch, mean over folds; `None` without histories."""
    named = (("WA", "wa"), ("UA", "ua"), ("WER", "wer"), ("speaker accuracy", "speaker"))
    curves = {name: histories.mean(trained, key) for name, key in named}
    curves = {name: curve for name, curve in curves.items() if len(curve) > 1}
    if not curves:
        return None
    return by_epoch(
        "training",
        "Validation by epoch",
        f"Mean over {len(trained)} trainings, percent; each training has its own best epoch.",
        curves,
    )


SURFACES = (("SER: WA", MEASURES["wa"]), ("ASR: WER", MEASURES["wer"]))


def surface(search: SearchResult | None) -> Figure | Absent:
    """Figure 14: SER, ASR and SR over alpha and beta, mean over folds on validation."""
    rows = search.rows if search is not None else ()
    alphas, betas = sorted({r.alpha for r in rows}), sorted({r.beta for r in rows})
    pairs = {(r.alpha, r.beta) for r in rows}
    if search is None or len(pairs) < 4 or 2 * len(pairs) < len(alphas) * len(betas):
        return Absent(
            number="Figure 14",
            shows="SER, ASR and SR over alpha and beta (121 trainings in the paper)",
            reason=f"needs a search over a grid; {len(pairs)} pairs were trained"
            if rows
            else "the report got no search; name its folder with `--chosen`",
        )
    chosen = {(c.alpha, c.beta) for c in search.choices}
    parts = [*SURFACES, ("SR: speaker accuracy", MEASURES["speaker"])]
    tasks = [(name, measure, _means(rows, measure)) for name, measure in parts]
    tasks = [part for part in tasks if part[2]]
    traces: list[dict[str, Any]] = []
    for place, (_, measure, means) in enumerate(tasks):
        z = [[hundred(means.get((a, b))) for b in betas] for a in alphas]
        x, y = [f"{b:g}" for b in betas], [f"{a:g}" for a in alphas]
        cells = heat(place, x, y, z, "%{text}")
        cells["text"] = [
            [_cell(means.get((a, b)), measure, (a, b) in chosen) for b in betas] for a in alphas
        ]
        cells["hovertemplate"] = "α %{y}, β %{x}: %{z:.1f} %<extra></extra>"
        cells["meta"] = {"heat": True, "reversed": not measure.higher_is_better}
        traces.append(cells)
    return Figure(
        id="figure-14",
        title="The search over α and β",
        caption="As the paper's figure 14, as maps: validation, mean over folds, percent; darker "
        "is better. ★: chosen by one fold or more.",
        description="Best: " + "; ".join(_best(*part) for part in tasks) + ".",
        data=tuple(traces),
        x={"type": "category", "title": {"text": "β (speaker)"}},
        y={"type": "category", "title": {"text": "α (transcript)"}},
        panels=tuple(name for name, _, _ in tasks),
        panel_width=min(440, 150 + 40 * len(betas)),
        height=340,
        table=Table(
            id="figure-14-numbers",
            caption="Validation, mean over folds, percent",
            columns=("Alpha", "Beta", *(name for name, _, _ in tasks), "Chosen"),
            rows=tuple(
                (
                    f"{a:g}",
                    f"{b:g}",
                    *(m.text(means.get((a, b))) for _, m, means in tasks),
                    "★" if (a, b) in chosen else "",
                )
                for a, b in sorted(pairs)
            ),
        ),
    )


def _means(rows: Sequence[SearchRow], measure: Measure) -> dict[tuple[float, float], float]:
    seen: dict[tuple[float, float], list[float]] = {}
    for row in rows:
        value = measure.value(row)
        if value is not None:
            seen.setdefault((row.alpha, row.beta), []).append(value)
    return {pair: fmean(values) for pair, values in seen.items()}


def _cell(value: float | None, measure: Measure, chosen: bool) -> str:
    if value is None:
        return ""
    return f"{measure.text(value)}{' ★' if chosen else ''}"


def _best(name: str, measure: Measure, means: Mapping[tuple[float, float], float]) -> str:
    pick = max if measure.higher_is_better else min
    alpha, beta = pick(means, key=lambda pair: means[pair])
    return f"{name} {measure.text(means[alpha, beta])} at α {alpha:g}, β {beta:g}"
