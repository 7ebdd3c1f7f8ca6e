"""wav2vec 2.0, HuBERT and WavLM as encoders of packed clips."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtlser.models.computed_in import computed_exactly
from mtlser.models.convolution import convolve_clips
from mtlser.models.convolution_by_index import convolve_slots
from mtlser.models.norm import layer_norm
from mtlser.models.packed import Packed
from mtlser.models.positions import convolve_positions
from mtlser.models.slots import Shape
from mtlser.models.speech_encoder import SHORTEST, Sound, SpeechEncoder, Unit, collect
from mtlser.models.transformer import (
    embed_positions,
    joined_parameters,
    project,
    run_block,
    run_blocks,
    wav2vec2_block,
)
from mtlser.models.way import by_index
from mtlser.records import SAMPLE_RATE_HZ

FRAMES_A_SECOND = 50
Compute = Callable[[Tensor, torch.dtype], Tensor]


def in_fp32(forward: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its tensors in fp32 and without autocast."""

    def exact(value: Any) -> Any:
        is_float = isinstance(value, Tensor) and value.is_floating_point()
        return value.float() if is_float else value

    def computed(*args: Any, **kwargs: Any) -> Any:
        device = next(arg.device.type for arg in args if isinstance(arg, Tensor))
        with torch.autocast(device, enabled=False):
            return forward(*map(exact, args), **{key: exact(each) for key, each in kwargs.items()})

    return computed


def real_frames(frames_b: Tensor, length: int) -> Tensor:
    """Mask of real frames, true where a frame is not padding: (b,) -> (b, length)."""
    return torch.arange(length, device=frames_b.device) < frames_b[:, None]


class Wav2Vec2Encoder(SpeechEncoder):
    """wav2vec 2.0, HuBERT and WavLM: a CNN of 20 ms frames under a transformer."""

    def __init__(self, model: Any, normalise: bool) -> None:
        super().__init__(normalise)
        config = model.config
        self.cnn = model.feature_extractor
        self.projection = model.feature_projection
        self.transformer = model.encoder
        self.width = config.hidden_size
        self.layer_count = config.num_hidden_layers
        self.head_width = config.hidden_size // config.num_attention_heads
        self.norm_first = bool(config.do_stable_layer_norm)
        self.packs = config.model_type != "wavlm" and not getattr(
            config, "conv_pos_batch_norm", False
        )
        """Whether the transformer runs on packed clips; else it is transformers' own."""
        self.strides = tuple(zip(config.conv_kernel, config.conv_stride, strict=True))

    def local_of_each(self, wavs: Sequence[Tensor]) -> list[Tensor]:
        """CNN features of each clip, (n,) -> (t, c), without padding.

        Clips go together where that gives gradients from one product, else one by one.
        """
        prepared = [self.prepare(wav_n) for wav_n in wavs]
        dtype = self.unit_dtype("cnn")
        together = torch.is_grad_enabled() and any(p.requires_grad for p in self.cnn.parameters())
        groups = [prepared] if together else [[wav_n] for wav_n in prepared]
        with computed_exactly(prepared[0].device):
            packed = [convolve_clips(self.cnn, group, dtype) for group in groups]
        return [clip_tc for group in packed for clip_tc in group.clips()]

    def _laid_out(self, prepared: list[Tensor]) -> tuple[Tensor, tuple[int, ...]]:
        return self.slots_of.slots(prepared, self.device), tuple(map(len, prepared))

    @property
    def slots_of(self) -> Shape:
        """How samples are laid out for the CNN."""
        return Shape.of(self.cnn)

    def enter(self, sound: Sound) -> Packed:
        """CNN features of all clips, rows (t, c)."""
        dtype = self.unit_dtype("cnn")
        with computed_exactly(sound.values.device):
            return convolve_slots(self.cnn, sound.values, sound.lengths, dtype, sound.frames)

    def _joined_parameters(self) -> list[tuple[nn.Parameter, ...]]:
        return joined_parameters(self.transformer.layers) if self.packs else []

    def local_frames(self, samples: int) -> int:
        """Frames that the CNN makes of so many samples, those that touch no padding."""
        samples = max(samples, SHORTEST)
        for kernel, stride in self.strides:
            samples = (samples - kernel) // stride + 1
        return samples

    def frames(self, local_frames: int) -> int:
        """The transformer keeps the CNN's frames."""
        return local_frames

    def context(self, local: Packed, *, every: bool = True) -> list[Packed]:
        """Output of every transformer layer, or of the last alone."""
        if not self.packs:
            return self._context_padded(local, every)
        dtypes = [self.unit_dtype(name) for name in ("projection", "positions", "layers")]
        with computed_exactly(local.rows_nd.device):
            rows = project(self.projection, local, dtypes[0])
            rows = rows.with_rows(rows.rows_nd.to(dtypes[1]))
            rows = embed_positions(self.transformer, rows, self.norm_first)
            rows = rows.with_rows(rows.rows_nd.to(dtypes[2]))
            blocks = [wav2vec2_block(layer, self.norm_first) for layer in self.transformer.layers]
            outputs = collect(run_blocks(blocks, rows, self.recompute), every)
            if self.norm_first:
                outputs[-1] = layer_norm(outputs[-1], self.transformer.layer_norm)
        return [rows.with_rows(output) for output in outputs]

    def _context_padded(self, local: Packed, every: bool) -> list[Packed]:
        """The same by transformers' encoder on a padded batch."""
        projected = self.projection(local.padded())
        hidden_btd = projected[0] if isinstance(projected, tuple) else projected
        lengths_b = torch.tensor(local.lengths, device=hidden_btd.device)
        real_bt = real_frames(lengths_b, hidden_btd.shape[1])
        outputs: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            outputs.append(output[0] if isinstance(output, tuple) else output)

        hooks = [layer.register_forward_hook(keep) for layer in self.transformer.layers if every]
        try:
            with warnings.catch_warnings():
                # WavLM gives torch a boolean padding mask beside its float position bias
                warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
                last = self.transformer(hidden_btd, attention_mask=real_bt).last_hidden_state
        finally:
            for hook in hooks:
                hook.remove()
        return [local.unpad(output) for output in (*outputs[:-1], last)]

    def units(self) -> dict[str, Unit]:
        """CNN, projection, positional embedding and a transformer layer."""
        parts = self._packed_units() if self.packs else self._padded_units()
        channels = int(self.projection.projection.in_features)

        def cnn(wav_n: Tensor, dtype: torch.dtype) -> Tensor:
            if not by_index(wav_n.device):
                return convolve_clips(self.cnn, [wav_n], dtype).rows_nd
            laid_out = self.slots_of.slots([wav_n.cpu()], wav_n.device).to(wav_n.device)
            return convolve_slots(self.cnn, laid_out, (len(wav_n),), dtype).rows_nd

        sizes = {"projection": channels, "positions": self.width, "layers": self.width}
        return {"cnn": Unit((SAMPLE_RATE_HZ,), self.cnn, cnn)} | {
            name: Unit((FRAMES_A_SECOND, sizes[name]), *part) for name, part in parts.items()
        }

    def _packed_units(self) -> dict[str, tuple[nn.Module, Compute]]:
        def positions(x_nd: Tensor, dtype: torch.dtype) -> Tensor:
            conv = self.transformer.pos_conv_embed.conv  # alone: a sum with its input would hide it
            weight, bias = conv.weight.to(dtype), conv.bias.to(dtype)
            return convolve_positions(x_nd.to(dtype), (len(x_nd),), weight, bias)

        def layer(x_nd: Tensor, dtype: torch.dtype) -> Tensor:
            block = wav2vec2_block(self.transformer.layers[0], self.norm_first)
            return run_block(block, x_nd.to(dtype), (len(x_nd),))

        def projection(x_nc: Tensor, dtype: torch.dtype) -> Tensor:
            return project(self.projection, Packed(x_nc, (len(x_nc),)), dtype).rows_nd

        return {
            "projection": (self.projection, projection),
            "positions": (self.transformer.pos_conv_embed, positions),
            "layers": (self.transformer.layers[0], layer),
        }

    def _padded_units(self) -> dict[str, tuple[nn.Module, Compute]]:
        """The modules of transformers' own encoder, under autocast."""

        def under_autocast(module: nn.Module) -> Compute:
            def compute(x_nd: Tensor, dtype: torch.dtype) -> Tensor:
                enabled = dtype != torch.float32
                with torch.autocast(x_nd.device.type, dtype=dtype, enabled=enabled):
                    output = module(x_nd[None])
                first: Tensor = output[0] if isinstance(output, tuple) else output
                return first

            return compute

        return {
            name: (modules[0], under_autocast(modules[0]))
            for name, modules in self._modules_of_units().items()
        }

    def _modules_of_units(self) -> dict[str, list[nn.Module]]:
        return {
            "projection": [self.projection],
            "positions": [self.transformer.pos_conv_embed],
            "layers": list(self.transformer.layers),
        }

    def compute_exactly(self, names: frozenset[str]) -> None:
        """Computes these units in fp32 from now on; also within transformers' own encoder."""
        super().compute_exactly(names)
        if not self.packs:
            for name, modules in self._modules_of_units().items():
                for module in modules if name in names else ():
                    module.forward = in_fp32(module.forward)

    def local_part(self) -> nn.Module:
        """The CNN."""
        return self.cnn
