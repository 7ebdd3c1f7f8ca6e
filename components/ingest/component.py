"""Component `ingest`: a release becomes a corpus folder."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(recipe: str, data_version: str, corpus: dsl.Output[dsl.Dataset]) -> None:
    """Read the recipe's corpus and write the corpus folder.

    Args:
        recipe: the resolved recipe as TOML text.
        data_version: digest of the release; part of the cache key, because the release lies
            outside the pipeline. Give another one when the release has changed.
        corpus: folder of `manifest.jsonl`, `ingest.json` and `audio/`.
    """
    from mtlser import stages
    from mtlser.recipe import load

    stages.ingest(load(recipe), out=corpus.path)
    corpus.metadata["data_version"] = data_version
