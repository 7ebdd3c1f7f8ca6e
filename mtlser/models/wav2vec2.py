"""wav2vec 2.0, HuBERT and WavLM as encoders of packed clips."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from mtlser.models.convolution import convolve_clips
from mtlser.models.norm import layer_norm
from mtlser.models.packed import Packed
from mtlser.models.speech_encoder import SHORTEST, SpeechEncoder, compute_dtype, kept
from mtlser.models.transformer import embed_positions, project, run_blocks, wav2vec2_block


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
        self.norm_first = bool(config.do_stable_layer_norm)
        self.packs = config.model_type != "wavlm" and not getattr(
            config, "conv_pos_batch_norm", False
        )
        """Whether the transformer runs on packed clips; else it is transformers' own."""
        self.strides = tuple(zip(config.conv_kernel, config.conv_stride, strict=True))

    def local(self, wavs: list[Tensor]) -> list[Tensor]:
        """CNN features of each clip, (n,) -> (t, c), without padding.

        Clips go together where that gives gradients from one product, else one by one.
        """
        prepared = [self._prepare(wav_n) for wav_n in wavs]
        dtype = compute_dtype(self)
        together = torch.is_grad_enabled() and any(p.requires_grad for p in self.cnn.parameters())
        groups = [prepared] if together else [[wav_n] for wav_n in prepared]
        with torch.autocast(prepared[0].device.type, enabled=False):
            packed = [convolve_clips(self.cnn, group, dtype) for group in groups]
        return [clip_tc for group in packed for clip_tc in group.clips()]

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
        dtype = compute_dtype(self)
        with torch.autocast(local.rows_nd.device.type, enabled=False):
            rows = project(self.projection, local, dtype)
            rows = embed_positions(self.transformer, rows, self.norm_first)
            blocks = [wav2vec2_block(layer, self.norm_first) for layer in self.transformer.layers]
            outputs = kept(run_blocks(blocks, rows, self.recompute), every)
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

    def local_part(self) -> nn.Module:
        """The CNN."""
        return self.cnn
