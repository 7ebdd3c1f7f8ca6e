"""Started by torchrun: one step of a job by all processes; the first writes its gradients.

torchrun --nproc-per-node 2 -m tests.helpers.team_step FOLDER
"""

import sys
from pathlib import Path

from safetensors.torch import save_file

from mtlser import recipe as recipes
from mtlser import stages
from mtlser.training import processes
from mtlser.training.inputs import Inputs
from tests.helpers.trainings import make_job, one_step


def main(folder: Path) -> None:
    corpus, plan = folder / "corpus", stages.load_folds(folder / "folds")
    inputs = Inputs(corpus, stages.load_manifest(corpus), plan)
    recipe = recipes.load(str(folder / "recipe.toml"))
    team = processes.current()
    job = make_job(inputs, recipe, folder / f"features-{team.rank}", team)
    if not team.main:  # what the first process says counts
        for parameter in job.network.parameters():
            parameter.data.zero_()
        team.spread(job.network.state_dict().values())
    else:
        team.spread(job.network.state_dict().values())
    figures, grads = one_step(job)
    losses = team.sum(figures)
    every = team.gather([len(grads)])
    if team.main:
        assert every == [len(grads)] * team.size
        save_file({"losses": losses, **grads}, folder / "step.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
