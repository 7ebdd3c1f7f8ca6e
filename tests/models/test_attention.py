"""Attention within clips, against torch's own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from mtlser.models import attention
from mtlser.models.packed import Packed

LENGTHS = (5, 1, 9)


def expected(qkv_ne: Tensor, heads: int) -> Tensor:
    mixed = []
    for clip_te in qkv_ne.split(LENGTHS):
        q, k, v = clip_te.unflatten(-1, (3, heads, -1)).permute(1, 2, 0, 3)
        one = functional.scaled_dot_product_attention(q[None], k[None], v[None])[0]
        mixed.append(one.transpose(0, 1).flatten(1))
    return torch.cat(mixed)


def test_each_clip_attends_to_itself() -> None:
    torch.manual_seed(0)
    qkv = torch.randn(15, 3 * 12)
    torch.testing.assert_close(attention.attend(qkv, LENGTHS, 3, 0.0), expected(qkv, 3))
    torch.testing.assert_close(attention._padded(Packed(qkv, LENGTHS), 3, 0.0), expected(qkv, 3))


def test_gradients() -> None:
    """Each element's is measured, so clips and heads are few."""
    torch.manual_seed(0)
    qkv = torch.randn(8, 3 * 6, dtype=torch.float64, requires_grad=True)

    def attend(qkv: Tensor, p: float) -> Tensor:
        torch.manual_seed(5)
        return attention.attend(qkv, (3, 1, 4), 3, p)

    assert torch.autograd.gradcheck(lambda x: attend(x, 0.0), qkv)
    assert torch.autograd.gradcheck(lambda x: attend(x, 0.3), qkv)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_keeps_the_expectation(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    qkv = torch.randn(15, 3 * 12).to(dtype)
    draws = [attention.attend(qkv, LENGTHS, 3, 0.2).float() for _ in range(3000)]
    assert not torch.equal(draws[0], draws[1])
    torch.testing.assert_close(
        torch.stack(draws).mean(0), expected(qkv.float(), 3), atol=0.05, rtol=0.05
    )
