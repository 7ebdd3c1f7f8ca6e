"""What each protocol holds out: the test and validation utterances of every fold.

| protocol | held out per fold | validation |
|---|---|---|
| `loso` | one speaker | the other speaker of the session, else the next speaker |
| `session` | one session | the next session |
| `speakers` | one of k groups of speakers, classes and genders balanced | the next group |
| `official` | the corpus' own test partition | its own, else a tenth of the training speakers |
| `cross` | one of several joined corpora | a tenth of the other corpora's speakers |
| `recording` | one file-name prefix (Cai et al. 2021) | 10 % of train; leaks speakers |
| `random` | one part of a stratified k-fold | 10 % of train; leaks speakers and dialogues |
"""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mtlser.data.codes import codes
from mtlser.data.rng import generator
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import Protocol, Utterance

VALIDATION_SHARE = 0.1
"""Share of train that becomes validation where the protocol names none."""
MINIMUM_GROUPS: dict[Protocol, int] = {
    "loso": 3, "session": 3, "speakers": 3, "cross": 2, "recording": 2, "random": 2,
}  # fmt: skip
"""Fewest folds with which some utterances are left to train on."""
MANY_SPEAKERS = 40
"""With more, one training for each speaker is mentioned beside `speakers`."""


@dataclass(frozen=True)
class HeldOut:
    """One fold before its training side is known."""

    name: str
    test: list[Utterance]
    validation: list[Utterance]
    """Empty: a tenth of train."""
    rest: list[Utterance] | None = None
    """What is trained on; `None`: all that is neither tested nor validated on."""


def held_out(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    """The folds of the recipe's protocol, in the order of what they hold out.

    Args:
        ordered: the manifest in id order.
        recipe: its seed and `[split]`.

    Raises:
        MtlserError: the corpus lacks what the protocol holds out, or has too little of it.
    """
    return _PROTOCOLS[recipe.split.protocol](ordered, recipe)


def _by_speaker(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    groups = _groups(ordered, "loso", "speaker", lambda u: u.speaker)
    sessions: dict[str, set[str]] = defaultdict(set)
    for utterance in ordered:
        if utterance.session is not None and utterance.speaker is not None:
            sessions[utterance.session].add(utterance.speaker)
    held = []
    for speaker, test in groups.items():
        partners = set().union(*(who for who in sessions.values() if speaker in who)) - {speaker}
        chosen = _next(speaker, partners or groups.keys() - {speaker})
        held.append(HeldOut(speaker, test, groups[chosen]))
    return held


def _by_session(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    groups = _groups(ordered, "session", "session", lambda u: u.session)
    session_of: dict[str | None, str] = {}
    for session, own in groups.items():
        for utterance in own:
            if session_of.setdefault(utterance.speaker, session) != session:
                raise MtlserError(
                    f"utterance {utterance.id}: speaker {utterance.speaker} is in sessions "
                    f"{session_of[utterance.speaker]} and {session}, the session protocol would "
                    "leak the speaker; use `--set split.protocol=loso`"
                )
    return [
        HeldOut(session, test, groups[_next(session, groups.keys() - {session})])
        for session, test in groups.items()
    ]


def _by_speakers(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    speakers = len(_groups(ordered, "speakers", "speaker", lambda u: u.speaker))
    count = recipe.split.speaker_folds
    if not MINIMUM_GROUPS["speakers"] <= count <= speakers:
        raise MtlserError(
            f"split.speaker_folds = {count}: the speakers protocol needs "
            f"{MINIMUM_GROUPS['speakers']} to {speakers} folds, one per speaker at most; set it "
            "with `--set split.speaker_folds=N`"
        )
    parts = _speaker_parts(ordered, count, recipe.seed)
    return [
        HeldOut(f"speakers-{index}", part, parts[(index + 1) % count])
        for index, part in enumerate(parts)
    ]


def _speaker_parts(ordered: Sequence[Utterance], count: int, seed: int) -> list[list[Utterance]]:
    """So many parts without a common speaker, alike in classes and genders."""
    from sklearn.model_selection import StratifiedGroupKFold

    kinds, _ = codes([f"{u.emotion}/{u.gender}" for u in ordered])
    speakers, _ = codes([u.speaker for u in ordered])
    cutter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a rare class of one gender is on fewer folds than there are
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        cuts = [held for _, held in cutter.split(kinds, kinds, speakers)]
    parts = [[ordered[i] for i in held] for held in cuts]
    if not all(parts):
        raise MtlserError(
            f"split.speaker_folds = {count}: a few speakers have most utterances, so that a fold "
            "would test nobody; use fewer, for example `--set split.speaker_folds=3`"
        )
    return parts


def _official(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    parts: dict[str | None, list[Utterance]] = defaultdict(list)
    for utterance in ordered:
        parts[utterance.partition].append(utterance)
    if not parts["train"] or not parts["test"]:
        raise MtlserError(
            f"the official protocol needs train and test partitions, the manifest has "
            f"{len(parts['train'])} and {len(parts['test'])} utterances in them and "
            f"{len(parts[None])} in none; use `--set split.protocol=speakers`"
        )
    train = parts["train"]
    validation = parts["validation"] or _some_speakers(train, recipe.seed)
    taken = {u.id for u in validation}
    rest = [u for u in train if u.id not in taken]
    return [HeldOut("official", parts["test"], validation, rest)]


def _by_corpus(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    groups = _groups(ordered, "cross", "corpus", lambda u: u.corpus)
    wanted = recipe.split.test_corpora or tuple(groups)
    absent = next((name for name in wanted if name not in groups), None)
    if absent is not None:
        raise MtlserError(
            f"split.test_corpora: no corpus {absent!r} in the manifest, which has "
            f"{', '.join(groups)}; correct the name"
        )
    held = []
    for name in wanted:
        train = [u for u in ordered if u.corpus != name]
        held.append(HeldOut(name, groups[name], _some_speakers(train, recipe.seed)))
    return held


def _some_speakers(train: Sequence[Utterance], seed: int) -> list[Utterance]:
    """All utterances of a tenth of the speakers; empty where one is not known, or all are one."""
    if any(u.speaker is None for u in train):
        return []
    folds = min(round(1 / VALIDATION_SHARE), len({u.speaker for u in train}))
    return _speaker_parts(train, folds, seed)[0] if folds > 1 else []


def _by_recording(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    groups = _groups(ordered, "recording", "recording", lambda u: u.recording)
    return [HeldOut(recording, test, []) for recording, test in groups.items()]


def _at_random(ordered: Sequence[Utterance], recipe: Recipe) -> list[HeldOut]:
    folds = recipe.split.random_folds
    fewest = MINIMUM_GROUPS["random"]
    if not fewest <= folds <= len(ordered):
        raise MtlserError(
            f"split.random_folds = {folds}: the random protocol needs {fewest} to {len(ordered)} "
            "folds, one per utterance at most; set it with `--set split.random_folds=N`"
        )
    dealt = _shuffled_by_class(ordered, recipe.seed, "random")
    return [
        HeldOut(f"random-{index}", sorted(dealt[index::folds], key=lambda u: u.id), [])
        for index in range(folds)
    ]


_PROTOCOLS: dict[Protocol, Callable[[Sequence[Utterance], Recipe], list[HeldOut]]] = {
    "loso": _by_speaker,
    "session": _by_session,
    "speakers": _by_speakers,
    "official": _official,
    "cross": _by_corpus,
    "recording": _by_recording,
    "random": _at_random,
}


def tenth(rest: Sequence[Utterance], seed: int, identity: str) -> list[Utterance]:
    """A tenth of the utterances, at least one, spread evenly over the classes."""
    shuffled = _shuffled_by_class(rest, seed, f"validation/{identity}")
    count = min(len(rest), max(1, round(VALIDATION_SHARE * len(rest))))
    return [shuffled[int((i + 0.5) * len(shuffled) / count)] for i in range(count)]


def _groups(
    ordered: Sequence[Utterance],
    protocol: Protocol,
    word: str,
    key: Callable[[Utterance], str | None],
) -> dict[str, list[Utterance]]:
    """Utterances by what the protocol holds out, in the order of the names."""
    groups: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in ordered:
        name = key(utterance)
        if name is None:
            raise MtlserError(
                f"utterance {utterance.id} of {utterance.corpus} has no {word}, which the "
                f"{protocol} protocol holds out; {_instead(word)}"
            )
        groups[name].append(utterance)
    if protocol == "cross" and len(groups) < MINIMUM_GROUPS[protocol]:
        raise MtlserError(
            f"all utterances are of {', '.join(groups)}, the cross protocol trains on one corpus "
            "and tests on another; join two with two sections [[data]] in the recipe, and run "
            "`mtlser ingest` again"
        )
    if len(groups) < MINIMUM_GROUPS[protocol]:
        raise MtlserError(
            f"the manifest has {len(groups)} {word}(s) ({', '.join(sorted(groups))}), the "
            f"{protocol} protocol needs {MINIMUM_GROUPS[protocol]} or more; ingest more of the "
            "corpus, or use `--set split.protocol=random`, which does not keep speakers apart"
        )
    return dict(sorted(groups.items()))


def _instead(word: str) -> str:
    """What else can be done where something is not known."""
    if word == "speaker":
        return (
            "name the speakers with `--set data.speaker_pattern=REGEX` at ingest, or use `--set "
            "split.protocol=random`, which cannot exclude that test speakers are in training"
        )
    return "use `--set split.protocol=loso`"


def _next(name: str, others: Iterable[str]) -> str:
    """The name after `name` in sorted order; after the last comes the first.

    >>> _next("b", {"a", "c"}), _next("c", {"a", "b"})
    ('c', 'a')
    """
    ring = sorted(others)
    return next((other for other in ring if other > name), ring[0])


def _shuffled_by_class(ordered: Sequence[Utterance], seed: int, purpose: str) -> list[Utterance]:
    """Class after class, each in a seeded order: every n-th is then a stratified sample."""
    classes: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in ordered:
        classes[utterance.emotion].append(utterance)
    return [
        classes[name][i]
        for name in sorted(classes)
        for i in generator(seed, purpose, name).permutation(len(classes[name]))
    ]
