"""The section of a recipe that says how alpha and beta are searched."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from mtlser.recipes.sections import Positive, Section, Weight


class SearchRecipe(Section):
    """The alpha-beta search; without grids the pair of `[train]` is passed through."""

    scope: Literal["fold", "global"] = "fold"
    """`fold`: each fold chooses on its own validation. `global`: one pair for all folds, as in the
    paper; its test scores are optimistic."""
    sampler: Literal["grid", "tpe", "halving"] = "grid"
    """`grid` trains every pair; `tpe` lets Optuna draw pairs between the smallest and the largest
    values, the pair of `[train]` first; `halving` trains every pair for a few epochs, the best of
    them for more, and only the last to the end."""
    scale: Literal["linear", "log"] = "linear"
    """How `tpe` draws between two values; on `log` a 0 among them keeps a share of its own."""
    eta: int = Field(3, ge=2)
    """`halving` keeps one pair of so many, for so many times the epochs."""
    alphas: tuple[Weight, ...] = ()
    """Values of alpha to try; empty: `train.alpha` alone."""
    betas: tuple[Weight, ...] = ()
    """Values of beta to try; empty: `train.beta` alone."""
    trials: PositiveInt | None = None
    """Pairs that `tpe` draws, for each fold where `scope` is `fold`; `None`: 20."""
    trainings: PositiveInt | None = None
    """Trainings at most, of each fold where `scope` is `fold`, else of all folds: of a grid a drawn
    part, of `halving` as many pairs as it can see to its end; `None`: not limited."""
    minutes: Positive | None = None
    """After which no command of the search begins a training; the same command goes on later.
    `None`: not limited."""
    metric: Literal["wa", "ua", "f1", "wer", "loss", "joint"] = "ua"
    """Validation metric that chooses epoch, alpha and beta; `loss` is the emotion cross-entropy,
    steadier than a rate where one validation speaker has few utterances; `joint` the mean of UA,
    1 - WER and speaker accuracy, for a model whose three outputs are all wanted."""
    choose: Literal["best", "one_se"] = "best"
    """`best`: the pair with the best score. `one_se`: of the pairs within one standard error of it
    the one with the smallest weights; over folds with `scope = "global"`, else over the fold's
    validation utterances."""
    jobs: PositiveInt = 1
    """Trainings side by side, each on its share of the cores."""

    @model_validator(mode="after")
    def _pairs_once(self) -> Self:
        for name, values in (("alphas", self.alphas), ("betas", self.betas)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} = {list(values)} holds a value twice; name each once")
        return self

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        needs = [f"sampler = {self.sampler!r}"] if self.sampler != "grid" else []
        needs += [f"trainings = {self.trainings}"] if self.trainings is not None else []
        needs += [f"minutes = {self.minutes:g}"] if self.minutes is not None else []
        counts = [max(1, len(self.alphas)), max(1, len(self.betas))]
        if needs and counts == [1, 1]:
            raise ValueError(
                f"{needs[0]} with alphas = {list(self.alphas)} and betas = {list(self.betas)}: "
                "there is one pair, and nothing to search; allowed are two values or more of "
                f"alphas or betas, or no {needs[0].split()[0]}"
            )
        return self

    @model_validator(mode="after")
    def _has_an_error(self) -> Self:
        if self.choose == "one_se" and self.scope == "fold" and self.metric == "loss":
            raise ValueError(
                "choose = 'one_se' with metric = 'loss': of a single fold's loss no standard error "
                "is known; allowed are another metric, choose = 'best', or scope = 'global'"
            )
        return self
