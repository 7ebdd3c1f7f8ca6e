"""What the page shows beside the scores, read from stage folders and this machine."""

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mtlser import tracking
from mtlser.errors import MtlserError, public_address
from mtlser.evaluation.choices import SearchResult
from mtlser.evaluation.study_records import Study
from mtlser.files import read_text
from mtlser.recipe import Recipe, dumps
from mtlser.records import Record
from mtlser.reporting import histories
from mtlser.reporting.histories import History

if TYPE_CHECKING:
    from mtlser.data.audit import Audit
    from mtlser.tracking import Run

PACKAGES = (
    *("mtlser", "torch", "transformers", "scikit-learn", "scipy", "rapidfuzz", "mlflow", "kfp"),
    "plotly",
)
RUN = "MLflow run"


class PageContext(Record):
    """What the page shows beside the scores."""

    ingest: dict[str, Any]
    """`ingest.json` as it is; empty where there is none."""
    audit: dict[str, Any]
    """`audit.json` as it is; empty where there is none."""
    search: SearchResult | None
    """`None` where the report got no search."""
    recipe_toml: str
    """Empty where the recipe is not known."""
    environment: dict[str, str]
    """What ran: commit, Python, platform, package versions, MLflow run."""
    links: dict[str, str] = Field(default_factory=dict)
    """Web addresses of entries of the environment."""
    studies: tuple[Study, ...] = ()
    """Studies that the report got the folders of."""
    histories: tuple[History, ...] = ()
    """The network's trainings by epoch, as far as the report got their folders."""


def context(
    corpus_folder: Path | None,
    folds_folder: Path,
    choices: SearchResult | None,
    recipe: Recipe,
    run: "Run",
    results: Sequence[Path] = (),
    audited: "Audit | None" = None,
) -> PageContext:
    """What the page shows beside the scores.

    Args:
        corpus_folder: holds `ingest.json`; `None`: not known.
        folds_folder: holds `audit.json` beside the folds.
        choices: what the search chose; `None`: not known.
        recipe: without a name where it is not known.
        run: the tracked run.
        results: folders that may hold trainings by epoch.
        audited: the audit made anew; `None`: the one beside the folds is shown.

    Raises:
        MtlserError: `ingest.json` or `audit.json` is there but is no JSON object.
    """
    return PageContext(
        ingest=_json(corpus_folder / "ingest.json") if corpus_folder else {},
        audit=_json(folds_folder / "audit.json")
        if audited is None
        else audited.model_dump(mode="json"),
        search=choices,
        recipe_toml=dumps(recipe.portable()) if recipe.name else "",
        environment=environment(run),
        links=_links(run),
        histories=histories.read(results),
    )


def environment(run: "Run") -> dict[str, str]:
    """What wrote the page: time, commit, run, machine, packages."""
    from mtlser.tracking.provenance import commit

    entries = {
        "Written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "Commit": commit() or "unknown",
        RUN: run.id or "not tracked",
        "MLflow store": public_address(run.uri or "none"),
        "Python": platform.python_version(),
        "Platform": platform.platform(),
    }
    for name in PACKAGES:
        try:
            entries[name] = version(name)
        except PackageNotFoundError:
            entries[name] = "not installed"
    return entries


def _links(run: "Run") -> dict[str, str]:
    """The run's page in MLflow, where its store is a server."""
    experiment = getattr(run, "experiment_id", None)
    if run.id is None or run.uri is None or experiment is None:
        return {}
    address = tracking.page(run.uri, experiment, run.id)
    return {} if address is None else {RUN: address}


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise MtlserError(f"{path}: no JSON ({error}); run the stage again") from None
    if not isinstance(content, Mapping):
        raise MtlserError(f"{path}: expected a JSON object; run the stage again")
    return dict(content)
