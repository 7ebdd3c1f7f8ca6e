"""Classes of a corpus' own labels, as a recipe groups them."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mtlser.errors import MtlserError
from mtlser.recipes.labels import MOST_CLASSES, LabelsRecipe, class_name
from mtlser.records import FOUR, Utterance


@dataclass(frozen=True)
class Naming:
    """What is known of a corpus' labels."""

    plain: Mapping[str, str]
    """Each label in plain English (`W` is `angry`); labels that are not in it are their own."""
    four: Mapping[str, str] | None = None
    """Labels of the paper's four classes, as published work maps them; `None`: nobody has."""


def groupings(
    labels: LabelsRecipe, corpora: Sequence[tuple[Naming, Iterable[str]]]
) -> list[dict[str, str]]:
    """For each corpus, the class of each label that is found and belongs to one.

    Args:
        labels: the recipe's.
        corpora: of each, what is known of its labels, and those that it has, as it writes them.

    Raises:
        MtlserError: `labels.map` names a label that no corpus has, `four` for a corpus that has no
            map to it, or more classes than are possible.
    """
    present = [(naming, sorted(set(found))) for naming, found in corpora]
    _refuse_unused(labels.map, present)
    published = all(naming.four is not None for naming, _ in present)
    kind = labels.classes or ("four" if published else "all")
    grouped = [_grouping(kind, labels.map, naming, found) for naming, found in present]
    _check_names({label: name for each in grouped for label, name in each.items()})
    return grouped


def _grouping(
    kind: tuple[str, ...] | str, given: Mapping[str, str], naming: Naming, present: Sequence[str]
) -> dict[str, str]:
    """The class of each label of one corpus."""
    if kind == "four":
        if naming.four is None:
            raise MtlserError(
                "labels.classes = 'four': no published map from this corpus' labels to the four "
                f"classes is known; name them, for example `--set labels.classes={list(FOUR)}`, "
                "with `--set labels.map.LABEL=CLASS`"
            )
        known = naming.four
    else:
        known = {label: naming.plain.get(label, label) for label in present}
    own = _given(given, naming, present)
    classes = {label: own.get(label, known.get(label, "")) for label in present}
    if isinstance(kind, tuple):
        classes = _within(classes, kind)
    return {label: name for label, name in classes.items() if name}


def ordered(classes: Iterable[str]) -> tuple[str, ...]:
    """Each class once: the paper's four first and in its order, then by the alphabet.

    >>> ordered(["sad", "bored", "neutral", "sad"])
    ('neutral', 'sad', 'bored')
    """
    present = set(classes)
    return (*(name for name in FOUR if name in present), *sorted(present - set(FOUR)))


def classes_of(labels: LabelsRecipe, utterances: Iterable[Utterance]) -> tuple[str, ...]:
    """`outputs` of some utterances."""
    return outputs(labels, Counter(utterance.emotion for utterance in utterances))


def outputs(labels: LabelsRecipe, counts: Mapping[str, int]) -> tuple[str, ...]:
    """The classes in the order of a network's outputs.

    Args:
        labels: the recipe's.
        counts: utterances of each class that there is.

    Raises:
        MtlserError: the recipe names classes, and the manifest's are others.
    """
    if not isinstance(labels.classes, tuple):
        return ordered(counts)
    if set(counts) != set(labels.classes):
        raise MtlserError(
            f"labels.classes = {list(labels.classes)}, the manifest has {shown(counts)}; run "
            "`mtlser ingest` with this recipe"
        )
    return labels.classes


def shown(counts: Mapping[str, int]) -> str:
    """Labels with their numbers, the most frequent first, for a sentence.

    >>> shown({"sad": 2, "angry": 7})
    'angry 7, sad 2'
    """
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    more = f" and {len(rows) - 20} more" if len(rows) > 20 else ""
    return ", ".join(f"{name} {count}" for name, count in rows[:20]) + more


def refuse_absent(labels: LabelsRecipe, kept: Mapping[str, int], found: Mapping[str, int]) -> None:
    """Returns if each class that the recipe names has an utterance.

    Args:
        labels: the recipe's.
        kept: utterances of each class.
        found: items of each label of the corpus, whether kept or not.

    Raises:
        MtlserError: one has none.
    """
    wanted: Sequence[str] = labels.classes if isinstance(labels.classes, tuple) else ()
    absent = [name for name in wanted if not kept.get(name)]
    if not absent:
        return
    near = difflib.get_close_matches(absent[0].casefold(), {n.casefold() for n in found}, n=1)
    label = next((name for name in found if near and name.casefold() == near[0]), "LABEL")
    raise MtlserError(
        f"labels.classes: no utterance of {', '.join(absent)}; the corpus' labels are "
        f"{shown(found)}; take the class out, or map a label to it with "
        f"`--set labels.map.{label}={absent[0]}`"
    )


def _given(given: Mapping[str, str], naming: Naming, present: Sequence[str]) -> dict[str, str]:
    """The recipe's own classes by the corpus' labels."""
    folded = {name.casefold(): target for name, target in given.items()}
    own = {}
    for label in present:
        for name in (label, naming.plain.get(label, label)):
            if name.casefold() in folded:
                own[label] = folded[name.casefold()]
                break
    return own


def _refuse_unused(
    given: Mapping[str, str], present: Sequence[tuple[Naming, Sequence[str]]]
) -> None:
    """Returns if each label that the recipe maps is one of a corpus."""
    names = [(label, naming.plain.get(label, label)) for naming, own in present for label in own]
    known = {name.casefold() for pair in names for name in pair}
    unused = sorted({name.casefold() for name in given} - known)
    if names and unused:
        labels = ", ".join(dict.fromkeys(plain for _, plain in names[:20]))
        where = "the corpus; its" if len(present) == 1 else "the corpora; their"
        raise MtlserError(
            f"labels.map: no label {unused[0]!r} in {where} labels are {labels}; correct the key"
        )


def _within(classes: Mapping[str, str], wanted: tuple[str, ...]) -> dict[str, str]:
    """Only the wanted classes, in the recipe's spelling."""
    spelt = {name.casefold(): name for name in wanted}
    return {label: spelt.get(name.casefold(), "") for label, name in classes.items()}


def _check_names(grouped: Mapping[str, str]) -> None:
    names = sorted(set(grouped.values()))
    if len(names) > MOST_CLASSES:
        raise MtlserError(
            f"{len(names)} classes ({', '.join(names[:5])}, ...), allowed are 2 to {MOST_CLASSES}; "
            "name the ones that are meant with `--set labels.classes=[...]`, and check that the "
            "labels are those of emotion"
        )
    for label, name in grouped.items():
        try:
            class_name(name)
        except ValueError as error:
            raise MtlserError(
                f"label {label!r}: {error}; name its class with `--set labels.map.LABEL=CLASS` "
                "in the recipe's file"
            ) from None
