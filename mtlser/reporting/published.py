"""The paper's own numbers: published, not measured here, on other data and another protocol.

Source: MTLSER, Expert Systems With Applications 273 (2025) 126855, tables 4 and 5,
doi 10.1016/j.eswa.2025.126855. Percent, mean and SD over ten folds.
"""

from mtlser.evaluation.statistics import Summary, welch_from_summary
from mtlser.records import Record

SOURCE = "MTLSER, Expert Systems With Applications 273 (2025) 126855, tables 4 and 5"
DOI = "10.1016/j.eswa.2025.126855"
FOLDS = 10


class PublishedRow(Record):
    """One row of table 4."""

    method: str
    ua: tuple[float, float] | None
    """Mean and SD in percent; `None` where the table has a dash."""
    wa: tuple[float, float]
    giga_macs: float
    """Printed as FLOPs; the numbers are multiply-adds."""
    seconds: float
    """Inference time of one sample."""
    p_printed: float | None

    @property
    def p_recomputed(self) -> float | None:
        """Two-tailed Welch p on WA against MTLSER from the printed mean, SD and ten folds."""
        if self.p_printed is None:
            return None
        ours = TABLE_4[-1].wa
        return welch_from_summary(
            Summary(mean=ours[0] / 100, sd=ours[1] / 100, n=FOLDS),
            Summary(mean=self.wa[0] / 100, sd=self.wa[1] / 100, n=FOLDS),
        ).p


def _row(
    method: str,
    ua: tuple[float, float] | None,
    wa: tuple[float, float],
    macs: float,
    seconds: float,
    p: float | None,
) -> PublishedRow:
    return PublishedRow(method=method, ua=ua, wa=wa, giga_macs=macs, seconds=seconds, p_printed=p)


TABLE_4 = (
    _row("SVM (Kurpukdee 2017)", None, (58.40, 0.40), 0.02, 0.02, 4.52e-13),
    _row("STRL-SER (Chen 2023b)", (79.32, 0.50), (81.60, 0.85), 12.00, 0.34, 1.78e-3),
    _row("AMSNet (Chen 2023a)", (70.51, 0.65), (69.22, 0.70), 10.75, 0.27, 7.27e-11),
    _row("wav2vec2 + MTL (Cai 2021)", None, (78.15, 0.60), 17.31, 0.55, 4.59e-7),
    _row("TIM-Net (Ye 2023)", (72.50, 0.80), (71.65, 0.78), 71.57, 15.50, 3.89e-10),
    _row(
        "MFCC + spectrogram + wav2vec2 (Zou 2022)",
        (72.95, 0.70),
        (71.64, 0.65),
        45.09,
        0.35,
        3.86e-10,
    ),
    _row(
        "Self-attention + gender MTL (Li 2019)", (80.60, 0.60), (80.82, 0.55), 26.10, 0.96, 1.46e-4
    ),
    _row("MMER (Ghosh 2023)", (76.20, 0.65), (78.90, 0.70), 138.77, 1.60, 1.70e-6),
    _row("MTLSER", (82.19, 0.75), (82.63, 0.77), 20.80, 0.59, None),
)

TABLE_5 = {
    0: ((64.34, 0.83), (66.22, 0.82), (56.17, 0.83)),
    5: ((71.81, 0.85), (73.45, 0.76), (68.53, 0.78)),
    10: ((76.33, 0.78), (77.73, 0.73), (75.28, 0.75)),
    15: ((79.26, 0.82), (80.31, 0.76), (79.34, 0.77)),
    20: ((81.42, 0.80), (81.93, 0.79), (81.43, 0.83)),
}
"""SNR in dB to (WA, UA, F1), each mean and SD in percent; NOISEX-92 babble."""
