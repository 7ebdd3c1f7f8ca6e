"""The stage that derives a finished run anew from its files: verify."""

from collections.abc import Callable
from typing import Literal

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.records import Record, write_json
from mtlser.stages.entry import stage
from mtlser.stages.run_folder import AbsentError, RunFolder
from mtlser.storage.layout import SCORES
from mtlser.storage.shards import fetch_corpus

RECORD = "verification.json"
Check = Callable[[], str]


class Finding(Record):
    """One check of a run."""

    name: str
    state: Literal["agrees", "differs", "not at hand"]
    detail: str


class Verification(Record):
    """All checks of a run (`verification.json`)."""

    place: str
    findings: tuple[Finding, ...]

    @property
    def differs(self) -> bool:
        """True where some check found another value."""
        return any(finding.state == "differs" for finding in self.findings)


@stage
def verify(place: str, corpus: str = "", out: str = "", sample: int = 3) -> Verification:
    """What of a run's figures can be derived again, and whether that gives the same.

    What is not at hand is no difference: a reader decides what a lack means.

    Args:
        place: run or report folder, or its `s3://` address.
        corpus: corpus folder, for audio and for a report without a manifest; may be empty.
        out: folder to write `verification.json` to; empty: none.
        sample: utterances of each fold's test set to predict again from the weights, clean, and as
            many under noise.
    """
    folder = storage.fetch(place)
    if not (folder / SCORES).is_file():
        raise MtlserError(
            f"{place}: no scores.json in it; expected a run or report folder, as `mtlser report` "
            "or `mtlser-pipeline run` writes it"
        )
    run = RunFolder(folder, fetch_corpus(corpus) if corpus else None, sample)
    checks: tuple[tuple[str, Check], ...] = (
        ("files", run.files),
        ("chain", run.chain),
        ("predictions", run.predictions),
        ("data and folds", run.data),
        ("figures", run.figures),
        ("selection", run.selection),
        ("weights", run.weights),
        ("noise", run.noise),
        ("final model", run.final_model),
    )
    result = Verification(place=place, findings=tuple(_found(*each) for each in checks))
    if out:
        with storage.output(out) as target:
            write_json(target / RECORD, result)
    return result


def _found(name: str, check: Check) -> Finding:
    try:
        return Finding(name=name, state="agrees", detail=check())
    except AbsentError as absent:
        return Finding(name=name, state="not at hand", detail=str(absent))
    except MtlserError as error:
        return Finding(name=name, state="differs", detail=str(error))
    except (ValueError, KeyError, OSError) as error:
        detail = f"a file cannot be read as the step wrote it: {type(error).__name__}: {error}"
        return Finding(name=name, state="differs", detail=" ".join(detail.split()))
