"""The paper's tables in percent, as the page shows them; the data are `evaluation.literature`'s."""

from mtlser.evaluation import literature
from mtlser.evaluation.statistics import Summary
from mtlser.records import Record

SOURCE = literature.source().title
DOI = literature.source().doi
FOLDS = literature.source().n

Percent = tuple[float, float]
"""Mean and SD in percent."""


class PublishedRow(Record):
    """One row of table 4."""

    method: str
    ua: Percent | None
    """`None` where the table has a dash."""
    wa: Percent
    giga_macs: float
    """Printed as FLOPs; the numbers are multiply-adds."""
    seconds: float
    """Inference time of one sample."""
    p_printed: float | None
    p_recomputed: float | None


def _percent(summary: Summary) -> Percent:
    return summary.mean * 100, summary.sd * 100


TABLE_4 = tuple(
    PublishedRow(
        method=row.method,
        ua=None if row.ua is None else _percent(row.ua),
        wa=_percent(row.wa),
        giga_macs=row.giga_macs,
        seconds=row.seconds,
        p_printed=row.p_printed,
        p_recomputed=row.p_recomputed,
    )
    for row in literature.table_4()
)

TABLE_5 = {
    int(row.snr_db): (_percent(row.wa), _percent(row.ua), _percent(row.f1))
    for row in literature.table_5()
}
"""SNR in dB to (WA, UA, F1), each mean and SD in percent; NOISEX-92 babble."""
