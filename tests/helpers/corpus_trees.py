"""A made-up release of every corpus that has one layout."""

from pathlib import Path

from tests.helpers import acted_trees, dialogue_trees
from tests.helpers.corpus_releases import write_iemocap
from tests.helpers.corpus_tree import write

TREES = {
    "ravdess": acted_trees.RAVDESS,
    "cremad": acted_trees.CREMAD,
    "savee": acted_trees.SAVEE,
    "tess": acted_trees.TESS,
    "emodb": acted_trees.EMODB,
    "esd": acted_trees.ESD,
    "jl": acted_trees.JL,
    "aesdd": acted_trees.AESDD,
    "meld": dialogue_trees.MELD,
    "msp-podcast": dialogue_trees.MSP_PODCAST,
    "msp-improv": dialogue_trees.MSP_IMPROV,
}
"""By the corpus' name."""


def write_release(name: str, root: Path) -> Path:
    """Writes the made-up release of a corpus into a folder of its own below `root`."""
    if name == "iemocap":
        return write_iemocap(root)
    return write(TREES[name], root / f"{name}-release")
