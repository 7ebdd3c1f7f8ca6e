"""The shared encoder P of the paper (section 4.1) over four families of pre-trained models.

Every family is cut at the same two places, so that training can cache what it does not train:

`local`    one clip's samples -> local features (the CNN of wav2vec 2.0, HuBERT and WavLM; the
           log-mel spectrogram of Whisper)
`context`  local features of several clips -> the output of every transformer layer

Clips travel as `Packed`: no output depends on batch mates.
"""

import json
import warnings
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mtlser.errors import MtlserError
from mtlser.models.convolution import convolve_clips
from mtlser.models.dropout import dropout
from mtlser.models.norm import layer_norm
from mtlser.models.packed import Packed
from mtlser.models.transformer import (
    embed_positions,
    project,
    run_blocks,
    wav2vec2_block,
    whisper_block,
)

SAMPLE_RATE_HZ = 16_000
SHORTEST = 2 * 320
"""Samples that a shorter clip is padded to: one frame of 20 ms at least."""
BUNDLED = Path(__file__).parent.parent / "backbone"
FAMILIES = ("wav2vec2", "hubert", "wavlm", "whisper")


def real_frames(frames_b: Tensor, length: int) -> Tensor:
    """Mask of real frames, true where a frame is not padding: (b,) -> (b, length)."""
    return torch.arange(length, device=frames_b.device) < frames_b[:, None]


def compute_dtype(module: nn.Module) -> torch.dtype:
    """What products are computed in: autocast's type where that is on, else the weights'."""
    weight = next(module.parameters())
    if torch.is_autocast_enabled(weight.device.type):
        return torch.get_autocast_dtype(weight.device.type)
    return weight.dtype


def _kept(outputs: Iterator[Tensor], every: bool) -> list[Tensor]:
    """All outputs, or the last alone, so that no other stays in memory."""
    return list(outputs) if every else [*deque(outputs, maxlen=1)]


class SpeechEncoder(nn.Module):
    """Base of the families: `local`, `context`, and what sizes they have."""

    width: int
    """Features of one layer, d."""
    layer_count: int

    def __init__(self, normalise: bool) -> None:
        super().__init__()
        self.normalise = normalise
        self.recompute = False
        """Whether transformer layers are computed again in backward, to spare memory."""

    def local(self, wavs: list[Tensor]) -> list[Tensor]:
        """Local features of each clip: samples (n,) at 16 kHz -> (t, c), without padding."""
        return [self.local_one(self._prepare(wav_n)) for wav_n in wavs]

    def local_one(self, wav_n: Tensor) -> Tensor:
        """Local features of one prepared clip, (n,) -> (t, c)."""
        raise NotImplementedError

    def local_frames(self, samples: int) -> int:
        """Local frames of a clip of so many samples."""
        raise NotImplementedError

    def frames(self, local_frames: int) -> int:
        """Output frames for so many local frames."""
        raise NotImplementedError

    def context(self, local: Packed, *, every: bool = True) -> list[Packed]:
        """Output of every transformer layer, the last one after its final norm.

        Args:
            local: rows (n, c) of local features.
            every: false gives the last layer alone, and does not hold on to the others.
        """
        raise NotImplementedError

    def local_part(self) -> nn.Module | None:
        """The trainable module behind `local`, if there is one."""
        raise NotImplementedError

    def _prepare(self, wav_n: Tensor) -> Tensor:
        """The clip, padded to one frame at least and scaled as the encoder was trained."""
        if len(wav_n) < SHORTEST:
            wav_n = nn.functional.pad(wav_n, (0, SHORTEST - len(wav_n)))
        if self.normalise:
            wav_n = (wav_n - wav_n.mean()) / torch.sqrt(wav_n.var(correction=0) + 1e-7)
        return wav_n


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
            outputs = _kept(run_blocks(blocks, rows, self.recompute), every)
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


class WhisperEncoder(SpeechEncoder):
    """Whisper's encoder with the mel cut to the clip instead of padded to 30 s."""

    def __init__(self, model: Any, extractor: Any) -> None:
        super().__init__(normalise=False)
        self.encoder = model
        self.extractor = extractor
        self.width = model.config.d_model
        self.layer_count = model.config.encoder_layers
        self.max_frames = model.config.max_source_positions

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
                "that this Whisper encoder takes; leave it out with `--set data.max_duration_s=30`"
            )
        return mel_mt[:, :even].T.to(wav_n.device)

    def local_frames(self, samples: int) -> int:
        """Mel frames of so many samples: 10 ms each, an even number."""
        return max(samples, SHORTEST) // 160 // 2 * 2

    def frames(self, local_frames: int) -> int:
        """The second convolution halves the mel's frames."""
        return local_frames // 2

    def context(self, local: Packed, *, every: bool = True) -> list[Packed]:
        """Output of every transformer layer, or of the last alone."""
        dtype = compute_dtype(self)
        hidden = Packed.of([self._convolve(clip_tc).to(dtype) for clip_tc in local.clips()])
        with torch.autocast(hidden.rows_nd.device.type, enabled=False):
            rows = hidden.rows_nd
            hidden = hidden.with_rows(dropout(rows, self.encoder.dropout, self.training))
            blocks = [whisper_block(layer) for layer in self.encoder.layers]
            outputs = _kept(run_blocks(blocks, hidden, self.recompute), every)
            outputs[-1] = layer_norm(outputs[-1], self.encoder.layer_norm)
        return [hidden.with_rows(output) for output in outputs]

    def _convolve(self, mel_tc: Tensor) -> Tensor:
        """One clip's input to the transformer: (t, mel) -> (t / 2, d)."""
        model = self.encoder
        hidden_dt = nn.functional.gelu(model.conv1(mel_tc.T[None]))
        hidden_td = nn.functional.gelu(model.conv2(hidden_dt))[0].T
        return hidden_td + model.embed_positions.weight[: len(hidden_td)]

    def local_part(self) -> None:
        """A log-mel spectrogram has nothing to train."""
        return


def load_encoder(source: str, *, weights: bool = True) -> SpeechEncoder:
    """The encoder that `source` names.

    Args:
        source: `bundled`, a folder in Hugging Face layout, or a hub name.
        weights: false builds the architecture alone, for weights that are loaded next.

    Raises:
        MtlserError: no such folder or hub name, or another kind of model.
    """
    from transformers import AutoConfig, AutoModel
    from transformers.utils import logging

    logging.set_verbosity_error()  # its load report lists heads that are not used here
    logging.disable_progress_bar()
    place = locate(source)
    try:
        config = AutoConfig.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise _not_found(source) from error
    if config.model_type not in FAMILIES:
        raise MtlserError(
            f"encoder {source!r} is a {config.model_type!r} model; allowed are "
            f"{', '.join(FAMILIES)}; choose one with `--set model.encoder=...`"
        )
    for name in ("layerdrop", "encoder_layerdrop", "mask_time_prob", "mask_feature_prob"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    config._attn_implementation = "sdpa" if config.model_type != "wavlm" else "eager"
    whisper = config.model_type == "whisper"
    kind: Any = AutoModel
    if whisper:  # imported only where it is wanted: that takes seconds
        from transformers import WhisperForAudioClassification

        kind = WhisperForAudioClassification
    try:
        model = (
            kind.from_pretrained(place, config=config, dtype=torch.float32)
            if weights
            else (kind(config) if whisper else kind.from_config(config))
        )
    except OSError as error:
        raise _not_found(source) from error
    return from_model(model, place)


def from_model(model: Any, place: str) -> SpeechEncoder:
    """The encoder of a transformers model, with the preprocessing named in `place`."""
    if model.config.model_type == "whisper":
        from transformers import WhisperFeatureExtractor

        encoder = getattr(model, "encoder", model)
        return WhisperEncoder(encoder, WhisperFeatureExtractor.from_pretrained(place))
    return Wav2Vec2Encoder(model, normalise=_normalises(place))


def locate(source: str) -> str:
    """What transformers is asked for: a folder where one exists, else a hub name.

    Raises:
        MtlserError: `source` looks like a path, and no folder is there.
    """
    if source == "bundled":
        return str(BUNDLED)
    path = Path(source).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise MtlserError(
                f"encoder {source!r}: the folder has no config.json; expected a model in Hugging "
                "Face layout; give another with `--set model.encoder=DIR`"
            )
        return str(path)
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise _not_found(source)
    return source


def _not_found(source: str) -> MtlserError:
    return MtlserError(
        f"encoder {source!r}: no such folder, and not to be had from the hub; allowed are "
        "`bundled`, a folder in Hugging Face layout or a hub name such as facebook/wav2vec2-base; "
        "give one with `--set model.encoder=...`"
    )


def _normalises(place: str) -> bool:
    """Whether the encoder was trained on clips of zero mean and unit variance."""
    found = file_of(place, "preprocessor_config.json")
    if found is None:
        return True
    return bool(json.loads(found.read_text(encoding="utf-8")).get("do_normalize", True))


def file_of(place: str, name: str) -> Path | None:
    """One file of a model in Hugging Face layout, or `None` where it has none of that name."""
    from transformers.utils.hub import cached_file

    found = cached_file(place, name, _raise_exceptions_for_missing_entries=False)
    return None if found is None else Path(found)
