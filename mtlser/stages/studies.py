"""Stage `study`: the paper's studies, on validation alone."""

from collections.abc import Callable, Sequence

from mtlser import storage, tracking
from mtlser.evaluation.study_records import Kind, Study
from mtlser.files import write_text
from mtlser.recipe import Recipe, dumps
from mtlser.records import write_json
from mtlser.stages.entry import stage
from mtlser.stages.training import read
from mtlser.storage import work_folder
from mtlser.storage.layout import RECIPE, STUDY


@stage
def study(  # noqa: PLR0913 - what a study needs
    kind: Kind,
    corpus: str,
    folds: str,
    recipe: Recipe,
    out: str,
    work: str = "",
    run: str = "",
    *,
    workers: int = 0,
    store: str = "",
    seeds: int = 3,
    encoders: Sequence[str] = (),
    tell: Callable[[str], object] = str,
) -> None:
    """Trains what a study compares, and writes its tables, figures and page; test is not read.

    Args:
        kind: which study.
        corpus: corpus folder.
        folds: folds folder.
        recipe: the resolved recipe that the study varies.
        out: folder to write.
        work: folder or `s3://` address that outlives a killed step; trainings in it are resumed
            and reused.
        run: key of the parent run in MLflow; empty: a run for each recipe.
        workers: processes of this machine that train side by side; 0: the recipe's `search.jobs`.
        store: address of the database in which other machines find the list of trainings.
        seeds: of `seeds`: how many.
        encoders: of `encoders`: folders or names.
        tell: takes the estimate, before anything is trained.

    Raises:
        MtlserError: there is nothing to compare, or the recipe cannot choose on these folds;
            nothing is trained then.
    """
    from mtlser.reporting import study_page
    from mtlser.training.search import arms as studies
    from mtlser.training.search import choice
    from mtlser.training.search.search import Workers

    inputs, _ = read(corpus, folds)
    arms = studies.arms(kind, recipe, seeds, encoders)
    side_by_side, result, trained = Workers(workers, store), None, []
    with work_folder.opened(work, out) as resumable, storage.output(out) as folder:
        tell(studies.estimate(arms, inputs, resumable, side_by_side))
        for arm in arms:
            with tracking.parent(arm.recipe, run) as parent, work_folder.temporary() as cells:
                if kind == "grid":
                    result, rows = studies.searched(
                        arm, inputs, cells, resumable, parent, side_by_side
                    )
                else:
                    rows = studies.trained(arm, inputs, resumable, parent, side_by_side)
            trained += rows
        found = Study(
            kind=kind,
            recipe_name=recipe.name,
            recipe_hash=recipe.hash,
            metric=recipe.search.metric,
            manifest_digest=inputs.plan.manifest_digest,
            folds_digest=inputs.plan.digest,
            fold_names=tuple(fold.name for fold in inputs.plan.folds),
            trainings=tuple(trained),
            search=result,
            sizes=choice.sizes(inputs),
        )
        write_json(folder / STUDY, found)
        write_text(folder / RECIPE, dumps(recipe))
        study_page.write(folder, found)
