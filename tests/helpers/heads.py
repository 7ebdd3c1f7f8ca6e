"""What the optional heads of a network say, where the network has them."""

from torch import Tensor

from mtlser.models.mtl import Logits
from mtlser.models.packed import Packed


def words_of(logits: Logits) -> Packed:
    """The scores of symbols."""
    assert logits.characters is not None
    return logits.characters


def speakers_of(logits: Logits) -> Tensor:
    """The scores of speakers, (b, s)."""
    assert logits.speaker_bs is not None
    return logits.speaker_bs
