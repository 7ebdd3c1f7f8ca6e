"""Scores, search results and what a page shows beside them."""

from html.parser import HTMLParser

import pytest

from mtlser.evaluation import scores
from mtlser.evaluation.choices import Choice, Reached, SearchResult, SearchRow
from mtlser.evaluation.scores import Scores
from mtlser.recipe import dumps
from mtlser.records import FoldPlan, Protocol
from mtlser.reporting import page
from mtlser.reporting.material import PageContext
from tests.helpers.factories import make_plan, make_predictions, make_recipe

AUDIT = {
    "verdict": "clean",
    "reasons": [],
    "findings": ["12 test transcripts also occur in train."],
    "best_guess": {"name": "transcript", "wa": 0.36, "covered": 0.4},
    "overall": {
        "shared": {"texts_in_train": 12},
        "no_audio_guess": [{"name": "majority", "wa": 0.31, "covered": 1.0}],
    },
}


INGEST = {
    "corpus": "iemocap",
    "kept": 5531,
    "left_out": [
        {"reason": "label outside the task", "count": 4508, "ids": [f"id{i}" for i in range(4508)]},
        {"reason": "silent", "count": 1, "ids": ["id9"]},
    ],
    "by_emotion": {"neutral": 1708, "happy": 1636},
    "by_speaker": {"Ses01_F": 528},
    "something_new": {"deep": {"deeper": [1, 2]}},
    "dropped": {},
}


def make_search(
    folds: int = 3, alphas: tuple[float, ...] = (0.1, 0.3), betas: tuple[float, ...] = (0.2, 0.8)
) -> SearchResult:
    """The last pair wins every fold."""
    rows = [
        SearchRow(
            fold=fold,
            alpha=alpha,
            beta=beta,
            epoch=3,
            score=0.5 + alpha / 10 + beta / 10,
            loss=1.25,
            wa=0.6,
            ua=0.5 + alpha / 10 + beta / 10,
            f1=0.6,
            wer=0.4,
            speaker_accuracy=0.9,
        )
        for fold in range(folds)
        for alpha in alphas
        for beta in betas
    ]
    choices = [Choice(fold=f, alpha=alphas[-1], beta=betas[-1], run=None) for f in range(folds)]
    reached = [Reached(fold=f, epoch=3, score=0.61) for f in range(folds)]
    return SearchResult(
        scope="fold",
        metric="ua",
        choices=tuple(choices),
        reached=tuple(reached),
        rows=tuple(rows),
    )


def make_scores(
    plan: FoldPlan, baseline: bool = True, noise: tuple[float, ...] = (0, 10)
) -> Scores:
    built = make_predictions(plan, "mtlser", 0.7, snr_db=noise)
    if baseline:
        built += make_predictions(plan, "svm", 0.5, seed=1)
    return scores.measure(built, plan, make_recipe(*([] if baseline else ["baseline.systems=[]"])))


def make_context(**values: object) -> PageContext:
    given: dict[str, object] = {
        "ingest": INGEST,
        "audit": AUDIT,
        "search": make_search(),
        "recipe_toml": dumps(make_recipe()),
        "environment": {"Python": "3.11", "MLflow run": "0a1b2c"},
    }
    return PageContext.model_validate(given | values)


def rendered(protocol: Protocol = "session", folds: int = 3, **values: object) -> str:
    plan = make_plan(folds=folds, per_fold=30, protocol=protocol)
    return page.render(make_scores(plan), make_context(**values))


@pytest.fixture(scope="module")
def html() -> str:
    return rendered()


class Elements(HTMLParser):
    """Elements with attributes, texts of `<title>`, and unclosed tags."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.inside: dict[int, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"
