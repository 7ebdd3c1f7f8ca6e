"""A study's figures and tables: ablation, grid, seeds, encoders; all on validation."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from mtlser.evaluation import standard_error
from mtlser.evaluation.choices import SearchRow
from mtlser.evaluation.study_records import Kind, Study, StudyTraining
from mtlser.reporting import histories, studies
from mtlser.reporting.figures import Absent, Figure, heat, hundred, line
from mtlser.reporting.formats import ABSENT, percent
from mtlser.reporting.histories import History
from mtlser.reporting.surface import MEASURES, Measure
from mtlser.reporting.tables import Table

TITLES: Mapping[Kind, str] = {
    "ablation": "Ablation of the transcript and of the speaker loss",
    "grid": "The grid of alpha and beta",
    "seeds": "What another seed changes",
    "encoders": "Encoders compared",
}
SHOWN = ("wa", "ua", "f1", "wer", "speaker")
"""Measures of the tables, by their names in `MEASURES`."""
SURFACES = (("emotion", "ua"), ("words", "wer"), ("speaker", "speaker"))


def figures(study: Study) -> list[Figure]:
    """Its figures, those of the paper by their numbers."""
    curves = trainings(study)
    if study.kind == "ablation":
        every = [history for group in curves.values() for history in group]
        return studies.ablations(every)[0]
    if study.kind == "encoders":
        return studies.encoders(curves)[0]
    if study.kind == "seeds":
        return [_by_fold(study)]
    return _grid(study)


def absent(study: Study) -> list[Absent]:
    """The paper's figures of this kind that its trainings cannot give."""
    curves = trainings(study)
    if study.kind == "ablation":
        return studies.ablations([history for group in curves.values() for history in group])[1]
    return studies.encoders(curves)[1] if study.kind == "encoders" else []


def trainings(study: Study) -> dict[str, list[History]]:
    """Its trainings by epoch, by arm."""
    found: dict[str, list[History]] = {}
    for each in study.trainings:
        row = each.row
        history = histories.of_rows(row.fold, row.alpha, row.beta, each.epochs)
        found.setdefault(each.arm, []).append(history)
    return found


def tables(study: Study) -> list[Table]:
    """What its trainings reached: by pair and arm, over seeds, and each by itself."""
    found = [_seeds(study)] if study.kind == "seeds" else [_means(study)]
    return [*found, _each(study)]


def _means(study: Study) -> Table:
    groups: dict[tuple[str, float, float], list[SearchRow]] = {}
    for each in study.trainings:
        groups.setdefault((each.arm, each.row.alpha, each.row.beta), []).append(each.row)
    return Table(
        id=f"study-{study.kind}",
        caption=f"{TITLES[study.kind]}: validation at the best epoch, mean ± SD over folds",
        columns=("Trainings", "Alpha", "Beta", "Folds", *(MEASURES[n].name for n in SHOWN)),
        rows=tuple(
            (
                arm, f"{alpha:g}", f"{beta:g}", str(len(rows)),
                *(_spread(_values(rows, MEASURES[name])) for name in SHOWN),
            )
            for (arm, alpha, beta), rows in groups.items()
        ),
        note=f"The best epoch of each training is chosen by {MEASURES[study.metric].name} on the "
        "same validation data, so the figures are optimistic; no test set was read.",
    )  # fmt: skip


def _seeds(study: Study) -> Table:
    """The mean, the SD over folds of each fold's mean, the SD over seeds of each seed's mean."""
    rows = []
    for name in SHOWN:
        of_fold = _grouped(study.trainings, MEASURES[name], by_fold=True)
        of_seed = _grouped(study.trainings, MEASURES[name], by_fold=False)
        if of_fold:
            sds = [ABSENT if len(g) < 2 else percent(stdev(g)) for g in (of_fold, of_seed)]
            rows.append((MEASURES[name].name, percent(fmean(of_fold)), *sds))
    seeds = sorted({each.seed for each in study.trainings})
    return Table(
        id="study-seeds",
        caption=f"Validation with {len(seeds)} seeds on {len(study.fold_names)} folds, percent",
        columns=("Metric", "Mean", "SD over folds", "SD over seeds"),
        rows=tuple(rows),
        note=f"Seeds {', '.join(map(str, seeds))}. SD over folds: of each fold's mean over seeds, "
        "what other speakers change. SD over seeds: of each seed's mean over folds, what another "
        "training changes.",
    )


def _grouped(found: Sequence[StudyTraining], measure: Measure, *, by_fold: bool) -> list[float]:
    """The means of a measure, by fold or by seed."""
    groups: dict[int, list[float]] = {}
    for each in found:
        value = measure.value(each.row)
        if value is not None:
            groups.setdefault(each.row.fold if by_fold else each.seed, []).append(value)
    return [fmean(values) for _, values in sorted(groups.items())]


def _each(study: Study) -> Table:
    return Table(
        id=f"study-{study.kind}-trainings",
        caption="Each training at its best epoch, on validation, percent",
        columns=(
            "Trainings", "Seed", "Fold", "Alpha", "Beta", "Epoch",
            *(MEASURES[name].name for name in SHOWN),
        ),
        rows=tuple(
            (
                each.arm, str(each.seed), study.fold_names[each.row.fold], f"{each.row.alpha:g}",
                f"{each.row.beta:g}", str(each.row.epoch),
                *(MEASURES[name].text(MEASURES[name].value(each.row)) for name in SHOWN),
            )
            for each in study.trainings
        ),
    )  # fmt: skip


def _values(rows: Sequence[SearchRow], measure: Measure) -> list[float]:
    return [value for row in rows if (value := measure.value(row)) is not None]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ABSENT
    return percent(fmean(values)) + (f" ± {percent(stdev(values))}" if len(values) > 1 else "")


def _by_fold(study: Study) -> Figure:
    """A line for each seed over folds, by the metric that chooses."""
    measure = MEASURES[study.metric]
    lines: dict[str, dict[str, float | None]] = {}
    for each in study.trainings:
        lines.setdefault(each.arm, {})[study.fold_names[each.row.fold]] = measure.value(each.row)
    names = list(study.fold_names)
    scale = hundred if measure.in_percent else (lambda value: value)
    return Figure(
        id="study-seeds-figure",
        title=f"Validation {measure.name} by fold and seed",
        caption="Each line is a seed. Lines far apart: another training changes much; a line far "
        "from level: other speakers do.",
        description=f"{len(lines)} seeds on {len(names)} folds.",
        data=tuple(
            line(name, names, [scale(of.get(fold)) for fold in names], None, place)
            for place, (name, of) in enumerate(lines.items())
        ),
        x={"type": "category", "title": {"text": "fold"}},
        y={"ticksuffix": " %" if measure.in_percent else ""},
        table=Table(
            id="study-seeds-figure-numbers",
            caption=f"Validation {measure.name} by fold and seed",
            columns=("Seed", *names),
            rows=tuple(
                (name, *(measure.text(of.get(fold)) for fold in names))
                for name, of in lines.items()
            ),
        ),
    )


def _grid(study: Study) -> list[Figure]:
    """The maps of the paper's figure 14, a surface of each task, and the one-error region."""
    maps = studies.surface(study.search)
    return [
        *([] if isinstance(maps, Absent) else [maps]),
        _region(study),
        *(_surface(study, name, MEASURES[key]) for name, key in SURFACES if _has(study, key)),
    ]


def _has(study: Study, key: str) -> bool:
    return any(MEASURES[key].value(each.row) is not None for each in study.trainings)


def _by_pair(study: Study) -> dict[tuple[float, float], list[SearchRow]]:
    found: dict[tuple[float, float], list[SearchRow]] = {}
    for each in study.trainings:
        found.setdefault((each.row.alpha, each.row.beta), []).append(each.row)
    return found


def _axes(study: Study) -> tuple[list[float], list[float]]:
    pairs = list(_by_pair(study))
    return sorted({alpha for alpha, _ in pairs}), sorted({beta for _, beta in pairs})


def _region(study: Study) -> Figure:
    """How many standard errors each pair lies below the best, by the mean score over folds."""
    groups, (alphas, betas) = _by_pair(study), _axes(study)
    means = {pair: fmean(row.score for row in rows) for pair, rows in groups.items()}
    best = max(means, key=lambda pair: (means[pair], -pair[0], -pair[1]))
    error = standard_error.of_best(groups[best], study.metric, study.sizes)
    below = {p: (means[best] - mean) / error if error else 0.0 for p, mean in means.items()}
    inside = {pair for pair in means if means[pair] >= means[best] - error}
    z = [[None if (a, b) not in below else -below[a, b] for b in betas] for a in alphas]
    cells = heat(0, [f"{b:g}" for b in betas], [f"{a:g}" for a in alphas], z, "%{text}")
    cells["text"] = [[_sign((a, b), below, inside, best) for b in betas] for a in alphas]
    cells["hovertemplate"] = "α %{y}, β %{x}: %{z:.2f} standard errors<extra></extra>"
    over = "folds" if len(groups[best]) > 1 else "validation utterances"
    return Figure(
        id="study-grid-region",
        title="Pairs within one standard error of the best",
        caption=f"Standard errors below the best mean score (★); ○: within one, {error:.4f} over "
        f"{over}. Darker is better. The map is of the mean over folds, whatever each fold chose.",
        description=f"{len(inside)} of {len(means)} pairs are within one standard error.",
        data=(cells,),
        x={"type": "category", "title": {"text": "β (speaker)"}},
        y={"type": "category", "title": {"text": "α (transcript)"}},
        table=Table(
            id="study-grid-region-numbers",
            caption="Mean score over folds, and standard errors below the best",
            columns=("Alpha", "Beta", "Score", "Below the best", "Within one"),
            rows=tuple(
                (
                    f"{a:g}", f"{b:g}", f"{means[a, b]:.4f}", f"{below[a, b]:.2f}",
                    "yes" if (a, b) in inside else "no",
                )
                for a, b in sorted(means)
            ),
        ),
    )  # fmt: skip


def _sign(
    pair: tuple[float, float],
    below: Mapping[tuple[float, float], float],
    inside: set[tuple[float, float]],
    best: tuple[float, float],
) -> str:
    if pair not in below:
        return ""
    return f"{0.0 - below[pair]:.1f}" + (" ★" if pair == best else " ○" if pair in inside else "")


def _surface(study: Study, task: str, measure: Measure) -> Figure:
    """One task over alpha and beta as a surface that can be turned."""
    groups, (alphas, betas) = _by_pair(study), _axes(study)
    means = {pair: _values(rows, measure) for pair, rows in groups.items()}
    shown = {pair: fmean(values) for pair, values in means.items() if values}
    return Figure(
        id=f"study-grid-{task}",
        title=f"{task.capitalize()}: {measure.name} over α and β",
        caption="Validation, mean over folds. Drag to turn.",
        description=f"{len(shown)} pairs.",
        data=(
            {
                "type": "surface",
                "x": list(betas),
                "y": list(alphas),
                "z": [[hundred(shown.get((a, b))) for b in betas] for a in alphas],
                "showscale": False,
                "meta": {"heat": True, "reversed": not measure.higher_is_better},
                "hovertemplate": "α %{y}, β %{x}: %{z:.1f} %<extra></extra>",
            },
        ),
        x={"title": {"text": "β (speaker)"}},
        y={"title": {"text": "α (transcript)"}},
        height=460,
        table=Table(
            id=f"study-grid-{task}-numbers",
            caption=f"{measure.name}: validation, mean over folds",
            columns=("Alpha \\ beta", *(f"{b:g}" for b in betas)),
            rows=tuple(
                (f"{a:g}", *(measure.text(shown.get((a, b))) for b in betas)) for a in alphas
            ),
        ),
    )
