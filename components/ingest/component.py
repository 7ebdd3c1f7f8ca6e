"""Component `ingest`: a release becomes a corpus folder."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(recipe: str, release: str, corpus: dsl.Output[dsl.Dataset]) -> None:
    """Read the recipe's corpus and write the corpus folder.

    Args:
        recipe: what it reads of the recipe, as TOML text.
        release: digest of the release, which lies outside the pipeline; part of the cache key.
        corpus: folder of `manifest.jsonl`, `ingest.json` and `audio/`.
    """
    from components import surroundings
    from mtlser import stages
    from mtlser.recipe import load

    stages.ingest(load(recipe), out=corpus.path, clips=surroundings.clips())
    corpus.metadata["release"] = release
