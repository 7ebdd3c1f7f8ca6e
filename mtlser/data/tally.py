"""Counts of one corpus' items and of what became of them, for `ingest.json` and for refusals."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mtlser.data import corpora
from mtlser.data.corpora import Corpus, Item
from mtlser.data.corpus_labels import Labelled
from mtlser.data.ingest_outcomes import DUPLICATE_ID
from mtlser.data.ingest_report import Difference, LeftOut
from mtlser.data.outcome import Outcome
from mtlser.errors import MtlserError
from mtlser.recipe import LabelsRecipe

UNKNOWN = "not known"
"""In counts by speaker."""


@dataclass
class Group:
    """Items that were left out for one reason."""

    faulty: bool
    first: str | None
    """Details of the first, where there is more to say than the reason."""
    ids: list[str] = field(default_factory=list)


class Tally:
    """Counts of one corpus.

    Args:
        source: the corpus.
    """

    def __init__(self, source: Labelled) -> None:
        self.source = source
        self.reasons: dict[str, Group] = {}
        self.labels: Counter[str] = Counter()
        """Kept items by the release's own label."""
        self.kept: Counter[tuple[str, str | None]] = Counter()
        """Utterances by class and speaker."""
        self.dropped: Counter[str] = Counter()
        """Letters of kept transcripts that the vocabulary cannot spell."""
        self.length_unknown: list[str] = []
        self._task, self._four, self._faulty = 0, 0, 0
        self._first_faulty = ""

    def add(self, item: Item, outcome: Outcome) -> None:
        """Takes the next item."""
        self._four += item.label in (self.source.corpus.naming.four or {})
        if item.left_out is None and outcome.reason not in {DUPLICATE_ID, corpora.OUTSIDE_TASK}:
            self._task += 1
        kept = outcome.kept
        if kept is not None:
            self.labels[item.label or ""] += 1
            self.kept[kept.emotion, item.speaker] += 1
            self.dropped.update(dict(kept.dropped))
            if not kept.length_known:
                self.length_unknown.append(item.id)
        if outcome.reason:
            said = f"{item.id}: {outcome.detail}" if outcome.detail else None
            self.reasons.setdefault(outcome.reason, Group(outcome.faulty, said)).ids.append(item.id)
        if outcome.faulty:
            self._faulty += 1
            self._first_faulty = (
                self._first_faulty or f"{item.path}: {outcome.reason}: {outcome.detail}"
            )

    @property
    def by_emotion(self) -> Counter[str]:
        """Utterances of each class."""
        counts: Counter[str] = Counter()
        for (emotion, _), count in self.kept.items():
            counts[emotion] += count
        return counts

    def refuse_faulty(self) -> None:
        """Returns if no more files are faulty than the recipe allows.

        Raises:
            MtlserError: more are.
        """
        data = self.source.data
        if self._faulty and self._faulty > data.max_faulty * self._task:
            raise MtlserError(
                f"{self.source.root}: {self._faulty} of {self._task} task files are unreadable, "
                f"empty or silent, over data.max_faulty = {data.max_faulty:g}; the first is "
                f"{self._first_faulty}; repair them, or allow more with "
                "`--set data.max_faulty=SHARE`"
            )

    def refuse_empty(self, found: str) -> None:
        """Returns if there is an utterance.

        Args:
            found: the corpus' labels, for the sentence.

        Raises:
            MtlserError: there is none.
        """
        if self.kept:
            return
        reasons = ", ".join(f"{why} {len(g.ids)}" for why, g in sorted(self.reasons.items()))
        raise MtlserError(
            f"{self.source.root}: {len(self.source.items)} items, none of the recipe's classes "
            f"within its limits; labels: {found or 'none'}; left out: {reasons or 'none'}; check "
            "--root, --corpus, [labels] and data.min_duration_s, data.max_duration_s"
        )

    def differences(self, prefix: str) -> tuple[Difference, ...] | None:
        """`differences` of the corpus, whose speakers' names begin with `prefix`."""
        used: Counter[tuple[str, str | None]] = Counter()
        for (emotion, speaker), count in self.kept.items():
            used[emotion, speaker and speaker.removeprefix(prefix)] += count
        return differences(self.source.corpus, self._four, used)


def left_out(tallies: Iterable[Tally]) -> Iterator[LeftOut]:
    """Yields the reasons of all corpora, in alphabetical order, with the items of each."""
    groups: dict[str, Group] = {}
    for tally in tallies:
        for reason, own in tally.reasons.items():
            groups.setdefault(reason, Group(own.faulty, own.first)).ids += own.ids
    for reason, group in sorted(groups.items()):
        yield LeftOut(
            reason=reason,
            count=len(group.ids),
            ids=tuple(group.ids),
            faulty=group.faulty,
            first=group.first,
        )


def differences(
    corpus: Corpus, labelled: int, used: Mapping[tuple[str, str | None], int]
) -> tuple[Difference, ...] | None:
    """Counts that differ from the release's; `None` where the folder is too small to be it.

    Args:
        corpus: the reader.
        labelled: items with a label of the four classes.
        used: number of utterances by class and speaker.
    """
    release = corpus.release
    if release is None or labelled < release.fewest_labelled:
        return None
    by_emotion, by_speaker = Counter[str](), Counter[str]()
    for (emotion, speaker), count in used.items():
        by_emotion[emotion] += count
        by_speaker[speaker or UNKNOWN] += count
    pairs = (
        ("emotion", release.by_emotion, by_emotion),
        ("speaker", release.by_speaker, by_speaker),
    )
    return tuple(
        Difference(what=f"{what} {name}", expected=expected.get(name, 0), found=counts[name])
        for what, expected, counts in pairs
        for name in sorted(expected.keys() | counts.keys())
        if expected and expected.get(name, 0) != counts[name]
    )


def compared(recipe: LabelsRecipe, tallies: Sequence[Tally]) -> tuple[Difference, ...] | None:
    """`differences` of all corpora; `None` where other classes than the four are asked for."""
    if recipe.map or recipe.classes not in {None, "four"}:
        return None
    several = len(tallies) > 1
    all_found: list[Difference] = []
    known = False
    for tally in tallies:
        name = tally.source.data.called
        found = tally.differences(f"{name}/" if several else "")
        if found is not None:
            known = True
            all_found += [_named(each, name) if several else each for each in found]
    return tuple(all_found) if known else None


def _named(difference: Difference, corpus: str) -> Difference:
    return difference.model_copy(update={"what": f"{corpus}: {difference.what}"})
