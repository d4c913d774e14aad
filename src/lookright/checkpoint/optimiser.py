"""An optimiser's state as tensors for safetensors and a plain JSON skeleton around them."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def flatten_optimizer(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split a `state_dict` into named tensors and plain JSON; nothing is rounded or converted.

    Tuples and keys that are not strings survive: each dictionary becomes a list of pairs.
    """
    tensors: dict[str, Tensor] = {}
    return tensors, _pack(dict(state), "", tensors)


def unflatten_optimizer(tensors: Mapping[str, Tensor], skeleton: Mapping[str, Any]) -> Any:
    """Put back together what `flatten_optimizer` split, for `load_state_dict`."""
    return _unpack(skeleton, tensors)


def _pack(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors[path] = value
        return {"tensor": path}
    if isinstance(value, dict):
        pairs = [[key, _pack(item, _join(path, key), tensors)] for key, item in value.items()]
        return {"pairs": pairs}
    if isinstance(value, (list, tuple)):
        items = [_pack(item, _join(path, n), tensors) for n, item in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    return value


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "tuple" in value:
        return tuple(_unpack(item, tensors) for item in value["tuple"])
    return {key: _unpack(item, tensors) for key, item in value["pairs"]}


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)
