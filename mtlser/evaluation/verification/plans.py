"""Whether a fold plan is of a manifest, uses all of it, and is what the recipe cuts."""

from collections.abc import Sequence

from mtlser.data import folds
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import FoldPlan, Utterance


def check(
    plan: FoldPlan, utterances: Sequence[Utterance], recipe: Recipe | None, *, recorded: bool
) -> bool:
    """Refuses a plan that is not of a manifest; True where the recipe cuts the same one.

    A champion's recipe is measured on the challenger's folds, so a plan that another recipe cut is
    fine where `mtlser split` recorded it.

    Args:
        plan: the folds.
        utterances: the manifest.
        recipe: by which the folds are cut again and compared; `None`: not known.
        recorded: whether the custody record of `mtlser split` lies beside the folds.

    Raises:
        MtlserError: as `folds.check`; or a fold leaves utterances of the manifest out, or the
            recipe cuts other folds and no record says who did.
    """
    folds.check(plan, utterances)
    ids = {utterance.id for utterance in utterances}
    for fold in plan.folds:
        left_out = ids.difference(fold.train, fold.validation, fold.test, fold.speaker_check)
        if left_out:
            raise MtlserError(
                f"fold {fold.index} ({fold.name}) has no place for {len(left_out)} of the "
                f"manifest's {len(ids)} utterances, for example {min(left_out)!r}; cut the folds "
                "again with `mtlser split`"
            )
    if recipe is None:
        return False
    cut = folds.plan(utterances, recipe)
    if cut.digest != plan.digest and not recorded:
        raise MtlserError(
            f"folds.json is {plan.digest[:12]}, recipe {recipe.name or recipe.hash} cuts "
            f"{cut.digest[:12]} from this manifest (protocol {cut.protocol}, {len(cut.folds)} "
            f"folds): it was edited or cut by another recipe; cut the folds again with `mtlser "
            "split`"
        )
    return cut.digest == plan.digest
