"""Figures, histories, Markdown, LaTeX, colours: the parts of a report."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import plotly.graph_objects as go
import pytest

from mtlser.errors import MtlserError
from mtlser.evaluation.fact_records import CostRow, NoiseFacts
from mtlser.records import CellResult, write_json
from mtlser.reporting import (
    bundle,
    confusion,
    exports,
    fact_tables,
    figures,
    histories,
    page,
    studies,
    verdict,
)
from mtlser.reporting.figures import Absent, Figure
from mtlser.reporting.histories import History
from mtlser.reporting.tables import Table
from tests.helpers.factories import make_plan
from tests.helpers.pages import make_context, make_scores, make_search

KINDS = ("wa", "ua", "wer", "speaker", "train_loss")
CSS = (Path(page.__file__).parent / "report.css").read_text(encoding="utf-8")


def history(alpha: float, beta: float, fold: int = 0, *curve: float) -> History:
    return History(fold=fold, alpha=alpha, beta=beta, values=dict.fromkeys(KINDS, curve))


def drawn() -> list[Figure]:
    scores = make_scores(make_plan(folds=3, per_fold=30))
    trained = [history(a, b, 0, 0.4, 0.5) for a, b in ((0, 0), (0.1, 0), (0, 0.5))]
    seen, _ = studies.ablations(trained)
    surface, training = studies.surface(make_search()), studies.training(trained)
    assert isinstance(surface, Figure)
    assert training is not None
    runs = {"w2v": trained, "hubert": trained}
    return [
        *(figures.by_fold(scores), confusion.by_fold(scores)),
        *(confusion.overall(scores), *figures.noise(scores.systems)),
        *(*seen, *studies.encoders(runs)[0], surface, training),
    ]


def test_every_trace_and_axis_is_one_that_plotly_knows() -> None:
    built = drawn()
    assert {f"figure-{n}" for n in range(4, 15)} <= {figure.id for figure in built}
    for figure in built:
        whole = go.Figure(data=list(figure.data), layout={"xaxis": figure.x, "yaxis": figure.y})
        assert len(whole.data) == len(figure.data)


def test_figures_show_what_was_measured() -> None:
    scores = make_scores(make_plan(folds=3, per_fold=30))
    folds = scores.of("mtlser").clean.folds
    wa, ua, other = figures.by_fold(scores).data
    assert wa["y"] == [round(fold.numbers.wa * 100, 2) for fold in folds]
    assert ua["y"] == [round(fold.numbers.ua * 100, 2) for fold in folds]
    assert other["name"] == "svm UA"
    drawn = confusion.overall(scores)
    counts = scores.of("mtlser").clean.pooled.confusion
    assert drawn.data[0]["customdata"] == [list(row) for row in counts]
    assert drawn.data[0]["z"][0][0] == pytest.approx(100 * counts[0][0] / sum(counts[0]), abs=0.01)
    noisy = figures.noise(scores.systems)[0].data[0]
    assert noisy["x"] == ["0 dB", "10 dB", "clean"]
    level = scores.of("mtlser").condition("babble@10dB").spreads["wa"]
    assert noisy["y"][1] == round(level.mean * 100, 2)
    assert level.sd is not None
    assert noisy["error_y"]["array"][1] == round(level.sd * 100, 2)


def test_ablations_take_only_trainings_with_the_other_weight_zero() -> None:
    trained = [history(0, 0, 0, 0.4), history(0.1, 0, 0, 0.5), history(0.1, 0, 1, 0.7)]
    trained += [history(0.1, 0.8, 0, 0.9)]
    seen, absent = studies.ablations(trained)
    assert [figure.id for figure in seen] == ["figure-7", "figure-8"]
    names = [trace["name"] for trace in seen[0].data]
    assert names == ["α = 0", "α = 0.1"]
    assert seen[0].data[1]["y"] == [60.0], "the mean of two folds"
    assert [one.number for one in absent] == ["Figure 9", "Figure 10"]
    assert all("only one" in one.reason for one in absent)


def test_absent_figures_are_named_with_their_reasons() -> None:
    context = make_context(search=None)
    html = page.render(make_scores(make_plan(folds=3, per_fold=30)), context)
    part = html.partition('<ul class="absent">')[2]
    for number in (7, 8, 9, 10, 11, 12, 13, 14):
        assert f"<strong>Figure {number}</strong>" in part
    for number in (4, 5, 6):
        assert f'id="figure-{number}"' in html
    one = studies.surface(make_search(alphas=(0.1,), betas=(0.8,)))
    assert isinstance(one, Absent)
    assert "1 pairs were trained" in one.reason


def cell(folder: Path, text: str, alpha: float | None, rows: list[dict[str, object]]) -> None:
    folder.mkdir(parents=True)
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = CellResult(
        cell=text, alpha=alpha, beta=alpha, epoch=1, epochs_run=1, score=0.5, validation={},
        seconds=1.0, weights_sha256=None,
    )  # fmt: skip
    write_json(folder / "result.json", result)


def test_histories_are_read_from_cells_runs_and_searches_once(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"epoch": 1, "validation_wa": 0.5, "train_loss": 2.0}]
    cell(tmp_path / "run/checkpoints/mtlser-f0-s0", "mtlser:f0:s0", 0.1, rows)
    cell(tmp_path / "chosen/cells/fold-0", "mtlser:f0:s0", 0.1, rows)
    cell(tmp_path / "alone", "mtlser:f1:s0", 0.1, [*rows, {"epoch": 2, "validation_wa": None}])
    cell(tmp_path / "final", "mtlser:final:s0", 0.1, rows)
    cell(tmp_path / "svm", "svm:f0:s0", None, rows)
    names = ("run", "chosen", "alone", "final", "svm")
    seen = histories.read([tmp_path / name for name in names])
    assert [(one.fold, one.values["wa"]) for one in seen] == [(0, (0.5,)), (1, (0.5, None))]
    (tmp_path / "alone/history.jsonl").write_text("[1]\n")
    with pytest.raises(MtlserError, match=r"history\.jsonl: '\[1\]' is no JSON object"):
        histories.read([tmp_path / "alone"])


TRICKY = Table(
    id="t",
    caption="50 % of A_B & C",
    columns=("Na|me", "±"),
    rows=(("x_1 {y} \\z ~^ <b>", "1.0 ± 2.0"), ("a\nb", "−3")),
    strong=(1,),
)


def test_markdown_rows_keep_their_cells() -> None:
    lines = exports.markdown([TRICKY]).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert {len(re.split(r"(?<!\\)\|", line)) for line in table} == {4}
    assert "| **a b** | **−3** |" in table


def test_latex_is_escaped_and_compiles_where_latex_is(tmp_path: Path) -> None:
    text = exports.latex([TRICKY])
    assert r"50 \% of A\_B \& C" in text
    assert r"\textbackslash{}z \textasciitilde{}\textasciicircum{}" in text
    assert r"\textbf{$-$3}" in text
    assert text.count(r"\begin{tabular}{lr}") == 1
    assert text.isascii()
    pdflatex = shutil.which("pdflatex")
    if pdflatex is None:
        return
    whole = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
    (tmp_path / "t.tex").write_text(whole + text + "\\end{document}\n")
    subprocess.run([pdflatex, "-halt-on-error", "t.tex"], cwd=tmp_path, check=True)


def test_cost_shows_what_was_measured_and_a_dash_elsewhere() -> None:
    assert fact_tables.cost(()) is None
    row = CostRow(
        system="net", parameters=95_000_000, clip_s=3.0, multiply_adds=21.2e9, flops=42.4e9,
        latency_p50_s=0.5, machine="a laptop",
    )  # fmt: skip
    table = fact_tables.cost((row,))
    assert table is not None
    shown = dict(zip(table.columns, table.rows[0], strict=True))
    assert shown["Parameters"] == "95,000,000"
    assert (shown["Multiply-adds, G"], shown["FLOPs, G"]) == ("21.200", "42.400")
    assert (shown["Latency p50, ms"], shown["Latency p95, ms"]) == ("500.0", "–")
    assert "a laptop" in table.note


def test_noise_is_described_with_its_level_and_a_readable_deviation() -> None:
    scores = make_scores(make_plan(folds=2, per_fold=30))
    assert "not known" in verdict.noise(scores)
    for largest_db, shown in ((4.3e-08, "within 0.1 dB"), (0.1, "within 0.1 dB"), (0.24, "0.2 dB")):
        facts = NoiseFacts(
            kinds=("babble",), source="noisex92", level="rms", largest_deviation_db=largest_db
        )
        text = verdict.noise(scores.model_copy(update={"noise": facts}))
        for part in (
            "babble",
            "noisex92",
            "RMS of all its samples",
            "trained on clean speech",
            shown,
        ):
            assert part in text
        assert "e-" not in text, "no figure that a person cannot read"


def test_the_packed_script_is_plotlys_and_the_same_each_time() -> None:
    import base64
    import gzip

    from plotly.offline import get_plotlyjs

    first = bundle.packed()
    bundle.packed.cache_clear()
    assert bundle.packed() == first
    assert gzip.decompress(base64.b64decode(first)).decode("utf-8") == get_plotlyjs()
    assert len(first) < 2_500_000


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_the_contrast_that_wcag_asks_for(scheme: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.S)
    chosen = light if scheme == "light" else dark
    colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", chosen))
    for text, under in (
        *(("ink", "page"), ("ink", "card"), ("soft", "page"), ("soft", "card"), ("one", "page")),
        *(("bad", "bad-page"), ("ink", "warn-page"), ("ink", "hot")),
    ):
        assert contrast(colour[text], colour[under]) >= 4.5, (text, under)
    for index in range(1, figures.COLOURS + 1):
        assert contrast(colour[f"c{index}"], colour["card"]) >= 3, index
