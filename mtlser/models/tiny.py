"""The architecture of the bundled backbone, and its export in Hugging Face layout."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from mtlser.data.alphabets import VOCABULARY
from mtlser.models.bundle import TrainedModel
from mtlser.models.encoder import Wav2Vec2Encoder
from mtlser.records import SAMPLE_RATE_HZ

PREPROCESSOR = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "feature_size": 1,
    "sampling_rate": SAMPLE_RATE_HZ,
    "padding_value": 0.0,
    "padding_side": "right",
    "do_normalize": True,
    "return_attention_mask": True,
}


def write_untrained(folder: Path, seed: int) -> None:
    """Writes a wav2vec 2.0 of 2 M random weights to `folder`: 20 ms frames, 4 layers of 192.

    Its CNN has layer norm, so that it does not see padding, and a first layer of stride 10 and
    few channels, since most of a wav2vec 2.0's time goes into the first layers.
    """
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    torch.manual_seed(seed)
    config = Wav2Vec2Config(
        vocab_size=len(VOCABULARY),
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=512,
        conv_dim=(64, 96, 128, 192, 256, 256),
        conv_stride=(10, 2, 2, 2, 2, 2),
        conv_kernel=(20, 3, 3, 3, 3, 2),
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=8,
        hidden_dropout=0.05,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
        apply_spec_augment=False,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        ctc_zero_infinity=True,
        ctc_loss_reduction="mean",
    )
    model = Wav2Vec2ForCTC(config)
    model.save_pretrained(folder)
    write_processor(folder)


def write_processor(folder: Path) -> None:
    """Writes what transformers' processor needs beside the weights."""
    (folder / "preprocessor_config.json").write_text(
        json.dumps(PREPROCESSOR, indent=1) + "\n", encoding="utf-8"
    )
    symbols = {symbol: index for index, symbol in enumerate(VOCABULARY)}
    (folder / "vocab.json").write_text(json.dumps(symbols, indent=1) + "\n", encoding="utf-8")


def export(trained: TrainedModel, untrained: Path, folder: Path) -> None:
    """Writes a trained network's encoder and CTC head as fp16 `Wav2Vec2ForCTC` weights.

    Args:
        trained: a network on the last layer of the encoder in `untrained`.
        untrained: the folder that its training started from; its configuration is kept.
        folder: where the backbone goes.
    """
    from transformers import Wav2Vec2ForCTC

    model = Wav2Vec2ForCTC.from_pretrained(untrained)
    encoder = trained.network.encoder
    assert isinstance(encoder, Wav2Vec2Encoder)
    model.wav2vec2.feature_extractor.load_state_dict(encoder.cnn.state_dict())
    model.wav2vec2.feature_projection.load_state_dict(encoder.projection.state_dict())
    model.wav2vec2.encoder.load_state_dict(encoder.transformer.state_dict())
    assert trained.network.ctc_head is not None
    model.lm_head.load_state_dict(trained.network.ctc_head.state_dict())
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.save_pretrained(folder)
    write_processor(folder)
