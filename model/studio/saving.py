"""Serializes the state of a song without the constant objects, such as instruments, that all songs share.

A shared object is written as its index in a list that the saving and the restoring process build in the same way; a
tone (the sound of an instrument at one pitch) is written as its parameters in the instrument bank. The bytes are only
exchanged between processes of this program, and are trusted.
"""

import io
import pickle
from collections.abc import Sequence

from typing_extensions import override

from model.studio.sound.bank import InstrumentBank
from model.studio.sound.tones import Tone


class _Saver(pickle.Pickler):
    def __init__(self, file: io.BytesIO, bank: InstrumentBank, shared: Sequence[object]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._bank = bank
        self._places = {id(value): place for place, value in enumerate(shared)}

    @override
    def persistent_id(self, value: object) -> object:
        if isinstance(value, Tone):
            return self._bank.tone_key(value)
        return self._places.get(id(value))


class _Loader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, bank: InstrumentBank, shared: Sequence[object]) -> None:
        super().__init__(file)
        self._bank = bank
        self._shared = shared

    @override
    def persistent_load(self, name: object) -> object:
        if isinstance(name, int):
            return self._shared[name]
        assert isinstance(name, tuple)
        return self._bank.tone_of(name)


def save(value: object, bank: InstrumentBank, shared: Sequence[object]) -> bytes:
    """Serialize `value` to bytes; tones of `bank` and the objects in `shared` are written as references."""
    file = io.BytesIO()
    _Saver(file, bank, shared).dump(value)
    return file.getvalue()


def load(saved: bytes, bank: InstrumentBank, shared: Sequence[object]) -> object:
    """Restore the object that `save` serialized; its tones are those of `bank`, and `shared` holds objects equal to
    those that `save` was given, in the same order.
    """
    return _Loader(io.BytesIO(saved), bank, shared).load()
