"""Names of the files that pass between steps, and of what a run folder holds."""

MANIFEST = "manifest.jsonl"
CORPUS_PAGE = "corpus.html"
INGEST = "ingest.json"
FOLDS = "folds.json"
AUDIT = "audit.json"
CHOSEN = "chosen.json"
WORKED = "worked.json"
STUDY = "study.json"
BASELINES = "baselines.json"
REGISTERED = "registered.json"
PREDICTIONS = "predictions.jsonl"
HISTORY = "history.jsonl"
RESULT = "result.json"
SCORES = "scores.json"
SUMMARY = "summary.json"
UNSEEN = "unseen.json"
RECIPE = "recipe.toml"
FINGERPRINTS = "fingerprints.safetensors"
"""Of each clip of a corpus folder, see `mtlser.data.fingerprints`."""
CLIPS = "clips.jsonl"
"""What was measured of each recording of a corpus folder, see `mtlser.data.clip_facts`."""
PARENTS = "custody"
"""Folder of a report with the custody records of all that it was made from."""
BESIDE_REPORT = {
    "corpus": (MANIFEST, INGEST, CORPUS_PAGE),
    "folds": (AUDIT,),
    "registered": (REGISTERED,),
}
"""What a run folder holds beside its report, by the step whose output it is taken from."""
