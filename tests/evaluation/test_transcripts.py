"""The normalised WER beside the plain one, with jiwer as the second source."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlser.data import text
from mtlser.evaluation import gathering, metrics, numbers, scores, summary
from mtlser.evaluation.number_records import Numbers
from mtlser.evaluation.transcripts import normalised
from mtlser.reporting import page, task_tables
from tests.helpers.factories import make_plan, make_prediction, make_recipe
from tests.helpers.pages import make_context, make_scores

PAIRS = [
    ("I DON'T KNOW", "i don’t know."),
    ("WAS SIND DENN DAS FUER TUETEN", "Was sind denn das für Tüten?"),
    ("DIE STRASSE", "die straße"),
    ("A WELL KNOWN CAFE", "a well-known Café!"),
    ("YES", "no"),
    ("GO HOME NOW", "go now"),
]


def scored(pairs: list[tuple[str, str]]) -> Numbers:
    built = [make_prediction(f"Ses01-{i}", text=pair) for i, pair in enumerate(pairs)]
    columns = gathering.columns(built)
    return numbers.numbers(columns, columns.blocks["mtlser", "test", "clean"])


def test_case_punctuation_and_umlauts_are_no_errors_once_normalised() -> None:
    figures = scored(PAIRS)
    alike = [(normalised(reference), normalised(hypothesis)) for reference, hypothesis in PAIRS]
    # One substitution and one deletion over 3 + 6 + 2 + 4 + 1 + 3 = 19 words.
    assert figures.wer_normalised == pytest.approx(2 / 19)
    output = jiwer.process_words([r for r, _ in alike], [h for _, h in alike])
    assert figures.wer_normalised == pytest.approx(output.wer)
    plain = jiwer.process_words([r for r, _ in PAIRS], [h for _, h in PAIRS])
    assert figures.wer == pytest.approx(plain.wer)
    assert plain.wer > 0.8


@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_ascii_is_normalised_as_it_is_beside_an_accent(written: str) -> None:
    assert normalised(f"{written} é") == f"{normalised(written)} e".strip()


def test_the_plain_rate_is_not_touched() -> None:
    figures = scored(PAIRS)
    assert figures.wer == metrics.word_error_rate([r for r, _ in PAIRS], [h for _, h in PAIRS])
    assert figures.cer == metrics.character_error_rate(*map(list, zip(*PAIRS, strict=True)))


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("Was sind denn das für Tüten – Straße?", "de"),
        ("It's a well-known café; don't go!", "en"),
        ("ÄÖÜ äöü ß naïve Œuvre’s", "de"),
        ("A\u0308rger", "de"),
    ],
)
def test_a_transcript_from_ingest_has_the_words_of_its_text(written: str, language: str) -> None:
    spelt = text.normalise(written, language)
    assert spelt is not None
    assert normalised(spelt) == normalised(written)


def test_utterances_without_a_transcript_have_no_part() -> None:
    built = [
        make_prediction("Ses01-0", text=(None, "Yes")),
        make_prediction("Ses01-1", text=("YES", "yes!")),
    ]
    columns = gathering.columns(built)
    figures = numbers.numbers(columns, columns.blocks["mtlser", "test", "clean"])
    assert (figures.wer, figures.wer_normalised, figures.without_transcript) == (1.0, 0.0, 1)
    silent = [make_prediction("Ses01-0", text=("YES", None))]
    columns = gathering.columns(silent)
    assert (
        numbers.numbers(columns, columns.blocks["mtlser", "test", "clean"]).wer_normalised is None
    )


def test_both_rates_are_named_side_by_side() -> None:
    plan = make_plan(folds=2, per_fold=4)
    built = [
        make_prediction(name, fold=fold.index, text=("YES", "yes"))
        for fold in plan.folds
        for name in fold.test
    ]
    result = scores.measure(built, plan, make_recipe("baseline.systems=[]", "noise.kinds=[]"))
    table = task_tables.transcripts(result)
    assert table is not None
    assert table.rows[0][1:3] == ("100.0 ± 0.0", "0.0 ± 0.0")
    flat = summary.flat(result)
    assert (flat["wer"], flat["wer_normalised"], flat["wer_normalised_mean"]) == (1.0, 0.0, 0.0)
    html = page.render(make_scores(make_plan(folds=2, per_fold=30)), make_context(search=None))
    assert "WER normalised" in html
    assert "compare the texts as they are" in html
