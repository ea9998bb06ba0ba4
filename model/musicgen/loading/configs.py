"""Reads the sizes of the networks from `config.json`. The module does not import torch."""

import math
from collections.abc import Mapping
from typing import Any

from model.engine import EngineUnavailable
from model.musicgen.networks.config import ChromaConfig, CodecConfig, DecoderConfig, ModelConfig
from model.shared.networks.t5_config import T5Config

Values = Mapping[str, Any]

MODEL = "MusicGen"
_PLAIN, _MELODY = "musicgen", "musicgen_melody"
_CLASSES, _CHROMA_LENGTH, _CHROMA_SECONDS, _CHROMA_WINDOW, _CHROMA_HOP = 12, 235, 30, 16_384, 4_096
_DEFAULTS = {
    "num_residual_layers": 1, "kernel_size": 7, "last_kernel_size": 7, "residual_kernel_size": 3,
    "dilation_growth_rate": 2, "compress": 2, "num_lstm_layers": 2, "use_conv_shortcut": True,
}  # fmt: skip


def model_config(values: Values, preprocessor: Values) -> ModelConfig:
    """Return the sizes of all networks, from `config.json` and, for a melody model, `preprocessor_config.json`.

    Raises:
        EngineUnavailable: a value is missing, or MusicGen cannot have it.
    """
    kind = _value(values, "model_type")
    if kind not in (_PLAIN, _MELODY):
        raise _unlike("model_type", kind, f"{_PLAIN!r} or {_MELODY!r}")
    codec = _codec(_value(values, "audio_encoder"))
    decoder = _decoder(_value(values, "decoder"), attends_text=kind == _PLAIN)
    if decoder.codebooks != codec.codebooks * decoder.channels:
        raise _unlike("num_codebooks", decoder.codebooks, str(codec.codebooks * decoder.channels))
    chroma = _chroma(values, preprocessor, codec.sample_rate) if kind == _MELODY else None
    return ModelConfig(decoder, _text(_value(values, "text_encoder")), codec, chroma)


def _decoder(values: Values, *, attends_text: bool) -> DecoderConfig:
    _expect(values, "activation_function", "gelu")
    _expect(values, "scale_embedding", False)
    channels, codebooks = values.get("audio_channels", 1), _value(values, "num_codebooks")
    if channels not in (1, 2):
        raise _unlike("audio_channels", channels, "1 or 2")
    if codebooks % channels:
        raise _unlike("num_codebooks", codebooks, f"a multiple of audio_channels = {channels}")
    return DecoderConfig(
        layers=_value(values, "num_hidden_layers"),
        width=_value(values, "hidden_size"),
        heads=_value(values, "num_attention_heads"),
        hidden=_value(values, "ffn_dim"),
        codebooks=codebooks,
        vocabulary=_value(values, "vocab_size"),
        channels=channels,
        attends_text=attends_text,
    )


def _text(values: Values) -> T5Config:
    _expect(values, "model_type", "t5")
    _expect(values, "feed_forward_proj", "relu")
    return T5Config(
        vocabulary=_value(values, "vocab_size"),
        width=_value(values, "d_model"),
        head_width=_value(values, "d_kv"),
        heads=_value(values, "num_heads"),
        hidden=_value(values, "d_ff"),
        layers=_value(values, "num_layers"),
        buckets=values.get("relative_attention_num_buckets", 32),
        farthest=values.get("relative_attention_max_distance", 128),
        epsilon=values.get("layer_norm_epsilon", 1e-6),
    )


def _codec(values: Values) -> CodecConfig:
    for name, wanted in (
        ("model_type", "encodec"), ("use_causal_conv", False), ("norm_type", "weight_norm"), ("pad_mode", "reflect"),
        ("audio_channels", 1), ("normalize", False), ("chunk_length_s", None),
    ):  # fmt: skip
        _expect(values, name, wanted)
    all_values = {**_DEFAULTS, **values}
    ratios, rate = tuple(_value(values, "upsampling_ratios")), _value(values, "sampling_rate")
    size, width = _value(values, "codebook_size"), _value(values, "hidden_size")
    if (found := values.get("codebook_dim") or width) != width:
        raise _unlike("codebook_dim", found, str(width))
    frame_bits = math.ceil(rate / math.prod(ratios)) * math.ceil(math.log2(size))
    return CodecConfig(
        sample_rate=rate,
        filters=_value(values, "num_filters"),
        width=width,
        ratios=ratios,
        codebooks=int(1000 * _value(values, "target_bandwidths")[-1] // frame_bits),
        codebook_size=size,
        residual_layers=all_values["num_residual_layers"],
        kernel=all_values["kernel_size"],
        last_kernel=all_values["last_kernel_size"],
        residual_kernel=all_values["residual_kernel_size"],
        dilation_growth=all_values["dilation_growth_rate"],
        compress=all_values["compress"],
        lstm_layers=all_values["num_lstm_layers"],
        shortcut=all_values["use_conv_shortcut"],
    )


def _chroma(values: Values, preprocessor: Values, rate: int) -> ChromaConfig:
    _expect(values, "num_chroma", _CLASSES)
    _expect(preprocessor, "sampling_rate", rate)
    return ChromaConfig(
        classes=_CLASSES,
        length=values.get("chroma_length", _CHROMA_LENGTH),
        sample_rate=rate,
        samples=preprocessor.get("chunk_length", _CHROMA_SECONDS) * rate,
        window=preprocessor.get("n_fft", _CHROMA_WINDOW),
        hop=preprocessor.get("hop_length", _CHROMA_HOP),
    )


def _expect(values: Values, name: str, wanted: object) -> None:
    if (found := values.get(name, wanted)) != wanted:
        raise _unlike(name, found, repr(wanted))


def _unlike(name: str, found: object, wanted: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"config.json has {name} = {found!r}, but for {MODEL} it must be {wanted}: use a checkpoint of {MODEL}"
    )


def _value(values: object, name: str) -> Any:
    if not isinstance(values, Mapping) or name not in values:
        raise EngineUnavailable(f"config.json lacks {name!r}: use a checkpoint of {MODEL}")
    return values[name]
