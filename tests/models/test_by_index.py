"""All clips at once by index: what a GPU computes, checked against clip by clip on every device."""

from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mtlser.models.copies import Copies, joined, weight_in
from mtlser.models.encoder import load_encoder
from mtlser.models.mtl import cut_of
from mtlser.models.packed import Packed
from mtlser.models.segments import Segments, only_these, pick, segments_of, spread
from mtlser.models.speech_encoder import SpeechEncoder
from mtlser.models.way import Way, by_index, forced
from tests.helpers.networks import clips, write_encoder
from tests.models.test_encoder import FAMILIES

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
Results = tuple[Tensor, dict[str, Tensor]]


def computed(encoder: SpeechEncoder, way: Way, dtype: torch.dtype, device: str) -> Results:
    """All layers of three clips with an offset, and the gradients of some function of them."""
    encoder.to(device)
    wavs = [torch.from_numpy(wav) + 0.05 for wav in clips(1.0, 0.4, 2.3)]
    encoder.zero_grad(set_to_none=True)
    half = dtype != torch.float32
    copies = Copies(encoder.used_together() if half and way == "index" else [], dtype)
    with ExitStack() as stack:
        stack.enter_context(forced(way))
        stack.enter_context(torch.autocast(device, dtype=dtype, enabled=half))
        stack.enter_context(copies.held())
        layers = encoder.context(encoder.local_rows(wavs))
        torch.stack([loss(layer.rows_nd.float()) for layer in layers]).sum().backward()
        copies.give_gradients()
    rows = torch.cat([layer.rows_nd.detach().float().cpu() for layer in layers])
    named = encoder.named_parameters()
    return rows, {name: p.grad.cpu() for name, p in named if p.grad is not None}


def loss(rows_nd: Tensor) -> Tensor:
    """Some function of the rows that no norm makes constant."""
    slope = torch.linspace(-1, 1, rows_nd.shape[1], device=rows_nd.device)
    return (rows_nd * slope).tanh().sum()


def without_dropout(encoder: SpeechEncoder) -> SpeechEncoder:
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return encoder


def error(one: Tensor, other: Tensor, least: float = 0.0) -> float:
    return float((one - other).norm() / other.norm().clamp(min=max(least, 1e-12)))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("family", "norm"), FAMILIES)
@pytest.mark.parametrize(
    ("dtype", "of_outputs", "of_gradients"),
    [(torch.float32, 1e-5, 1e-3), (torch.bfloat16, 0.02, 0.06)],
)
def test_both_ways_give_the_same_layers_and_gradients(
    tmp_path: Path,
    family: str,
    norm: str,
    dtype: torch.dtype,
    of_outputs: float,
    of_gradients: float,
    device: str,
) -> None:
    encoder = without_dropout(load_encoder(write_encoder(tmp_path, family, norm)).train())
    expected = computed(encoder, "clips", torch.float32, "cpu")
    result = computed(encoder, "index", dtype, device)
    assert error(result[0], expected[0]) < of_outputs
    assert result[1].keys() == expected[1].keys()
    total = torch.stack([grad.norm() for grad in expected[1].values()]).norm()
    for name, grad in expected[1].items():
        assert error(result[1][name], grad, 1e-2 * float(total)) < of_gradients, name


def test_the_ways_that_devices_take() -> None:
    assert not by_index(torch.device("cpu"))
    assert by_index(torch.device("cuda"))
    with forced("index"):
        assert by_index(torch.device("cpu"))
        with forced("clips"):
            assert not by_index(torch.device("cuda"))
    assert not by_index(torch.device("cpu"))


def test_an_offset_of_the_samples_costs_no_precision(tmp_path: Path) -> None:
    """A group norm over time does not see it; 16-bit products that held it would round by it."""
    encoder = load_encoder(write_encoder(tmp_path, "wav2vec2", "group")).eval()
    encoder.normalise = False
    wavs = [torch.from_numpy(wav) for wav in clips(1.0, 0.4)]
    found = []
    with forced("index"), torch.inference_mode():
        for offset in (0.0, 3.0):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                found.append(encoder.local_rows([wav + offset for wav in wavs]).rows_nd.float())
        exact = encoder.local_rows(wavs).rows_nd
    assert error(found[1], exact) < 1.5 * error(found[0], exact)


def test_segments_say_where_clips_lie() -> None:
    segments = Segments((2, 0, 3), torch.device("cpu"))
    assert segments.clip_n.tolist() == [0, 0, 2, 2, 2]
    assert segments.place_n.tolist() == [0, 1, 0, 1, 2]
    assert segments.offsets.tolist() == [0, 2, 2, 5]
    assert segments.padded_n.tolist() == [0, 1, 6, 7, 8]
    assert segments.members(torch.float32).sum(1).tolist() == [2, 0, 3]
    # Rows 1 to 3 around row 2: the first is of another clip; and past the end.
    first, clip = torch.tensor([1, 4]), torch.tensor([2, 2])
    assert segments.windows(first, clip, 3).tolist() == [[5, 2, 3], [4, 5, 5]]
    blocks = segments.blocks(2)
    assert blocks.windows(0, 2).tolist()[:3] == [[0, 1], [2, 3], [4, 5]]
    assert {row for window in blocks.windows(0, 2).tolist()[3:] for row in window} == {5}


def test_segments_are_made_once_for_a_batch() -> None:
    lengths, here = (3, 4), torch.device("cpu")
    made = segments_of(lengths, here)
    assert segments_of(lengths, here) is made
    with torch.inference_mode():  # its tensors may take part in no gradient
        assert segments_of(lengths, here) is not made
    given = Segments(lengths, here, longest=9)
    with only_these({lengths: given}):
        assert segments_of(lengths, here) is given
        assert segments_of((1,), here).rows == 1
    assert segments_of(lengths, here) is made
    for i in range(40):
        segments_of((i + 1,), here)
    assert segments_of(lengths, here) is not made


def test_rows_are_picked_and_spread() -> None:
    rows = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    places = torch.tensor([3, 0])
    assert torch.equal(pick(rows, places), rows[places])
    assert torch.equal(spread(rows[:2], places, 5)[places], rows[:2])
    assert torch.autograd.gradcheck(lambda x: pick(x, places), rows)
    assert torch.autograd.gradcheck(lambda x: spread(x[:2], places, 5), rows)


@pytest.mark.parametrize("way", ["clips", "index"])
def test_packed_rows(way: Way) -> None:
    packed = Packed(torch.arange(10.0).view(5, 2), (2, 3))
    with forced(way):
        padded = packed.padded()
        assert padded.shape == (2, 3, 2)
        assert padded[0, 2].tolist() == [0, 0]
        assert torch.equal(packed.unpad(padded).rows_nd, packed.rows_nd)
        assert packed.mean().tolist() == [[1, 2], [6, 7]]


class TestCopies:
    def test_are_those_of_the_weights_as_they_are_now(self) -> None:
        layer, dtype = nn.Linear(3, 2), torch.bfloat16
        copies = Copies([[parameter] for parameter in layer.parameters()], dtype)
        for _ in range(2):
            with torch.no_grad():
                layer.weight.add_(1)
            with copies.held():
                held = weight_in(layer.weight, dtype)
                assert torch.equal(held, layer.weight.to(dtype))
                assert weight_in(layer.weight, dtype) is held
                assert weight_in(layer.weight, torch.float32) is layer.weight
            assert weight_in(layer.weight, dtype) is not held

    def test_give_their_gradients_and_those_of_the_next_part(self) -> None:
        one, two = nn.Parameter(torch.randn(2, 3)), nn.Parameter(torch.randn(1, 3))
        frozen = nn.Parameter(torch.randn(2), requires_grad=False)
        copies = Copies([(one, two), (frozen,)], torch.bfloat16)
        x = torch.randn(4, 3).bfloat16()
        with copies.held():
            for part in (1, 2):
                (x @ joined([one, two], torch.bfloat16).t()).sum().backward()
                copies.give_gradients()
                expected = part * x.float().sum(0)
                assert one.grad is not None
                assert two.grad is not None
                torch.testing.assert_close(one.grad, expected.expand(2, 3), rtol=0.02, atol=0.02)
                torch.testing.assert_close(two.grad, expected[None], rtol=0.02, atol=0.02)
        assert one.grad is not None
        assert one.grad.dtype == torch.float32
        assert frozen.grad is None

    def test_forget_what_a_backward_pass_that_failed_has_left(self) -> None:
        weight = nn.Parameter(torch.randn(2))
        copies = Copies([(weight,)], torch.bfloat16)
        with copies.held():
            weight_in(weight, torch.bfloat16).sum().backward()
            copies.drop_gradients()
            copies.give_gradients()
        assert weight.grad is None


def test_the_mean_of_a_long_clip_is_a_number_in_fp16() -> None:
    packed = Packed(torch.full((2000, 4), 40.0, dtype=torch.float16), (2000,))
    with forced("index"):
        assert packed.mean().tolist() == [[40.0] * 4]


def test_padding_that_is_seen_is_added_to_samples(tmp_path: Path) -> None:
    whisper = load_encoder(write_encoder(tmp_path / "w", "whisper"))
    assert cut_of("all", whisper) == "local"  # a spectrogram has nothing to train
    assert cut_of("all", whisper, "seen") == "wav"
    assert cut_of("heads", whisper) == "encoded"
    assert cut_of("all", load_encoder(write_encoder(tmp_path / "v"))) == "wav"
