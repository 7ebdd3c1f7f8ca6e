"""Which weights of a training are copied once a step, see `mtlser.models.copies`."""

from mtlser.models.copies import Copies
from mtlser.models.mtl import CUT_OF
from mtlser.models.way import by_index
from mtlser.training import optimisation
from mtlser.training.job import Job


def copies_of(job: Job) -> Copies:
    """The encoder's weights in the type of its activations, on a device that computes by index.

    None where that type is the weights' own, or where the encoder is not computed.
    """
    device = job.network.device
    dtype = optimisation.activation_dtype(job.recipe.precision, job.processes.device)
    encoder = job.network.encoder
    own = next(encoder.parameters()).dtype
    needed = by_index(device) and dtype != own and job.cut != CUT_OF["heads"]
    return Copies(encoder.used_together() if needed else [], dtype)
