"""Every step from wav to registry as one function: places in, places out.

The command line, the Kubeflow components and the tests call these same functions. A place is a
local path or an `s3://` address. A stage reads its inputs through `storage.fetch` and writes its
output folder through `storage.output`, which appears whole or not at all. Heavy packages are
imported inside the stages, so that a step pays only for what it uses.

Folders that pass between stages:

| folder | holds | written by |
|---|---|---|
| corpus | `manifest.jsonl`, `ingest.json`, `audio/` | `ingest` |
| folds | `folds.json`, `audit.json` | `split` |
| chosen | `chosen.json`, `study.journal`, `cells/fold-K/` | `search` |
| worked | `worked.json` | `search_worker` |
| studied | `study.json`, `study.html`, `tables/`, `figures/` | `study` |
| cell | `model/`, `history.jsonl`, `result.json`, `predictions.jsonl` | `train` |
| noisy | `predictions.jsonl`, `noise.json`, `cost.json` of the first fold | `noise_eval` |
| baselines | `baselines.json`, a cell and a noisy folder each | `baselines` |
| cost | `cost.json` | `profile` |
| report | `report.html`, `tables.{md,tex}`, `{scores,summary,chosen}.json` ... | `report` |
| scored | `unseen.json`, `predictions.jsonl` | `score` |
| registered | `registered.json` | `register`, `promote` |
| checked | `drift.json` | `check_data` |
"""

from mtlser.stages.baselines import baseline_folders, baselines
from mtlser.stages.closing import close_run, report_outcome
from mtlser.stages.data import cells, ingest, preview, split, synth
from mtlser.stages.inputs import load_chosen, load_folds, load_manifest, resolved
from mtlser.stages.measurement import compare, noise_eval, profile, report, score
from mtlser.stages.preparation import Prepared, prepare
from mtlser.stages.registration import check_data, promote, register
from mtlser.stages.studies import study
from mtlser.stages.training import pretrain, search, search_worker, train
from mtlser.stages.verification import verify
from mtlser.stages.whole import crossval

__all__ = [
    "Prepared", "baseline_folders", "baselines", "cells", "check_data", "close_run", "compare",
    "crossval", "ingest", "load_chosen", "load_folds", "load_manifest", "noise_eval", "prepare",
    "pretrain", "preview", "profile", "promote", "register", "report", "report_outcome", "resolved",
    "score", "search", "search_worker", "split", "study", "synth", "train", "verify",
]  # fmt: skip
