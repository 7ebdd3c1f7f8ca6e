"""One self-contained HTML page from scores: nothing in it is fetched from anywhere."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from mtlser.evaluation import literature
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.metrics import BINS
from mtlser.evaluation.score_records import Scores
from mtlser.files import write_text
from mtlser.reporting import (
    bundle,
    confusion,
    fact_tables,
    facts,
    figures,
    formats,
    significance,
    studies,
    study_figures,
    surface,
    tables,
    task_tables,
    verdict,
)
from mtlser.reporting.figures import Absent, Figure
from mtlser.reporting.listening import LONGEST_S, Clip
from mtlser.reporting.material import PageContext
from mtlser.reporting.tables import Table

HERE = Path(__file__).parent


def write(path: Path, scores: Scores, context: PageContext, clips: Sequence[Clip] = ()) -> None:
    """Writes the page to `path`, whole."""
    write_text(path, render(scores, context, clips))


def render(scores: Scores, context: PageContext, clips: Sequence[Clip] = ()) -> str:
    """The page as HTML text; every value in it is escaped; `clips` can be listened to."""
    main, search = scores.of(scores.main), context.search
    audit = facts.audit(context.audit)
    drawn, absent = _studies(context)
    by_fold, of_folds = figures.by_fold(scores), confusion.by_fold(scores)
    noisy = [one for one in scores.systems if len(one.test) > 1]
    overall, noise = confusion.overall(scores), figures.noise(noisy)
    known = scores.literature or literature.table_4()
    return shell(
        "report.html.j2",
        [by_fold, overall, of_folds, *noise, *drawn],
        {"scores": scores.model_dump_json(), "context": context.model_dump_json()},
        context.environment,
        title=verdict.title(scores),
        scores=scores,
        main=main,
        verdict=verdict.sentence(scores),
        scorings=verdict.scorings(scores),
        headline=verdict.headline(scores),
        data_warnings=facts.warnings(context.ingest),
        cautions=verdict.cautions(scores, search, context.ingest),
        readings=[row for row in scores.comparisons if row.trust],
        figures={
            "by_fold": by_fold,
            "overall": overall,
            "confusion": of_folds,
            "noise": noise,
            "studies": drawn,
        },
        absent=absent,
        tables=_tables(scores)
        | _search_tables(search)
        | _fact_tables(scores, audit)
        | {"studies": [t for study in context.studies for t in study_figures.tables(study)[:1]]}
        | {"claims": tables.claims(scores), "sharing": tables.sharing(scores)},
        noise_facts=verdict.noise(scores),
        clips=clips,
        longest_s=LONGEST_S,
        bins=BINS,
        search=search,
        **search_values(search),
        audit=audit,
        ingest=facts.sections(context.ingest),
        published=literature.source(),
        doubtful={row.method: " ".join(row.doubtful) for row in known if row.doubtful},
        warnings=[row.warning for row in known if row.warning],
        links=context.links,
        recipe_toml=context.recipe_toml,
    )


def paper_tables(scores: Scores) -> list[Table]:
    """The tables that go to `tables.md` and `tables.tex`, in the page's order."""
    every = _tables(scores) | _fact_tables(scores, facts.audit({}))
    listed: list[Table | None] = [every["systems"], every["intervals"], every["styles"]]
    listed += [
        every["seeds"],
        every["calibration"],
        every["transcripts"],
        every["recommended"],
        every["tests"],
        every["effects"],
        *every["folds"],
        every["by_speaker"],
        every["by_gender"],
        every["by_corpus"],
        every["speakers"],
    ]
    listed += [*every["noise"], every["cost"], every["classes"]]
    listed += [every["literature"], every["against"], every["published_noise"]]
    return [table for table in listed if table is not None]


def shell(
    template: str,
    drawn: Sequence[Figure],
    embedded: Mapping[str, str],
    environment: Mapping[str, str],
    **values: Any,
) -> str:
    """A page from one of the templates, with its figures and whatever it embeds as JSON."""
    engine = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters |= {
        "percent": formats.percent,
        "code": _code,
    }
    listed = ",".join(figure.model_dump_json(exclude={"table"}) for figure in drawn)
    parts = {**embedded, "figures": f"[{listed}]"}
    return engine.get_template(template).render(
        embedded={name: _embedded(text) for name, text in parts.items()},
        environment=environment,
        css=Markup((HERE / "report.css").read_text(encoding="utf-8")),
        js=Markup((HERE / "report.js").read_text(encoding="utf-8")),
        plotly=Markup(bundle.packed() if drawn else ""),
        **values,
    )


def _studies(context: PageContext) -> tuple[list[Figure], list[Absent]]:
    """Figures 7-14 of the paper, those that can be drawn and those that cannot."""
    drawn, absent = studies.ablations(context.histories)
    _, without = studies.encoders({})
    surfaces = studies.surface(context.search)
    training = studies.training(context.histories)
    given = [figure for study in context.studies for figure in study_figures.figures(study)]
    instead = {figure.id for figure in given}
    if isinstance(surfaces, Figure):
        drawn.append(surfaces)
    else:
        without.append(surfaces)
    own = ([training] if training else []) + drawn
    lacking = [a for a in absent + without if a.number.lower().replace(" ", "-") not in instead]
    return [figure for figure in own if figure.id not in instead] + given, lacking


def _tables(scores: Scores) -> dict[str, Any]:
    main = scores.of(scores.main)
    noisy = [one for one in scores.systems if len(one.test) > 1]
    return {
        "systems": tables.systems(scores),
        "intervals": tables.intervals(scores),
        "styles": tables.styles(scores),
        "calibration": task_tables.calibration(scores),
        "transcripts": task_tables.transcripts(scores),
        "recommended": significance.recommended(scores.comparisons),
        "tests": significance.tests(scores.comparisons),
        "effects": significance.effects(scores.comparisons),
        "folds": [tables.folds(scores, one) for one in scores.systems],
        "by_speaker": tables.groups(scores, "speaker"),
        "by_gender": tables.groups(scores, "gender"),
        "by_corpus": tables.groups(scores, "corpus"),
        "speakers": task_tables.speakers(main),
        "seeds": task_tables.seeds(scores),
        "noise": [tables.noise(scores, one) for one in noisy],
        "classes": tables.classes(scores),
    }


def _fact_tables(scores: Scores, audit: Mapping[str, Any]) -> dict[str, Table | None]:
    return {
        "literature": fact_tables.published(scores.literature or literature.table_4()),
        "against": fact_tables.against(scores.literature),
        "published_noise": fact_tables.published_noise(),
        "cost": fact_tables.cost(scores.cost),
        "guesses": fact_tables.guesses(scores, audit["guesses"]),
    }


def _search_tables(search: SearchResult | None) -> dict[str, Any]:
    if search is None:
        return {"choices": None, "trainings": None}
    return {"choices": fact_tables.choices(search), "trainings": fact_tables.trainings(search)}


def search_values(search: SearchResult | None) -> dict[str, Any]:
    """What the page's section on the search shows."""
    if search is None:
        return {"grid": False, "metric": "", "mean_grids": (), "fold_grids": ()}
    return {
        "grid": surface.is_grid(search),
        "metric": surface.MEASURES[search.metric].name,
        "mean_grids": surface.mean_grids(search),
        "fold_grids": surface.fold_grids(search),
    }


def _code(text: str) -> Markup:
    """Escaped text with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _embedded(text: str) -> Markup:
    """JSON that cannot end the script element it stands in."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)
