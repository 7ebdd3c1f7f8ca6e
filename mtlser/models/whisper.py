"""Whisper's encoder on packed clips."""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from mtlser.errors import MtlserError
from mtlser.models.computed_in import computed_exactly
from mtlser.models.copies import weight_in
from mtlser.models.dropout import dropout
from mtlser.models.norm import layer_norm
from mtlser.models.packed import Packed
from mtlser.models.segments import segments_of
from mtlser.models.speech_encoder import (
    SHORTEST,
    Sound,
    SpeechEncoder,
    Unit,
    collect,
)
from mtlser.models.transformer import joined_parameters, run_block, run_blocks, whisper_block
from mtlser.models.way import by_index
from mtlser.models.windowed import convolve_windows
from mtlser.records import SAMPLE_RATE_HZ

MELS_A_SECOND = 100


class WhisperEncoder(SpeechEncoder):
    """Whisper's encoder with the mel cut to the clip instead of padded to 30 s."""

    local_unit = 2

    def __init__(self, model: Any, extractor: Any) -> None:
        super().__init__(normalise=False)
        self.encoder = model
        self.extractor = extractor
        self.width = model.config.d_model
        self.layer_count = model.config.encoder_layers
        self.head_width = self.width // model.config.encoder_attention_heads
        self.max_frames = model.config.max_source_positions
        self.window_s = min(self.window_s, 2 * self.max_frames / MELS_A_SECOND)

    def local_one(self, wav_n: Tensor) -> Tensor:
        """Log-mel spectrogram of one clip, (n,) -> (t, mel), t even, 10 ms a frame."""
        with torch.autocast("cpu", enabled=False):
            mel_mt = self.extractor(
                wav_n.cpu().numpy(),
                sampling_rate=SAMPLE_RATE_HZ,
                padding=False,
                truncation=False,
                return_tensors="pt",
            ).input_features[0]
        even = mel_mt.shape[1] // 2 * 2
        if even > 2 * self.max_frames:
            raise MtlserError(
                f"a clip of {even / 100:.1f} s is longer than the {self.max_frames / 50:.0f} s "
                "that this Whisper encoder is trained on; leave it out with "
                f"`--set data.max_duration_s={self.window_s:g}`"
            )
        return mel_mt[:, :even].T.to(wav_n.device)

    def _laid_out(self, prepared: list[Tensor]) -> tuple[Tensor, tuple[int, ...]]:
        mels = [self.local_one(wav_n) for wav_n in prepared]
        return torch.cat(mels), tuple(map(len, mels))

    def enter(self, sound: Sound) -> Packed:
        """The spectrograms of all clips, rows (t, mel)."""
        return Packed(sound.values, sound.lengths)

    def _joined_parameters(self) -> list[tuple[nn.Parameter, ...]]:
        return joined_parameters(self.encoder.layers)

    def local_frames(self, samples: int) -> int:
        """Mel frames of so many samples: 10 ms each, an even number."""
        return max(samples, SHORTEST) // 160 // 2 * 2

    def frames(self, local_frames: int) -> int:
        """The second convolution halves the mel's frames."""
        return local_frames // 2

    def context(self, local: Packed, *, every: bool = True) -> list[Packed]:
        """Output of every transformer layer, or of the last alone."""
        dtype, device = self.unit_dtype("layers"), local.rows_nd.device
        exact = "convolution" in self.exact
        if by_index(device):
            computed = torch.float32 if exact else dtype
            with computed_exactly(device):
                hidden = self._convolve_rows(local, computed)
                hidden = hidden.with_rows(hidden.rows_nd.to(dtype))
        else:
            with computed_exactly(device) if exact else nullcontext():
                hidden = Packed.of([self._convolve(clip_tc).to(dtype) for clip_tc in local.clips()])
        with computed_exactly(device):
            rows = hidden.rows_nd
            hidden = hidden.with_rows(dropout(rows, self.encoder.dropout, self.training))
            blocks = [whisper_block(layer) for layer in self.encoder.layers]
            outputs = collect(run_blocks(blocks, hidden, self.recompute), every)
            outputs[-1] = layer_norm(outputs[-1], self.encoder.layer_norm)
        return [hidden.with_rows(output) for output in outputs]

    def _convolve(self, mel_tc: Tensor) -> Tensor:
        """One clip's input to the transformer: (t, mel) -> (t / 2, d)."""
        model = self.encoder
        hidden_dt = nn.functional.gelu(model.conv1(mel_tc.T[None]))
        hidden_td = nn.functional.gelu(model.conv2(hidden_dt))[0].T
        return hidden_td + model.embed_positions.weight[: len(hidden_td)]

    def _convolve_rows(self, mels: Packed, dtype: torch.dtype) -> Packed:
        """As `_convolve`, of all clips: rows (t, mel) -> (t / 2, d)."""
        rows, segments, lengths = mels.rows_nd.to(dtype), mels.segments, mels.lengths
        for conv in (self.encoder.conv1, self.encoder.conv2):
            (stride,) = conv.stride
            weight, bias = weight_in(conv.weight, dtype), weight_in(conv.bias, dtype)
            rows = nn.functional.gelu(convolve_windows(rows, segments, weight, bias, stride))
            lengths = tuple(length // stride for length in lengths)
            segments = segments_of(
                lengths, rows.device, segments.lengths_b // stride, segments.longest // stride
            )
        positions = weight_in(self.encoder.embed_positions.weight, dtype)
        return Packed(rows + positions.index_select(0, segments.place_n), lengths)

    def units(self) -> dict[str, Unit]:
        """The two convolutions on the mel, and a transformer layer."""

        def convolution(mel_tc: Tensor, dtype: torch.dtype) -> Tensor:
            if by_index(mel_tc.device):
                return self._convolve_rows(Packed(mel_tc, (len(mel_tc),)), dtype).rows_nd
            enabled = dtype != torch.float32
            with torch.autocast(mel_tc.device.type, dtype=dtype, enabled=enabled):
                return self._convolve(mel_tc)

        def layer(x_nd: Tensor, dtype: torch.dtype) -> Tensor:
            return run_block(whisper_block(self.encoder.layers[0]), x_nd.to(dtype), (len(x_nd),))

        mels = int(self.encoder.conv1.in_channels)
        return {
            "convolution": Unit((MELS_A_SECOND, mels), self.encoder.conv1, convolution),
            "layers": Unit((MELS_A_SECOND // 2, self.width), self.encoder.layers[0], layer),
        }

    def local_part(self) -> None:
        """A log-mel spectrogram has nothing to train."""
        return
