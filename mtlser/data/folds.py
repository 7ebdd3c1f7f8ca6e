"""Fold plans: the utterances of each fold for training, validation and test, cut and checked.

What is held out is in `mtlser.data.protocols`. Every fold also holds `speaker_check`: a seeded
share of each training speaker's utterances that is never trained on. Speaker accuracy is measured
there, because a held-out speaker is no class of the speaker head. Of a speaker's n training
utterances `max(1, round(share * n))` go there; with n = 1 that one stays in train, and the speaker
has none in `speaker_check`.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence

from mtlser.data import protocols
from mtlser.data.protocols import HeldOut
from mtlser.data.rng import generator
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import Fold, FoldPlan, Protocol, Utterance


def plan(utterances: Sequence[Utterance], recipe: Recipe) -> FoldPlan:
    """The folds of the recipe's protocol.

    Test sets partition the manifest, but for the one of `official`, whose test partition it is.

    The plan depends on the utterances and `recipe.seed`, not on their order. All lists are in id
    order, and folds in the order of what they hold out. `split.max_folds` keeps the first so many.

    Raises:
        MtlserError: the manifest is empty, repeats an id or has one class; the corpus lacks what
            the protocol holds out, or has too little of it; or a fold would train without one of
            the manifest's classes.
    """
    from mtlser.data import manifest

    ordered = sorted(utterances, key=lambda u: u.id)
    _refuse_bad_manifest(ordered)
    protocol = recipe.split.protocol
    held = protocols.held_out(ordered, recipe)[: recipe.split.max_folds]
    folds = tuple(_fold(index, one, ordered, recipe) for index, one in enumerate(held))
    made = FoldPlan(
        protocol=protocol,
        seed=recipe.seed,
        manifest_digest=manifest.digest(ordered),
        folds=folds,
        shares_speakers=protocol == "official" and _shares_speakers(folds, ordered),
    )
    by_id, classes = {u.id: u for u in ordered}, {u.emotion for u in ordered}
    for fold in folds:
        _refuse_missing_class(fold, classes, by_id)
    _refuse_leaks(made, by_id)
    return made


def check(plan: FoldPlan, utterances: Sequence[Utterance]) -> None:
    """Returns if the plan fits the manifest and leaks no more than its protocol states.

    Called before any training, so that an edited or stale `folds.json` is refused.

    Raises:
        MtlserError: the plan is of another manifest, its folds are not numbered 0, 1, 2 ..., it
            names an unknown id, holds an utterance twice in a fold or tests it in two folds, has
            an empty list, has a speaker in `speaker_check` who is not in train, or (`loso`,
            `session`) shares a speaker between training, validation and test, or has one whose
            speaker is not known. The message names the id.
    """
    from mtlser.data import manifest

    _refuse_leaks(plan, {u.id: u for u in utterances})
    digest = manifest.digest(utterances)
    if plan.manifest_digest != digest:
        raise MtlserError(
            f"folds.json was made from manifest {plan.manifest_digest[:12]}, this corpus is "
            f"{digest[:12]}; cut the folds again with `mtlser split`"
        )


def _refuse_leaks(plan: FoldPlan, by_id: dict[str, Utterance]) -> None:
    """What `check` refuses, but for a plan of another manifest."""
    tested: dict[str, int] = {}
    for place, fold in enumerate(plan.folds):
        if fold.index != place:
            raise _stale(fold, f"it is fold {place} in the order of the file")
        _refuse_bad_lists(fold, by_id)
        _refuse_shared_speakers(fold, by_id, plan)
        for name in fold.test:
            if name in tested:
                raise _stale(fold, f"utterance {name} is also tested in fold {tested[name]}")
            tested[name] = fold.index


def _fold(index: int, held: HeldOut, ordered: Sequence[Utterance], recipe: Recipe) -> Fold:
    test_ids = {u.id for u in held.test}
    rest = [u for u in (held.rest or ordered) if u.id not in test_ids]
    validation = held.validation
    if not validation:
        identity = f"{recipe.split.protocol}/{held.name}"
        validation = protocols.tenth(rest, recipe.seed, identity)
    validation_ids = {u.id for u in validation}
    rest = [u for u in rest if u.id not in validation_ids]
    checked = _speaker_check(rest, recipe, held.name)
    return Fold(
        index=index,
        name=held.name,
        train=tuple(u.id for u in rest if u.id not in checked),
        validation=tuple(sorted(validation_ids)),
        test=tuple(sorted(test_ids)),
        speaker_check=tuple(sorted(checked)),
    )


def _speaker_check(rest: Sequence[Utterance], recipe: Recipe, fold: str) -> set[str]:
    """Ids of each speaker's seeded share; see the module's docstring for speakers with few."""
    ids: dict[str, list[str]] = defaultdict(list)
    for utterance in rest:
        if utterance.speaker is not None:
            ids[utterance.speaker].append(utterance.id)
    chosen: set[str] = set()
    for speaker, own in ids.items():
        count = max(1, round(recipe.split.speaker_check * len(own))) if len(own) > 1 else 0
        rng = generator(recipe.seed, "speaker_check", f"{fold}/{speaker}")
        chosen.update(own[i] for i in rng.permutation(len(own))[:count])
    return chosen


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


def _refuse_missing_class(fold: Fold, classes: set[str], by_id: dict[str, Utterance]) -> None:
    missing = classes - {by_id[i].emotion for i in fold.train}
    if not missing:
        return
    of_corpus: dict[str, set[str]] = defaultdict(set)
    for utterance in by_id.values():
        of_corpus[utterance.corpus].add(utterance.emotion)
    common = sorted(set.intersection(*of_corpus.values()))
    advice = "use another `--set split.protocol=...` or more data"
    if len(of_corpus) > 1 and len(common) > 1:
        classes_of = f"labels.classes={common}"
        advice = f'ingest the classes that all corpora have with `--set "{classes_of}"`'
    raise MtlserError(
        f"fold {fold.index} ({fold.name}): no {' and no '.join(sorted(missing))} utterance "
        f"among its {len(fold.train)} training utterances, which need every class; {advice}"
    )


def _refuse_bad_lists(fold: Fold, by_id: dict[str, Utterance]) -> None:
    before: dict[str, set[str]] = {}
    for split in ("train", "validation", "test", "speaker_check"):
        names: tuple[str, ...] = getattr(fold, split)
        if not names and split != "speaker_check":
            raise _stale(fold, f"{split} is empty")
        own = set(names)
        if unknown := own - by_id.keys():
            raise _stale(fold, f"utterance {min(unknown)} of {split} is not in the manifest")
        if len(own) < len(names):
            ((twice, _),) = Counter(names).most_common(1)
            raise _stale(fold, f"utterance {twice} is in {split} and in {split}")
        for other, theirs in before.items():
            if both := own & theirs:
                raise _stale(fold, f"utterance {min(both)} is in {other} and in {split}")
        before[split] = own


def _shares_speakers(folds: Sequence[Fold], utterances: Sequence[Utterance]) -> bool:
    """Whether official partitions have a speaker on two sides, or one whom nobody knows."""
    speaker = {u.id: u.speaker for u in utterances}
    for fold in folds:
        sides = (*fold.train, *fold.speaker_check), fold.validation, fold.test
        speakers = [{speaker[name] for name in side} for side in sides]
        if None in set().union(*speakers) or any(
            one & other for one, other in itertools.combinations(speakers, 2)
        ):
            return True
    return False


def _refuse_shared_speakers(fold: Fold, by_id: dict[str, Utterance], plan: FoldPlan) -> None:
    trained = {by_id[name].speaker for name in fold.train}
    for name in fold.speaker_check:
        if by_id[name].speaker not in trained:
            raise _stale(fold, f"{name} of speaker_check is by a speaker who is not in train")
    if plan.shares_speakers and plan.protocol != "official":
        raise _stale(fold, f"it is marked as sharing speakers, which {plan.protocol} never does")
    if plan.leaks:
        return
    sides = {"train": trained}
    for split, names in (("validation", fold.validation), ("test", fold.test)):
        sides[split] = {by_id[name].speaker for name in names}
    if any(None in speakers for speakers in sides.values()):
        raise MtlserError(_unknown(plan.protocol))
    for one, other in itertools.combinations(sides, 2):
        if both := sides[one] & sides[other]:
            name = next(name for name in getattr(fold, other) if by_id[name].speaker in both)
            speaker = by_id[name].speaker
            raise _stale(fold, f"{name} of {other} is by {speaker}, who is also in {one}")


def _unknown(protocol: Protocol) -> str:
    return (
        f"some speakers are not known, so the {protocol} protocol cannot keep them separate; use "
        "`--set split.protocol=random`, or name them with `--set data.speaker_pattern=REGEX`"
    )


def _stale(fold: Fold, problem: str) -> MtlserError:
    return MtlserError(
        f"fold {fold.index} ({fold.name}): {problem}; cut the folds again with `mtlser split`"
    )
