"""Is a fast step still the right one?

`plain`    20 steps in fp32 against a loop that does the obvious: transformers' own model, one clip
           at a time, heads of `torch.nn`, losses and optimiser of torch. Dropout is off in both,
           since random numbers are drawn in another order.
`emodb`    test WA over the ten speakers of EmoDB: bf16 beside fp32, one SD over folds apart at most
`processes` epoch losses of two processes against those of one
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import common
from mtlser import recipe as recipes
from mtlser import stages
from mtlser.evaluation.metrics import weighted_accuracy
from mtlser.models.encoder import BUNDLED
from mtlser.models.losses import Joint
from mtlser.recipe import Recipe, dumps
from mtlser.records import FOUR, Cell, most_probable, write_json
from mtlser.storage.work_folder import WorkFolder
from mtlser.tracking import NullRun
from mtlser.training import batches, features, network, validate
from mtlser.training.batches import Example
from mtlser.training.checkpoint import Checkpoint
from mtlser.training.inputs import Inputs, Training
from mtlser.training.job import Job
from mtlser.training.processes import Processes
from mtlser.training.step import Stepper
from tests.helpers.corpora import one_fold, write_corpus
from tests.helpers.trainings import make_job

STEPS = 20
ALONE = Processes(0, 1, torch.device("cpu"))
EMODB_EPOCHS = 8


def quiet(folder: Path, **shape: Any) -> str:
    """Writes a wav2vec 2.0 of random weights, or the bundled one, without dropout; its place."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(0)
    model = (
        Wav2Vec2Model(Wav2Vec2Config(**shape)) if shape else Wav2Vec2Model.from_pretrained(BUNDLED)
    ).float()
    for name in vars(model.config):
        if name.endswith("dropout") or name == "layerdrop":
            setattr(model.config, name, 0.0)
    model.save_pretrained(folder)
    return str(folder)


def plain_losses(job: Job, groups: Sequence[Sequence[Example]], encoder: str) -> list[float]:
    """Total loss of each step of the obvious loop, from the job's weights."""
    from transformers import Wav2Vec2Model

    model: Any = Wav2Vec2Model.from_pretrained(encoder).float().train()
    ours = job.network
    heads = nn.ModuleDict()
    for name in ("emotion_head", "speaker_head", "ctc_head"):
        given: nn.Linear = getattr(ours, name)
        heads[name] = nn.Linear(given.in_features, given.out_features)
        heads[name].load_state_dict(given.state_dict())
    rate = job.recipe.learning_rate
    optimizer = torch.optim.Adam([*model.parameters(), *heads.parameters()], lr=rate)
    model.config.apply_spec_augment = False
    losses = []
    for group in groups:
        emotion, speaker, ctc = [], [], []
        for example in group:
            wav_n = job.read(example.utterance)
            wav_n = (wav_n - wav_n.mean()) / torch.sqrt(wav_n.var(correction=0) + 1e-7)
            hidden_td: Tensor = model(wav_n[None]).last_hidden_state[0]
            pooled_1d = hidden_td.mean(0, keepdim=True)
            truth = torch.tensor([[example.emotion], [example.speaker]])
            emotion.append(functional.cross_entropy(heads["emotion_head"](pooled_1d), truth[0]))
            speaker.append(functional.cross_entropy(heads["speaker_head"](pooled_1d), truth[1]))
            if example.characters is not None:
                scores_tu = heads["ctc_head"](hidden_td).log_softmax(-1)
                text = example.characters
                frames, symbols = torch.tensor(len(scores_tu)), torch.tensor(len(text))
                ctc.append(functional.ctc_loss(scores_tu, text, frames, symbols, reduction="sum"))
        means = [torch.stack(each).mean() for each in (emotion, ctc, speaker)]
        loss = means[0] + job.recipe.alpha * means[1] + job.recipe.beta * means[2]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def against_plain(inputs: Inputs, place: Path, batch: int, **shape: Any) -> float:
    """Largest relative difference of the losses of 20 steps."""
    name = "-".join(str(value) for value in shape.values() if isinstance(value, int)) or "bundled"
    encoder = quiet(place / name, **shape)
    given = (f"model.encoder={encoder}", f"train.batch_size={batch}", "train.learning_rate=1e-4")
    recipe = recipes.load("paper", given)
    job = make_job(inputs, recipe, place)
    epochs = [batches.epoch_order(job.examples, batch, 0, epoch) for epoch in range(1, STEPS + 1)]
    groups = [group for epoch in epochs for group in epoch][:STEPS]
    expected = plain_losses(job, groups, encoder)
    stepper = Stepper(job)
    losses = [float(stepper.step(group, index)[0]) for index, group in enumerate(groups)]
    sys.stdout.write(f"{name}: losses {losses[0]:.4f} to {losses[-1]:.4f}\n")
    return apart(expected, losses)


def apart(expected: Sequence[float], losses: Sequence[float]) -> float:
    """Largest relative difference."""
    assert len(expected) == len(losses)
    return max(abs(f - e) / abs(e) for e, f in zip(expected, losses, strict=True))


def test_accuracy(
    fold: int, inputs: Inputs, recipe: Recipe, folder: Path, work: WorkFolder
) -> tuple[float, float]:
    """Test WA and last training loss of one fold.

    It is tested in fp32 whatever it was trained in, as `mtlser predict` does.
    """
    cell = Cell(system="mtlser", fold=fold, seed=0)
    held = inputs.plan.folds[fold]
    training = Training(cell, recipe.train.alpha, recipe.train.beta, held)
    checkpoint = Checkpoint(WorkFolder(folder), f"fold-{fold}")
    trained, fitted = network.fit_network(training, inputs, recipe, work, checkpoint, NullRun())
    read = features.reader(
        trained.network, "encoded", inputs.corpus, inputs.utterances, work.folder
    )
    shown = batches.examples(
        inputs.of(held.test), FOUR, trained.description.speakers, lambda _: 10_000
    )
    exact = recipe.train.model_copy(update={"precision": "fp32"})
    job = Job(trained.network, "encoded", read, shown, exact, Joint(0, 0), 0, None, 1, ALONE)
    outputs = validate.predict(job, shown, trained.description)
    guesses = [most_probable(each.emotion_probabilities) for each in outputs]
    accuracy = weighted_accuracy([example.utterance.emotion for example in shown], guesses)
    return accuracy, fitted.rows[-1]["train_loss"] or 0.0


def emodb(shared: Path, place: Path) -> dict[str, Any]:
    """Test WA of each precision over the folds of EmoDB, from features that are made once."""
    encoder = shared / "backbones" / "whisper-base-encoder"
    settings = (
        f"model.encoder={encoder}", f"train.epochs={EMODB_EPOCHS}",
        f"data.root={shared / 'data' / 'emodb'}",
    )  # fmt: skip
    recipe = recipes.load("emodb", settings)
    corpus, folds = str(place / "emodb"), str(place / "emodb-folds")
    stages.ingest(recipe, corpus)
    stages.split(corpus, recipe, folds)
    plan = stages.load_folds(Path(folds))
    inputs = Inputs(Path(corpus), stages.load_manifest(Path(corpus)), plan)
    work, measured = WorkFolder(place / "features"), {}
    torch.set_num_threads(1)  # products so small that two threads wait for each other
    for precision in ("fp32", "bf16"):
        train = recipe.train.model_copy(update={"precision": precision})
        wanted = replace_train(recipe, train)
        folder = place / precision
        measured[precision] = [
            test_accuracy(fold.index, inputs, wanted, folder, work) for fold in plan.folds
        ]
    rates = {name: [rate for rate, _ in folds] for name, folds in measured.items()}
    means = {name: statistics.fmean(each) for name, each in rates.items()}
    sd = statistics.stdev(rates["fp32"])
    return {
        "emodb_wa": means,
        "emodb_wa_sd": sd,
        "emodb_within_sd": abs(means["bf16"] - means["fp32"]) <= sd,
        "emodb_epochs": EMODB_EPOCHS,
        "emodb_folds": rates,
        "emodb_loss": {
            name: statistics.fmean(loss for _, loss in folds) for name, folds in measured.items()
        },
    }


def replace_train(recipe: Recipe, train: Any) -> Recipe:
    """The recipe with another `[train]`."""
    return recipe.model_copy(update={"train": train})


def two_processes(inputs: Inputs, place: Path) -> float:
    """Largest relative difference of epoch losses between two processes and one."""
    settings = ("train.epochs=3", "train.learning_rate=1e-4", f"model.encoder={place / 'bundled'}")
    recipe = recipes.load("paper", settings)
    (place / "recipe.toml").write_text(dumps(recipe), encoding="utf-8")
    (place / "folds").mkdir()
    write_json(place / "folds" / "folds.json", inputs.plan)
    os.environ |= {"MTLSER_TRACKING": "off"}
    corpus, folds = str(inputs.corpus), str(place / "folds")
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        stages.train(corpus, folds, "", "mtlser:f0:s0", recipe, str(place / "one"))
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr",
        "127.0.0.1", "--master-port", str(port), "-m", "mtlser", "train", "--manifest", corpus,
        "--folds", folds, "--recipe", str(place / "recipe.toml"), "--out", str(place / "two"),
    ]  # fmt: skip
    single = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=single)
    one, two = (losses(place / name) for name in ("one", "two"))
    return apart(one, two)


def losses(cell: Path) -> list[float]:
    """Every loss of a cell's epochs."""
    lines = (cell / "history.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row[name] for row in rows for name in row if "loss" in name]


def main() -> None:
    """Measures and reports."""
    torch.set_num_threads(common.THREADS)
    shared = os.environ.get("MTLSER_SHARED")
    group = {"feat_extract_norm": "group", "do_stable_layer_norm": False}
    narrow = {"hidden_size": 256, "num_hidden_layers": 4, "intermediate_size": 1024,
              "num_attention_heads": 4, "conv_dim": (64,) * 7}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "corpus").mkdir()
        utterances = write_corpus(place / "corpus", speakers=6, each=8)
        inputs = Inputs(place / "corpus", utterances, one_fold(utterances))
        figures: dict[str, Any] = {
            "losses_bundled": against_plain(inputs, place, 4),
            "losses_narrow": against_plain(inputs, place, 4, **group, **narrow),
            "losses_base_width": against_plain(inputs, place, 2, **group, num_hidden_layers=2),
            "bar": 1e-5,
            "steps": STEPS,
            "two_processes": two_processes(inputs, place),
        }
        if shared is None:
            figures["emodb"] = "skipped: MTLSER_SHARED names no folder of real speech"
        else:
            figures |= emodb(Path(shared), place)
    common.report("exactness", figures)


if __name__ == "__main__":
    main()
