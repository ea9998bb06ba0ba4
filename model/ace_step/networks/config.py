"""Reads the sizes of each network from `config.json`, and raises an error for values that do not fit ACE-Step v1."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.engine import EngineUnavailable
from model.shared.networks.t5_config import T5Config

_ADVICE = "use the checkpoint of ACE-Step v1"

_RESIDUAL, _ATTENTION = "ResBlock", "EfficientViTBlock"
_AUTOENCODER_DEFAULTS = {
    "decoder_norm_types": "rms_norm", "decoder_act_fns": "silu", "decoder_conv_act_fn": "relu",
    "encoder_out_shortcut": True, "decoder_in_shortcut": True,
}  # fmt: skip
_AUTOENCODER = _AUTOENCODER_DEFAULTS | {"downsample_block_type": "Conv", "upsample_block_type": "interpolate"}
"""Values that the autoencoder's `config.json` must have; those with a default may be absent."""


@dataclass(frozen=True, slots=True)
class LyricEncoderConfig:
    """Sizes of the lyric encoder; the released `config.json` lacks them, so they are read from the weights."""

    width: int = 1024
    heads: int = 16
    hidden: int = 4096
    layers: int = 6


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """Sizes of the denoising transformer; the defaults are those of the released 3.5B model."""

    heads: int = 20
    head_width: int = 128
    layers: int = 24
    mlp_ratio: float = 2.5
    channels: int = 8
    height: int = 16
    patch_width: int = 2048
    rope_theta: float = 1e6
    text_width: int = 768
    speaker_width: int = 512
    lyric_vocabulary: int = 6693
    max_position: int = 32768
    lyric: LyricEncoderConfig = LyricEncoderConfig()

    @property
    def width(self) -> int:
        """Number of features of a token; one latent frame is one token."""
        return self.heads * self.head_width

    @property
    def hidden(self) -> int:
        """Number of hidden features of a feed-forward layer, counted after the gate."""
        return int(self.width * self.mlp_ratio)


@dataclass(frozen=True, slots=True)
class VocoderConfig:
    """Sizes of the vocoder; the defaults are those of the released model."""

    sample_rate: int = 44_100
    n_fft: int = 2048
    hop: int = 512
    bands: int = 128
    depths: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (128, 256, 384, 512)
    kernel: int = 7
    head_width: int = 1024
    rates: tuple[int, ...] = (4, 4, 2, 2, 2, 2, 2)
    rate_kernels: tuple[int, ...] = (8, 8, 4, 4, 4, 4, 4)
    block_kernels: tuple[int, ...] = (3, 7, 11, 13)
    dilations: tuple[int, ...] = (1, 3, 5)
    pre_kernel: int = 13
    post_kernel: int = 13


@dataclass(frozen=True, slots=True)
class Stage:
    """Sizes of a stage of the autoencoder: `layers` blocks of `channels` channels. With `kernels` the blocks are
    attention layers that also aggregate over neighbourhoods of these sizes; otherwise they are residual convolutions.
    """

    channels: int
    layers: int
    kernels: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """Sizes of the autoencoder; the defaults are those of the released model. In encoder and decoder alike, the first
    stage is the one next to the mel frames.
    """

    channels: int = 2
    latent_channels: int = 8
    head_width: int = 32
    encoder: tuple[Stage, ...] = (Stage(128, 2), Stage(256, 2), Stage(512, 3), Stage(1024, 3, (5,)))
    decoder: tuple[Stage, ...] = (Stage(128, 3), Stage(256, 3), Stage(512, 3), Stage(1024, 3, (5,)))


def autoencoder_config(values: Mapping[str, Any]) -> AutoencoderConfig:
    """Return the sizes of the autoencoder in a released `config.json`; raises EngineUnavailable if a value is missing,
    or differs from that of ACE-Step v1.
    """
    _expect(values, "_class_name", "AutoencoderDC")
    for name, wanted in _AUTOENCODER.items():
        _expect({**_AUTOENCODER_DEFAULTS, **values}, name, wanted)
    return AutoencoderConfig(
        channels=_value(values, "in_channels"),
        latent_channels=_value(values, "latent_channels"),
        head_width=_value(values, "attention_head_dim"),
        encoder=_stages(values, "encoder"),
        decoder=_stages(values, "decoder"),
    )


def _stages(values: Mapping[str, Any], half: str) -> tuple[Stage, ...]:
    """Return the sizes of the stages of `half`, "encoder" or "decoder", from the values of `config.json`."""
    names = ("block_types", "block_out_channels", "layers_per_block", "qkv_multiscales")
    lists = [_value(values, f"{half}_{name}") for name in names]
    if len({len(each) for each in lists}) != 1:
        raise EngineUnavailable(
            f"config.json of the autoencoder must have lists of equal length for "
            f"{', '.join(f'{half}_{name}' for name in names)}: {_ADVICE}"
        )
    return tuple(
        Stage(channels, layers, _kernels(f"{half}_{names[0]}", kind, kernels))
        for kind, channels, layers, kernels in zip(*lists, strict=True)
    )


def _kernels(name: str, kind: object, kernels: list[int]) -> tuple[int, ...] | None:
    if kind not in (_RESIDUAL, _ATTENTION):
        raise EngineUnavailable(
            f"config.json has {kind!r} in {name}, but ACE-Step v1 has only {_RESIDUAL} and {_ATTENTION}: {_ADVICE}"
        )
    return tuple(kernels) if kind == _ATTENTION else None


def text_encoder_config(values: Mapping[str, Any]) -> T5Config:
    """Return the sizes of the text encoder in a released `config.json`; raises EngineUnavailable if a value is missing,
    or differs from that of ACE-Step v1.
    """
    _expect(values, "model_type", "umt5")
    _expect(values, "feed_forward_proj", "gated-gelu")
    defaults = T5Config(0, 0, 0, 0, 0, 0)
    return T5Config(
        vocabulary=_value(values, "vocab_size"),
        width=_value(values, "d_model"),
        head_width=_value(values, "d_kv"),
        heads=_value(values, "num_heads"),
        hidden=_value(values, "d_ff"),
        layers=_value(values, "num_layers"),
        buckets=values.get("relative_attention_num_buckets", defaults.buckets),
        farthest=values.get("relative_attention_max_distance", defaults.farthest),
        epsilon=values.get("layer_norm_epsilon", defaults.epsilon),
        gated=True,
        biases_in_every_layer=True,
    )


def transformer_config(values: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> TransformerConfig:
    """Return the sizes of the transformer in a released `config.json`; missing values are derived from the tensors'
    `shapes`.

    Raises:
        EngineUnavailable: a value is missing, or differs from that of ACE-Step v1.
    """
    _expect(values, "_class_name", "ACEStepTransformer2DModel")
    _expect(values, "patch_size", [16, 1])
    _expect(values, "out_channels", _value(values, "in_channels"))
    return TransformerConfig(
        heads=_value(values, "num_attention_heads"),
        head_width=_value(values, "attention_head_dim"),
        layers=_value(values, "num_layers"),
        mlp_ratio=_value(values, "mlp_ratio"),
        channels=_value(values, "in_channels"),
        height=_value(values, "max_height"),
        rope_theta=_value(values, "rope_theta"),
        text_width=_value(values, "text_embedding_dim"),
        speaker_width=_value(values, "speaker_embedding_dim"),
        lyric_vocabulary=_value(values, "lyric_encoder_vocab_size"),
        max_position=_value(values, "max_position"),
        patch_width=_shape(shapes, "proj_in.early_conv_layers.0.weight")[0],
        lyric=_lyric_encoder_config(shapes),
    )


def vocoder_config(values: Mapping[str, Any]) -> VocoderConfig:
    """Return the sizes of the vocoder in a released `config.json`; raises EngineUnavailable if a value is missing, or
    differs from that of ACE-Step v1.
    """
    _expect(values, "_class_name", "ADaMoSHiFiGANV1")
    dilations = {tuple(each) for each in _value(values, "resblock_dilation_sizes")}
    if len(dilations) != 1:
        raise EngineUnavailable(
            "config.json of the vocoder must have the same resblock_dilation_sizes for every kernel size: use the "
            "checkpoint of ACE-Step v1"
        )
    return VocoderConfig(
        sample_rate=_value(values, "sampling_rate"),
        n_fft=_value(values, "n_fft"),
        hop=_value(values, "hop_length"),
        bands=_value(values, "n_mels"),
        depths=tuple(_value(values, "depths")),
        widths=tuple(_value(values, "dims")),
        kernel=_value(values, "kernel_sizes")[0],
        head_width=_value(values, "upsample_initial_channel"),
        rates=tuple(_value(values, "upsample_rates")),
        rate_kernels=tuple(_value(values, "upsample_kernel_sizes")),
        block_kernels=tuple(_value(values, "resblock_kernel_sizes")),
        dilations=dilations.pop(),
        pre_kernel=_value(values, "pre_conv_kernel_size"),
        post_kernel=_value(values, "post_conv_kernel_size"),
    )


def _lyric_encoder_config(shapes: Mapping[str, tuple[int, ...]]) -> LyricEncoderConfig:
    prefix = "lyric_encoder.encoders."
    layers = {int(name.removeprefix(prefix).partition(".")[0]) for name in shapes if name.startswith(prefix)}
    return LyricEncoderConfig(
        width=_shape(shapes, "lyric_encoder.embed.out.0.weight")[0],
        heads=_shape(shapes, prefix + "0.self_attn.pos_bias_u")[0],
        hidden=_shape(shapes, prefix + "0.feed_forward.w_1.weight")[0],
        layers=max(layers) + 1,
    )


def _shape(shapes: Mapping[str, tuple[int, ...]], name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise EngineUnavailable(f"the weights of the transformer lack the tensor {name}: {_ADVICE}")
    return shapes[name]


def _value(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise EngineUnavailable(f"config.json lacks {name!r}: {_ADVICE}")
    return values[name]


def _expect(values: Mapping[str, Any], name: str, wanted: object) -> None:
    if (found := _value(values, name)) != wanted:
        raise EngineUnavailable(f"config.json has {name} = {found!r}, but ACE-Step v1 has {wanted!r}: {_ADVICE}")
