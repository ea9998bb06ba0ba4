"""Measures the memory of tensors on a device that does not count memory."""

import gc
import types
import weakref
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

_BEYOND = (type, types.ModuleType, types.FunctionType, torch.nn.Module)


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Context manager that counts the bytes of all tensors made in it that still exist; `peak` is the highest count."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = self._live = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        given = {each.untyped_storage()._cdata for each in tree_flatten(args)[0] if isinstance(each, torch.Tensor)}
        for each in tree_flatten(made)[0]:
            if isinstance(each, torch.Tensor) and each.untyped_storage()._cdata not in given | self._known:
                self._add(each.untyped_storage())
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        self._known.add(key)
        self._live += size
        self.peak = max(self.peak, self._live)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._live -= size


def reachable_tensors(root: object) -> Iterator[torch.Tensor]:
    """Yield every tensor that `root` keeps alive, directly or through other objects, except those in networks,
    functions and classes.
    """
    seen, pending = {id(root)}, [root]
    while pending:
        one = pending.pop()
        if isinstance(one, torch.Tensor):
            yield one
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, _BEYOND):
                seen.add(id(other))
                pending.append(other)
