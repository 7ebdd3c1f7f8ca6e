"""Small encoders and networks for tests, made from random weights."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def write_encoder(folder: Path, family: str = "wav2vec2", norm: str = "layer") -> str:
    """Writes a random encoder of a family in Hugging Face layout; its place."""
    import transformers

    torch.manual_seed(0)
    if family == "whisper":
        config = transformers.WhisperConfig(
            d_model=32,
            encoder_layers=2,
            encoder_attention_heads=4,
            encoder_ffn_dim=48,
            decoder_layers=1,
            decoder_attention_heads=4,
            decoder_ffn_dim=48,
            vocab_size=50,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
        )
        transformers.WhisperForAudioClassification(config).save_pretrained(folder)
        transformers.WhisperFeatureExtractor().save_pretrained(folder)
        return str(folder)
    kinds = {
        "wav2vec2": (transformers.Wav2Vec2Config, transformers.Wav2Vec2Model),
        "hubert": (transformers.HubertConfig, transformers.HubertModel),
        "wavlm": (transformers.WavLMConfig, transformers.WavLMModel),
    }
    configuration, kind = kinds[family]
    stable = norm == "layer"
    kind(
        configuration(feat_extract_norm=norm, do_stable_layer_norm=stable, **SMALL)
    ).save_pretrained(folder)
    return str(folder)


def clips(*seconds: float, seed: int = 0) -> list[NDArray[np.float32]]:
    """Noise clips of these lengths at 16 kHz, of unlike loudness."""
    rng = np.random.default_rng(seed)
    return [
        (rng.standard_normal(int(16_000 * s)) * 0.05 * (i + 1)).astype(np.float32)
        for i, s in enumerate(seconds)
    ]
