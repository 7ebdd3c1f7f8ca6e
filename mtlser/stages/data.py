"""Stages from audio to folds: synth, ingest, split."""

import filecmp
import hashlib
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import Cell, FoldPlan, write_json
from mtlser.stages.entry import stage
from mtlser.stages.inputs import load_manifest
from mtlser.storage import custody, places, shards
from mtlser.storage.layout import (
    CLIPS,
    CORPUS_PAGE,
    FINGERPRINTS,
    FOLDS,
    INGEST,
    MANIFEST,
)
from mtlser.storage.links import link
from mtlser.storage.marker import SOURCES
from mtlser.storage.shards import fetch_corpus

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from mtlser.data.preview import Preview


@stage
def synth(out: str, seed: int, pretraining: int = 0) -> None:
    """Writes the synthetic IEMOCAP-shaped release to `out`; byte-identical for a seed.

    Args:
        out: folder or `s3://` address to write.
        seed: 0 or more.
        pretraining: this many utterances of the backbone's own corpus instead (other voices and
            sentences); 0: the demo's release.
    """
    from mtlser.data.synthetic import corpus

    with storage.output(out) as folder:
        if pretraining:
            corpus.write_pretraining(folder, seed, pretraining)
        else:
            corpus.write_release(folder, seed)


@stage
def ingest(recipe: Recipe, out: str, clips: str = "") -> None:
    """Reads the recipe's corpora, decodes them to 16 kHz mono, writes corpus folder and page.

    Args:
        recipe: the resolved recipe.
        out: corpus folder to write.
        clips: `s3://` address for the shards of audio, which are then no part of the corpus folder:
            a step fetches those that it reads, a second corpus uses those that are there; empty:
            they lie in the corpus folder.
    """
    from mtlser.data import manifest, unchanged
    from mtlser.reporting import corpus_page

    roots = _releases(recipe)
    earlier = _earlier(out)
    release = unchanged.fingerprint(recipe, roots, clips)
    if earlier is not None and unchanged.same(earlier, release):
        log.info("%s: recordings, labels and settings are as they were; nothing is read again", out)
        return
    under_way = _under_way(recipe, out)
    with storage.output(out) as folder:
        digest = manifest.build(recipe, roots, folder, earlier, under_way)
        if earlier is None or not _same_page(earlier, folder):
            corpus_page.write(folder)
        custody.seal(folder, "ingest", SEALED, manifest=digest)
        if clips:
            shards.move(folder, clips)
        unchanged.keep(folder, release)
    shutil.rmtree(under_way, ignore_errors=True)  # the corpus folder has it all now


SEALED = (MANIFEST, INGEST, FINGERPRINTS, CLIPS)
"""Files of a corpus folder whose digests are kept."""


def _releases(recipe: Recipe) -> list[Path]:
    """The release of each corpus; an unknown corpus is refused before anything is fetched."""
    from mtlser.data import corpora

    for data in recipe.corpora:
        corpora.corpus(data.corpus)
    return [storage.fetch(data.root) for data in recipe.corpora]


def _under_way(recipe: Recipe, out: str) -> Path:
    """Where an ingest to this place leaves what it has decoded, should it be killed."""
    names = "\n".join([out, *recipe.roots.values()])
    key = hashlib.sha256(names.encode()).hexdigest()[:16]
    return places.cached_folder("ingest", key)


def _earlier(out: str) -> Path | None:
    """The corpus folder that is at a local place now, if it is as its ingest left it."""
    folder = Path(out).expanduser()
    if storage.is_s3(out) or not (folder / SOURCES).is_file():
        return None
    try:
        custody.verified(folder)
    except MtlserError:
        return None
    return folder.resolve()


def _same_page(earlier: Path, folder: Path) -> bool:
    """Takes the earlier page where all that it shows is the same."""
    page = earlier / CORPUS_PAGE
    shown = (MANIFEST, INGEST, CLIPS)
    if not page.is_file() or not all(
        filecmp.cmp(earlier / name, folder / name, shallow=False) for name in shown
    ):
        return False
    link(page, folder / CORPUS_PAGE)
    return True


def preview(recipe: Recipe) -> "Preview":
    """What `ingest` would read of the recipe's corpora; nothing is decoded or written."""
    from mtlser.data import preview as previews

    return previews.preview(recipe, _releases(recipe))


@stage
def split(corpus: str, recipe: Recipe, out: str) -> list[str]:
    """Cuts the folds and audits their leaks; the text of every cell that is to be trained.

    Raises:
        MtlserError: folds that leak under a protocol that is not named as leaking, or on which a
            metric that the recipe chooses by has no value.
    """
    from mtlser.data import audit, fingerprints, folds
    from mtlser.evaluation import measurable

    source = fetch_corpus(corpus)
    utterances = load_manifest(source)
    with storage.output(out) as folder:
        plan = folds.plan(utterances, recipe)
        measurable.check(recipe, plan, utterances)
        audited = audit.audit(utterances, plan, fingerprints.at_hand(source, utterances))
        audit.gate(audited, plan)
        write_json(folder / FOLDS, plan)
        write_json(folder / "audit.json", audited)
        custody.seal(
            folder,
            "split",
            (FOLDS, "audit.json"),
            made_from={"corpus": custody.verified(source)},
            manifest=plan.manifest_digest,
            folds=plan.digest,
        )
    return cells(plan, recipe)


def cells(plan: FoldPlan, recipe: Recipe) -> list[str]:
    """The text of every cell that the recipe has to be trained on these folds."""
    return [
        Cell(system=system, fold=fold.index, seed=recipe.seed + further).text
        for further in range(recipe.train.seeds)
        for system in ("mtlser", *recipe.baseline.systems)
        for fold in plan.folds
    ]
