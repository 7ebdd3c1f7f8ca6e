"""Made-up fold plans for benchmarks; no torch, which would count as memory."""

from collections.abc import Sequence

from mtlser.records import Fold, FoldPlan, Protocol


def ring(
    tests: Sequence[tuple[str, ...]], names: Sequence[str], protocol: Protocol, check: int
) -> FoldPlan:
    """A plan whose folds test these utterances; each validates on the next one's.

    Args:
        tests: utterance ids that each fold tests.
        names: of the folds.
        protocol: of the plan.
        check: so many utterances of the rest are `speaker_check`, the others train.
    """
    folds = []
    for fold, name in enumerate(names):
        following = (fold + 1) % len(tests)
        rest = [u for j, own in enumerate(tests) if j not in (fold, following) for u in own]
        folds.append(
            Fold(
                index=fold,
                name=name,
                train=tuple(rest[check:]),
                validation=tests[following],
                test=tests[fold],
                speaker_check=tuple(rest[:check]),
            )
        )
    return FoldPlan(protocol=protocol, seed=0, manifest_digest="made-up", folds=tuple(folds))
