"""A finished run's folder, and everything that can be checked of it."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser.errors import MtlserError
from mtlser.recipe import Recipe, load
from mtlser.records import CLEAN, FoldPlan, Utterance, read_json
from mtlser.stages.inputs import load_chosen, load_manifest
from mtlser.storage import custody
from mtlser.storage.layout import (  # fmt: skip
    CHOSEN,
    FOLDS,
    MANIFEST,
    PARENTS,
    PREDICTIONS,
    RECIPE,
    SCORES,
)

if TYPE_CHECKING:
    from mtlser.data.fingerprints import Near
    from mtlser.evaluation.score_records import Scores
    from mtlser.evaluation.verification.prediction import Draw, Hear
    from mtlser.evaluation.verification.reading import Key, Reading
    from mtlser.storage.custody import Custody


class AbsentError(Exception):
    """What a check needs is not at hand; the message says what."""


class RunFolder:
    """A run folder and what can be checked of it; each check says what it saw."""

    def __init__(self, folder: Path, corpus: Path | None, sample: int) -> None:
        self.folder, self.corpus, self.sample = folder, corpus, sample
        self.cells = sorted(path for path in (folder / "checkpoints").glob("*") if path.is_dir())

    def files(self) -> str:
        """Every file that a custody record names has the digest that it names."""
        folders = [self.folder, *self.cells, *(cell / "model" for cell in self.cells)]
        records = [r for r in map(custody.verified, folders) if r is not None]
        count = sum(len(record.files) for record in records)
        if len(records) < len(folders):
            raise AbsentError(
                f"{len(folders) - len(records)} of {len(folders)} folders have no "
                f"{custody.CUSTODY}; {count} files of the others have the SHA-256 of their records"
            )
        return f"{count} files in {len(records)} folders have the SHA-256 of their records"

    def chain(self) -> str:
        """The records lead from the report to weights, folds and manifest."""
        from mtlser.evaluation.verification import chain

        found = self._parents
        links = chain.links(found)
        for cell in self.cells:
            own, known = custody.read(cell), found.get(f"train-{cell.name}")
            if known is not None and (own is None or own.digest != known.digest):
                seen = own.digest[: custody.SHORT] if own else f"without {custody.CUSTODY}"
                raise MtlserError(
                    f"{cell} is {seen}, the report was made from "
                    f"{known.digest[: custody.SHORT]}; write the report again with `mtlser report`"
                )
        return f"{len(found)} records, {links} links between them"

    def predictions(self) -> str:
        """The report's predictions are those that the cells wrote."""
        from mtlser.evaluation.verification import chain

        unrecorded = self._record.unrecorded
        count = chain.rows(self.folder, self.reading.rows, self._parents, unrecorded)
        if not count:
            raise AbsentError("the predictions are of systems without records")
        return f"those of {count} cells and conditions, line by line"

    def data(self) -> str:
        """Truth, folds and audit are the manifest's."""
        from mtlser.data.audit import audit
        from mtlser.evaluation.verification import evidence, plans, sharing

        utterances, plan, recipe = self.manifest, self.plan, self.recipe
        recorded = (self.folder / PARENTS / FOLDS).is_file()
        same = plans.check(plan, utterances, recipe, recorded=recorded)
        if (self.folder / PREDICTIONS).is_file():
            _ = self.reading.columns
        counted = self._scores().sharing
        if counted and not sharing.agree(counted, sharing.counted(plan, utterances, self._near)):
            raise MtlserError(
                f"{self.folder / SCORES}: what the sides of folds share is not what the "
                "manifest gives; write the report again with `mtlser report`"
            )
        now = audit(utterances, plan, self._near)
        audited = "" if evidence.audited(self.folder, now) else "; there is no audit"
        cut = "cut again" if same else "cut by another recipe"
        return f"{len(utterances)} utterances, {len(plan.folds)} folds {cut}{audited}"

    def figures(self) -> str:
        """Every figure follows from the predictions and the folds."""
        from mtlser.evaluation.verification import recheck

        there = (self.folder / PREDICTIONS).is_file() and (self.folder / FOLDS).is_file()
        reading = self.reading if there else None
        if not recheck.check(self.folder, self._manifest_or_none(), reading):
            raise AbsentError("there are no predictions or no folds beside the scores")
        return "scores.json and summary.json, computed again from predictions and folds"

    def selection(self) -> str:
        """Pair and epoch are the best on validation."""
        from mtlser.evaluation import selection
        from mtlser.evaluation.verification import epochs

        if not (self.folder / CHOSEN).is_file():
            raise AbsentError(f"there is no {CHOSEN}")
        chosen = load_chosen(self.folder)
        notes = selection.check_selection(chosen, self._scores())
        trained = epochs.check(self.cells, chosen.metric)
        epochs.check_choices(chosen, trained)
        if notes:
            raise MtlserError(notes[0])
        return f"pairs of {len(chosen.choices)} folds, epochs of {len(trained)} trainings"

    def weights(self) -> str:
        """The weights give the probabilities that the report scores."""
        from mtlser.evaluation.verification import sources

        if not self.cells:
            raise AbsentError("there are no checkpoints beside the report")
        sources.check(sources.opened(self.cells), self.plan, self.manifest)
        corpus = self._audio()
        from mtlser.evaluation.verification import prediction

        again = prediction.repeat(
            self.draws, self.reading.drawn, self.manifest, prediction.clean(corpus)
        )
        return again.agreed("clean test utterances", "mtlser train")

    def noise(self) -> str:
        """The weights give the noisy predictions too, when the same noise is mixed again."""
        if not self.cells:
            raise AbsentError("there are no checkpoints beside the report")
        present = self.reading.conditions
        if not present:
            raise AbsentError("the report has no predictions under noise")
        hear = self._noise(self._audio())
        from mtlser.evaluation.verification import prediction

        again = prediction.repeat(
            self.noisy_draws, self.reading.drawn, self.manifest, hear, present
        )
        agreed = again.agreed("noisy test utterances", "mtlser noise-eval") if again.count else ""
        foreign = {name for each in present.values() for name in each} - self._conditions().keys()
        if foreign:
            lacking = f"{RECIPE} says nothing of {', '.join(sorted(foreign))}"
            raise AbsentError("; ".join(filter(None, (lacking, agreed))))
        if not again.count:
            raise AbsentError("the cells beside the report have no predictions under noise")
        return agreed

    def final_model(self) -> str:
        """The model to be used was fitted on the manifest of the report, by its recipe."""
        from mtlser.evaluation.verification import registration

        if not (self.folder / "model").is_dir():
            raise AbsentError("there is no model in the folder")
        registration.check(self.folder / "model", self.folder)
        if custody.read(self.folder / "model") is None:
            raise AbsentError("the model has no custody record: it is of an older version")
        return "weights by SHA-256; manifest and recipe are those of the report"

    @cached_property
    def reading(self) -> "Reading":
        """The predictions, read once."""
        from mtlser.evaluation.verification import recheck

        path = self.folder / PREDICTIONS
        if not path.is_file():
            raise AbsentError(f"there is no {PREDICTIONS} in the folder")
        wanted: set[Key] = set()
        recipe: Recipe | None = None
        # Where no sample can be drawn, the checks of weights and noise say why.
        with suppress(AbsentError, MtlserError, ValueError, KeyError, OSError):
            recipe = self.recipe
            wanted = {key for draw in (*self.draws, *self.noisy_draws) for key in draw.keys}
        return recheck.read(self.folder, self._manifest_or_none(), recipe, wanted)

    @cached_property
    def draws(self) -> "list[Draw]":
        """What to predict again of clean speech."""
        if not self.cells:
            return []
        from mtlser.evaluation.verification import prediction

        return prediction.draw(self.cells, self.plan, self.sample, (CLEAN,))

    @cached_property
    def noisy_draws(self) -> "list[Draw]":
        """What to predict again under noise."""
        if not self.cells:
            return []
        from mtlser.evaluation.verification import prediction

        names = tuple(self._conditions())
        return prediction.draw(self.cells, self.plan, self.sample, names)

    def _conditions(self) -> dict[str, tuple[str, float]]:
        from mtlser.evaluation import noise_facts

        return {} if self.recipe is None else noise_facts.conditions(self.recipe.noise)

    def _audio(self) -> Path:
        if self.corpus is None:
            raise AbsentError("the audio is not at hand: give the corpus folder with --manifest")
        return self.corpus

    def _noise(self, corpus: Path) -> "Hear":
        if self.recipe is None:
            raise AbsentError(f"there is no {RECIPE}, which says what noise was mixed")
        from mtlser.evaluation.verification import prediction

        try:
            return prediction.mixed(corpus, self.manifest, self.recipe)
        except MtlserError as error:
            root = self.recipe.noise.root
            wanted = f"; {RECIPE} takes them from {root}, put them there" if root else ""
            raise AbsentError(f"the noise is not at hand: {error}{wanted}") from error

    @cached_property
    def _parents(self) -> "dict[str, Custody]":
        """The records that the report rests on."""
        from mtlser.evaluation.verification import chain

        return chain.parents(self.folder, self._record)

    @cached_property
    def _record(self) -> "Custody":
        """The report's own record."""
        record = custody.read(self.folder)
        if record is None:
            raise AbsentError(f"no {custody.CUSTODY}: the report is of an older version")
        return record

    @cached_property
    def manifest(self) -> Sequence[Utterance]:
        """The utterances of the corpus."""
        for place in (self.corpus, self.folder):
            if place is not None and (place / MANIFEST).is_file():
                return load_manifest(place)
        raise AbsentError("the manifest is not at hand: give the corpus folder with --manifest")

    @cached_property
    def _near(self) -> "Near | None":
        """Near-identical audio, where the corpus folder is at hand."""
        from mtlser.data.fingerprints import at_hand

        return at_hand(self.corpus, self.manifest)

    def _manifest_or_none(self) -> Sequence[Utterance] | None:
        try:
            return self.manifest
        except AbsentError:
            return None

    @cached_property
    def plan(self) -> FoldPlan:
        """The folds."""
        if not (self.folder / FOLDS).is_file():
            raise AbsentError(f"there is no {FOLDS} in the folder")
        return read_json(self.folder / FOLDS, FoldPlan)

    def _scores(self) -> "Scores":
        from mtlser.evaluation.score_records import Scores

        return read_json(self.folder / SCORES, Scores)

    @cached_property
    def recipe(self) -> Recipe | None:
        """The resolved recipe; `None`: the run has none."""
        path = self.folder / RECIPE
        return load(str(path)) if path.is_file() else None
