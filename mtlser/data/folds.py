"""The four protocols: the utterances of a fold for training, validation and test.

| protocol | held out per fold | validation |
|---|---|---|
| `loso` | one speaker | the other speaker of the session, else the next speaker |
| `session` | one session | the next session |
| `recording` | one file-name prefix (Cai et al. 2021) | 10 % of train; leaks speakers |
| `random` | one part of a stratified k-fold | 10 % of train; leaks speakers and dialogues |

Every fold also holds `speaker_check`: a seeded share of each training speaker's utterances that is
never trained on. Speaker accuracy is measured there, because a held-out speaker is no class of the
speaker head. Of a speaker's n training utterances `max(1, round(share * n))` go there; with n = 1
that one stays in train, and the speaker has none in `speaker_check`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from mtlser.data.rng import generator
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import LEAKING_PROTOCOLS, Fold, FoldPlan, Protocol, Utterance

VALIDATION_SHARE = 0.1
"""Share of train that becomes validation under `recording` and `random`."""
MINIMUM_GROUPS: dict[Protocol, int] = {"loso": 3, "session": 3, "recording": 2, "random": 2}
"""Fewest folds with which some utterances are left to train on."""

_HeldOut = tuple[str, list[Utterance], list[Utterance]]
"""A fold's name, its test utterances, and its validation (empty: a tenth of train)."""


def plan(utterances: Sequence[Utterance], recipe: Recipe) -> FoldPlan:
    """The folds of the recipe's protocol; test sets partition the manifest.

    The plan depends on the utterances and `recipe.seed`, not on their order. All lists are in id
    order, and folds in the order of what they hold out. `split.max_folds` keeps the first so many.

    Raises:
        MtlserError: the manifest is empty, repeats an id or has one class, the protocol needs
            sessions or recordings that the corpus does not have, there are too few of them, or a
            fold would train without one of the manifest's classes.
    """
    from mtlser.data import manifest

    ordered = sorted(utterances, key=lambda u: u.id)
    _refuse_bad_manifest(ordered)
    protocol = recipe.split.protocol
    held_out = _PROTOCOLS[protocol](ordered, recipe)[: recipe.split.max_folds]
    folds = tuple(_fold(index, one, ordered, recipe) for index, one in enumerate(held_out))
    folds_of_protocol = FoldPlan(
        protocol=protocol, seed=recipe.seed, manifest_digest=manifest.digest(ordered), folds=folds
    )
    by_id = {u.id: u for u in ordered}
    for fold in folds:
        _refuse_missing_class(fold, by_id)
    check(folds_of_protocol, ordered)
    return folds_of_protocol


def check(plan: FoldPlan, utterances: Sequence[Utterance]) -> None:
    """Returns if the plan fits the manifest and leaks no more than its protocol states.

    Called before any training, so that an edited or stale `folds.json` is refused.

    Raises:
        MtlserError: the plan is of another manifest, names an unknown id, holds an utterance
            twice in a fold or tests it in two folds, has an empty list, has a speaker in
            `speaker_check` who is not in train, or (`loso`, `session`) shares a speaker between
            training, validation and test. The message names the id.
    """
    from mtlser.data import manifest

    by_id = {u.id: u for u in utterances}
    tested: dict[str, int] = {}
    for fold in plan.folds:
        _refuse_bad_lists(fold, by_id)
        _refuse_shared_speakers(fold, by_id, plan.protocol)
        for name in fold.test:
            if name in tested:
                raise _stale(fold, f"utterance {name} is also tested in fold {tested[name]}")
            tested[name] = fold.index
    digest = manifest.digest(utterances)
    if plan.manifest_digest != digest:
        raise MtlserError(
            f"folds.json was made from manifest {plan.manifest_digest[:12]}, this corpus is "
            f"{digest[:12]}; cut the folds again with `mtlser split`"
        )


def _by_speaker(ordered: Sequence[Utterance], recipe: Recipe) -> list[_HeldOut]:
    groups = _groups(ordered, "loso", "speaker", lambda u: u.speaker)
    sessions = defaultdict(set)
    for utterance in ordered:
        if utterance.session is not None:
            sessions[utterance.session].add(utterance.speaker)
    held_out = []
    for speaker, test in groups.items():
        partners = set().union(*(who for who in sessions.values() if speaker in who)) - {speaker}
        chosen = _next(speaker, partners or groups.keys() - {speaker})
        held_out.append((speaker, test, groups[chosen]))
    return held_out


def _by_session(ordered: Sequence[Utterance], recipe: Recipe) -> list[_HeldOut]:
    groups = _groups(ordered, "session", "session", lambda u: u.session)
    session_of: dict[str, str] = {}
    for session, own in groups.items():
        for utterance in own:
            if session_of.setdefault(utterance.speaker, session) != session:
                raise MtlserError(
                    f"utterance {utterance.id}: speaker {utterance.speaker} is in sessions "
                    f"{session_of[utterance.speaker]} and {session}, the session protocol would "
                    "leak the speaker; use `--set split.protocol=loso`"
                )
    return [
        (session, test, groups[_next(session, groups.keys() - {session})])
        for session, test in groups.items()
    ]


def _by_recording(ordered: Sequence[Utterance], recipe: Recipe) -> list[_HeldOut]:
    groups = _groups(ordered, "recording", "recording", lambda u: u.recording)
    return [(recording, test, []) for recording, test in groups.items()]


def _at_random(ordered: Sequence[Utterance], recipe: Recipe) -> list[_HeldOut]:
    folds = recipe.split.random_folds
    fewest = MINIMUM_GROUPS["random"]
    if not fewest <= folds <= len(ordered):
        raise MtlserError(
            f"split.random_folds = {folds}: the random protocol needs {fewest} to {len(ordered)} "
            "folds, one per utterance at most; set it with `--set split.random_folds=N`"
        )
    dealt = _shuffled_by_class(ordered, recipe.seed, "random")
    return [
        (f"random-{index}", sorted(dealt[index::folds], key=lambda u: u.id), [])
        for index in range(folds)
    ]


_PROTOCOLS: dict[Protocol, Callable[[Sequence[Utterance], Recipe], list[_HeldOut]]] = {
    "loso": _by_speaker,
    "session": _by_session,
    "recording": _by_recording,
    "random": _at_random,
}


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
                f"{protocol} protocol holds out; use `--set split.protocol=loso`"
            )
        groups[name].append(utterance)
    if len(groups) < MINIMUM_GROUPS[protocol]:
        raise MtlserError(
            f"the manifest has {len(groups)} {word}(s) ({', '.join(sorted(groups))}), the "
            f"{protocol} protocol needs {MINIMUM_GROUPS[protocol]} or more; ingest the whole "
            "corpus with `mtlser ingest`"
        )
    return dict(sorted(groups.items()))


def _next(name: str, others: Iterable[str]) -> str:
    """The name after `name` in sorted order; after the last comes the first.

    >>> _next("b", {"a", "c"}), _next("c", {"a", "b"})
    ('c', 'a')
    """
    ring = sorted(others)
    return next((other for other in ring if other > name), ring[0])


def _fold(index: int, held_out: _HeldOut, ordered: Sequence[Utterance], recipe: Recipe) -> Fold:
    name, test, validation = held_out
    test_ids = {u.id for u in test}
    rest = [u for u in ordered if u.id not in test_ids]
    if not validation:
        validation = _tenth(rest, recipe.seed, f"{recipe.split.protocol}/{name}")
    validation_ids = {u.id for u in validation}
    rest = [u for u in rest if u.id not in validation_ids]
    checked = _speaker_check(rest, recipe, name)
    return Fold(
        index=index,
        name=name,
        train=tuple(u.id for u in rest if u.id not in checked),
        validation=tuple(sorted(validation_ids)),
        test=tuple(sorted(test_ids)),
        speaker_check=tuple(sorted(checked)),
    )


def _speaker_check(rest: Sequence[Utterance], recipe: Recipe, fold: str) -> set[str]:
    """Ids of each speaker's seeded share; see the module's docstring for speakers with few."""
    ids: dict[str, list[str]] = defaultdict(list)
    for utterance in rest:
        ids[utterance.speaker].append(utterance.id)
    chosen: set[str] = set()
    for speaker, own in ids.items():
        count = max(1, round(recipe.split.speaker_check * len(own))) if len(own) > 1 else 0
        rng = generator(recipe.seed, "speaker_check", f"{fold}/{speaker}")
        chosen.update(own[i] for i in rng.permutation(len(own))[:count])
    return chosen


def _tenth(rest: Sequence[Utterance], seed: int, identity: str) -> list[Utterance]:
    """A tenth of the utterances, at least one, spread evenly over the classes."""
    shuffled = _shuffled_by_class(rest, seed, f"validation/{identity}")
    count = min(len(rest), max(1, round(VALIDATION_SHARE * len(rest))))
    return [shuffled[int((i + 0.5) * len(shuffled) / count)] for i in range(count)]


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


def _refuse_bad_manifest(ordered: Sequence[Utterance]) -> None:
    if not ordered:
        raise MtlserError(
            "the manifest is empty, folds need utterances; run `mtlser ingest` and read ingest.json"
        )
    name, count = Counter(u.id for u in ordered).most_common(1)[0]
    if count > 1:
        raise MtlserError(
            f"utterance {name} is {count} times in the manifest, ids are unique; "
            "run `mtlser ingest` again"
        )
    if len({u.emotion for u in ordered}) == 1:
        raise MtlserError(
            f"all utterances of the manifest are {ordered[0].emotion}, folds need two classes or "
            "more; ingest more of the corpus with `mtlser ingest`"
        )


def _refuse_missing_class(fold: Fold, by_id: dict[str, Utterance]) -> None:
    missing = {u.emotion for u in by_id.values()} - {by_id[i].emotion for i in fold.train}
    if missing:
        raise MtlserError(
            f"fold {fold.index} ({fold.name}): no {' and no '.join(sorted(missing))} utterance "
            f"among its {len(fold.train)} training utterances, which need every class; use another "
            "`--set split.protocol=...` or more data"
        )


def _refuse_bad_lists(fold: Fold, by_id: dict[str, Utterance]) -> None:
    split_of: dict[str, str] = {}
    for split in ("train", "validation", "test", "speaker_check"):
        names: tuple[str, ...] = getattr(fold, split)
        if not names and split != "speaker_check":
            raise _stale(fold, f"{split} is empty")
        for name in names:
            if name not in by_id:
                raise _stale(fold, f"utterance {name} of {split} is not in the manifest")
            if name in split_of:
                raise _stale(fold, f"utterance {name} is in {split_of[name]} and in {split}")
            split_of[name] = split


def _refuse_shared_speakers(fold: Fold, by_id: dict[str, Utterance], protocol: Protocol) -> None:
    trained = {by_id[name].speaker for name in fold.train}
    for name in fold.speaker_check:
        if by_id[name].speaker not in trained:
            raise _stale(fold, f"{name} of speaker_check is by a speaker who is not in train")
    if protocol in LEAKING_PROTOCOLS:
        return
    split_of = {by_id[name].speaker: "train" for name in fold.train}
    for split, names in (("validation", fold.validation), ("test", fold.test)):
        for name in names:
            speaker = by_id[name].speaker
            if split_of.setdefault(speaker, split) != split:
                raise _stale(
                    fold, f"{name} of {split} is by {speaker}, who is also in {split_of[speaker]}"
                )


def _stale(fold: Fold, problem: str) -> MtlserError:
    return MtlserError(
        f"fold {fold.index} ({fold.name}): {problem}; cut the folds again with `mtlser split`"
    )
