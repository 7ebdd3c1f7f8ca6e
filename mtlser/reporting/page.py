"""One self-contained HTML page from scores: nothing in it is fetched from anywhere."""

import json
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from mtlser.errors import MtlserError
from mtlser.evaluation.score_records import Scores
from mtlser.recipe import Recipe, dumps
from mtlser.records import Record, SearchResult
from mtlser.reporting import facts, formats, published, surface, verdict

if TYPE_CHECKING:
    from mtlser.tracking import Run

HERE = Path(__file__).parent
PACKAGES = ("mtlser", "torch", "transformers", "scikit-learn", "scipy", "jiwer", "mlflow", "kfp")


class PageContext(Record):
    """What the page tells beside the scores."""

    ingest: dict[str, Any]
    """`ingest.json` as it is; empty where there is none."""
    audit: dict[str, Any]
    """`audit.json` as it is; empty where there is none."""
    search: SearchResult
    recipe_toml: str
    environment: dict[str, str]
    """What ran: commit, Python, platform, package versions, MLflow run."""


def context(
    corpus_folder: Path, folds_folder: Path, choices: SearchResult, recipe: Recipe, run: "Run"
) -> PageContext:
    """What the page tells beside the scores, read from the stages' folders and this machine.

    Raises:
        MtlserError: `ingest.json` or `audit.json` is there but is no JSON object.
    """
    return PageContext(
        ingest=_json(corpus_folder / "ingest.json"),
        audit=_json(folds_folder / "audit.json"),
        search=choices,
        recipe_toml=dumps(recipe),
        environment=_environment(run),
    )


def write(path: Path, scores: Scores, context: PageContext) -> None:
    """Writes the page to `path`, through a temporary name."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(render(scores, context), encoding="utf-8")
    temporary.replace(path)


def render(scores: Scores, context: PageContext) -> str:
    """The page as HTML text; every value in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": formats.percent,
        "spread": formats.spread,
        "p": formats.p_value,
        "points": formats.points,
        "signed": formats.signed,
        "code": _code,
        "numeric": lambda text: bool(re.fullmatch(r"[–\d.,%±+− e-]*", text)),
    }
    return environment.get_template("report.html.j2").render(
        scores=scores,
        main=scores.of(scores.main),
        context=context,
        title=verdict.title(scores),
        verdict=verdict.sentence(scores),
        headline=verdict.headline(scores),
        cautions=verdict.cautions(scores, context.search),
        fold_chart=facts.fold_chart(scores),
        noise_chart=facts.noise_chart(scores),
        noise_legend=facts.noise_legend(scores),
        noise_systems=facts.noise_systems(scores),
        corrected=facts.corrected_p(scores),
        ingest=facts.sections(context.ingest),
        audit=facts.audit(context.audit),
        grid=surface.is_grid(context.search),
        mean_grids=surface.mean_grids(context.search),
        fold_grids=surface.fold_grids(context.search),
        metric=surface.MEASURES[context.search.metric].name,
        choice_score=surface.choice_score,
        published=published,
        css=Markup((HERE / "report.css").read_text(encoding="utf-8")),
        js=Markup((HERE / "report.js").read_text(encoding="utf-8")),
        scores_json=_embedded(scores),
    )


def _code(text: str) -> Markup:
    """Escaped text with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _embedded(scores: Scores) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = scores.model_dump_json()
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MtlserError(f"{path}: no JSON ({error}); run the stage again") from None
    if not isinstance(content, Mapping):
        raise MtlserError(f"{path}: expected a JSON object; run the stage again")
    return dict(content)


def _environment(run: "Run") -> dict[str, str]:
    from mtlser.provenance import commit

    found = {
        "Written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "Commit": commit() or "unknown",
        "MLflow run": run.id or "not tracked",
        "Python": platform.python_version(),
        "Platform": platform.platform(),
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
