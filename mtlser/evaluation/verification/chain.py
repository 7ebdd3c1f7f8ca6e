"""Whether the records of a report folder lead from its figures to weights, folds and manifest."""

from collections.abc import Mapping
from pathlib import Path

from mtlser.errors import MtlserError
from mtlser.evaluation.verification.reading import Part
from mtlser.storage import custody
from mtlser.storage.custody import SHORT, Custody
from mtlser.storage.layout import PARENTS, PREDICTIONS

AGAIN = "write the report again with `mtlser report`"


def parents(folder: Path, record: Custody) -> dict[str, Custody]:
    """The records that a report rests on, by what they are.

    Raises:
        MtlserError: one is missing, or is not the one that the report was made from.
    """
    found: dict[str, Custody] = {}
    for name, digest in record.made_from.items():
        path = folder / PARENTS / f"{name}.json"
        if not path.is_file():
            raise MtlserError(f"{path} is missing, and the report was made from it; {AGAIN}")
        found[name] = custody.read_file(path)
        if found[name].digest != digest:
            raise MtlserError(
                f"{path} is {found[name].digest[:SHORT]}, the report was made from "
                f"{digest[:SHORT]}; {AGAIN}"
            )
    return found


def links(found: dict[str, Custody]) -> int:
    """The number of records that others name; each is the one that they name.

    Raises:
        MtlserError: a record names another one than is there, or folds or a manifest differ.
    """
    count = 0
    for name, record in found.items():
        own = record.cell.replace(":", "-")
        for what, digest in record.made_from.items():
            key = f"model-{own}" if what == "model" else what
            if key not in found or what in {"corpus", "folds"}:
                continue  # of these the contents count, which are compared below
            count += 1
            if found[key].digest != digest:
                raise MtlserError(
                    f"{name} was made from {what} {digest[:SHORT]}, the report from "
                    f"{found[key].digest[:SHORT]}; {AGAIN}"
                )
    for what in ("folds", "manifest"):
        values = {v: n for n, r in found.items() if (v := getattr(r, what))}
        if len(values) > 1:
            one, other, *_ = values.items()
            raise MtlserError(
                f"{one[1]} is of {what} {one[0][:SHORT]}, {other[1]} of {what} {other[0][:SHORT]}; "
                f"{AGAIN}"
            )
    return count


def rows(folder: Path, now: Mapping[Part, str], found: dict[str, Custody], unrecorded: int) -> int:
    """The number of cells whose predictions in the report are those that its step wrote.

    Args:
        folder: report folder.
        now: digests of the lines of its predictions.
        found: the records that it rests on.
        unrecorded: number of files of predictions without a record that went into it.

    Raises:
        MtlserError: predictions were changed, added or dropped, or are of no step.
    """
    wanted: dict[Part, tuple[str, str]] = {}
    several: set[Part] = set()
    for name, record in found.items():
        if record.step in {"train", "noise_eval"}:
            key = (record.cell, record.step == "train")
            several |= {key} & wanted.keys()
            wanted[key] = (name, record.rows.get(PREDICTIONS, ""))
    if not wanted:
        return 0
    left, path = dict(now), folder / PREDICTIONS
    for key, (name, digest) in wanted.items():
        here = left.pop(key, custody.digest_rows([]))
        if key in several:  # noisy folders of one cell: no record is of both
            continue
        if here != digest:
            raise MtlserError(
                f"{path}: the predictions of {name} are {here[:SHORT]}, that step wrote "
                f"{digest[:SHORT]}: some were changed, added or dropped; {AGAIN}"
            )
    if left and not unrecorded and not any(r.step == "report" for r in found.values()):
        cell, _ = min(left)
        raise MtlserError(f"{path}: predictions of {cell}, of which there is no record; {AGAIN}")
    return len(wanted)
