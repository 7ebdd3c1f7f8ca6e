"""Figures of the confusion counts, by fold and over all folds."""

from collections.abc import Sequence

from mtlser.evaluation.score_records import Scores
from mtlser.reporting.figures import Figure, heat, hundred
from mtlser.reporting.formats import percent
from mtlser.reporting.tables import Table


def by_fold(scores: Scores) -> Figure:
    """The main system's confusion on each fold (paper, figure 5)."""
    folds = scores.of(scores.main).clean.folds
    return _confusion(
        "figure-5",
        f"Confusion of {scores.main} by fold",
        "As the paper's figure 5: one matrix a fold (several seeds added up); rows are the true "
        "class, shares of the row in percent."
        if scores.of(scores.main).clean.seed_spreads
        else "As the paper's figure 5: one matrix a fold; rows are the true class, shares of the "
        "row in percent.",
        [(f"{f.name} – WA {percent(f.numbers.wa)}", f.name, f.numbers.confusion) for f in folds],
        scores.classes,
    )


def overall(scores: Scores) -> Figure:
    """Every system's confusion over all folds (paper, figure 6)."""
    return _confusion(
        "figure-6",
        "Confusion over all folds",
        "As the paper's figure 6: counts of all folds' tests added up; rows are the true class, "
        "shares of the row in percent.",
        [
            (f"{s.system} – WA {percent(s.clean.pooled.wa)}", s.system, s.clean.pooled.confusion)
            for s in scores.systems
        ],
        scores.classes,
    )


def _confusion(
    key: str,
    title: str,
    caption: str,
    parts: Sequence[tuple[str, str, Sequence[Sequence[int]]]],
    classes: Sequence[str],
) -> Figure:
    traces, rows = [], []
    for place, (_, name, counts) in enumerate(parts):
        shares = [[hundred(c / sum(row)) if sum(row) else None for c in row] for row in counts]
        traces.append(
            heat(place, list(classes), list(classes), shares, "%{z:.0f}")
            | {
                "customdata": [list(row) for row in counts],
                "hovertemplate": "true %{y}, predicted %{x}: %{z:.1f} % (%{customdata})"
                "<extra></extra>",
                "zmin": 0,
                "zmax": 100,
            }
        )
        rows += [
            (name, truth, *(f"{number:,}" for number in row))
            for truth, row in zip(classes, counts, strict=True)
        ]
    return Figure(
        id=key,
        title=title,
        caption=caption,
        description=f"{caption} Every count is in the table below.",
        data=tuple(traces),
        x={"type": "category", "title": {"text": "predicted"}},
        y={"type": "category", "title": {"text": "true"}, "autorange": "reversed"},
        panels=tuple(label for label, _, _ in parts),
        height=270,
        table=Table(
            id=f"{key}-numbers",
            caption="Utterances by true and predicted class",
            columns=("Set", "True", *(f"Predicted {name}" for name in classes)),
            rows=tuple(rows),
        ),
    )
