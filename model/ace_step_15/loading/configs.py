"""Reads the sizes of the networks from the `config.json` files of both checkpoint layouts."""

from collections.abc import Mapping
from typing import Any

from model.ace_step_15.networks.config import (
    CodecConfig,
    ConditionConfig,
    StackConfig,
    TextConfig,
    TokenConfig,
    TransformerConfig,
    Variant,
)
from model.engine import EngineUnavailable

MODEL = "ACE-Step 1.5"

Values = Mapping[str, Any]

_POOL = 5
_LEVELS = (8, 8, 8, 5, 5, 5)
_POOLER_LAYERS = 2
_SLIDING = "sliding_attention"
_ENCODER = "encoder_"


def transformer_config(values: Values) -> TransformerConfig:
    """Return the sizes of the denoiser in a `config.json`; if `encoder_hidden_size` is missing, the denoiser's own
    width is used.

    Raises:
        EngineUnavailable: a value is missing, or ACE-Step 1.5 cannot have it.
    """
    config = TransformerConfig(
        stack=stack_config(values),
        sliding=_slides(values, _value(values, "num_hidden_layers")),
        channels=_value(values, "audio_acoustic_hidden_dim"),
        patch=_value(values, "patch_size"),
        context_width=values.get("encoder_hidden_size") or _value(values, "hidden_size"),
        variant=_variant(values),
    )
    if (found := _value(values, "in_channels")) != 3 * config.channels:
        raise _unlike("in_channels", found, 3 * config.channels)
    return config


def condition_config(values: Values) -> ConditionConfig:
    """Return the sizes of the encoder of text, lyrics and timbre. The timbre layers alternate between full and sliding
    attention, whatever `layer_types` says.
    """
    timbre = _value(values, "num_timbre_encoder_hidden_layers")
    return ConditionConfig(
        stack=stack_config(values),
        lyric_sliding=_slides(values, _value(values, "num_lyric_encoder_hidden_layers")),
        timbre_sliding=_alternating(timbre),
        text_width=_value(values, "text_hidden_dim"),
        channels=_value(values, "timbre_hidden_dim"),
    )


def token_config(values: Values) -> TokenConfig:
    """Return the sizes of the audio tokenizer or detokenizer in a `config.json`."""
    if (quantizers := values.get("fsq_input_num_quantizers", 1)) != 1:
        raise _unlike("fsq_input_num_quantizers", quantizers, 1)
    return TokenConfig(
        stack=stack_config(values),
        sliding=_slides(values, values.get("num_attention_pooler_hidden_layers", _POOLER_LAYERS)),
        channels=_value(values, "audio_acoustic_hidden_dim"),
        pool=values.get("pool_window_size", _POOL),
        levels=tuple(values.get("fsq_input_levels") or _LEVELS),
        code_width=values.get("fsq_dim") or _value(values, "hidden_size"),
    )


def text_config(values: Values) -> TextConfig:
    """Return the sizes of the text encoder, a Qwen3 in the format of the library transformers, in a `config.json`."""
    if (found := _value(values, "model_type")) != "qwen3":
        raise _unlike("model_type", found, "qwen3")
    theta = values.get("rope_theta") or _value(_value(values, "rope_parameters"), "rope_theta")
    stack = stack_config({**values, "rope_theta": theta, "sliding_window": 1})
    return TextConfig(stack, _value(values, "num_hidden_layers"), _value(values, "vocab_size"))


def codec_config(values: Values) -> CodecConfig:
    """Return the sizes of the audio autoencoder in a `config.json`."""
    return CodecConfig(
        encoder_width=_value(values, "encoder_hidden_size"),
        decoder_width=_value(values, "decoder_channels"),
        channels=_value(values, "decoder_input_channels"),
        ratios=tuple(_value(values, "downsampling_ratios")),
        multiples=tuple(_value(values, "channel_multiples")),
        sound_channels=_value(values, "audio_channels"),
        sample_rate=_value(values, "sampling_rate"),
    )


def stack_config(values: Values) -> StackConfig:
    """Return the sizes in a `config.json` that all attention layers of a network share."""
    return StackConfig(
        width=_value(values, "hidden_size"),
        hidden=_value(values, "intermediate_size"),
        heads=_value(values, "num_attention_heads"),
        key_heads=_value(values, "num_key_value_heads"),
        head_width=_value(values, "head_dim"),
        epsilon=_value(values, "rms_norm_eps"),
        theta=float(_value(values, "rope_theta")),
        bias=_value(values, "attention_bias"),
        window=_value(values, "sliding_window"),
    )


def of_encoders(values: Values) -> Values:
    """Return the values of the original `config.json` that apply to the condition encoder and the audio tokenizer.

    In the XL model the sizes of these networks have names that start with "encoder_".
    """
    own = {name.removeprefix(_ENCODER): value for name, value in values.items() if name.startswith(_ENCODER)}
    return {**values, **own}


def _variant(values: Values) -> Variant:
    """Return the variant of the model, the value `model_version`. If that value is missing, it is turbo if `is_turbo`
    is true, otherwise base.
    """
    version = str(values.get("model_version") or "").lower()
    if values.get("is_turbo") or "turbo" in version:
        return Variant.TURBO
    return Variant.SFT if "sft" in version else Variant.BASE


def _slides(values: Values, layers: int) -> tuple[bool, ...]:
    """Return, for each of the `layers`, True if its attention is limited to a sliding window. The first entries of
    `layer_types` decide; without that value, every other layer is limited, from the first on.
    """
    kinds = values.get("layer_types")
    if kinds is None:
        return _alternating(layers)
    if len(kinds) < layers:
        raise EngineUnavailable(
            f"config.json has {len(kinds)} layer_types for {layers} layers: use a checkpoint of ACE-Step 1.5"
        )
    return tuple(kind == _SLIDING for kind in kinds[:layers])


def _alternating(layers: int) -> tuple[bool, ...]:
    return tuple(index % 2 == 0 for index in range(layers))


def _unlike(name: str, found: object, wanted: object) -> EngineUnavailable:
    return EngineUnavailable(
        f"config.json has {name} = {found!r}, but ACE-Step 1.5 has {wanted!r}: use a checkpoint of ACE-Step 1.5"
    )


def _value(values: Values, name: str) -> Any:
    if name not in values:
        raise EngineUnavailable(f"config.json lacks {name!r}: use a checkpoint of ACE-Step 1.5")
    return values[name]
