"""Settings from constructors: what a class takes, checked and described from its signature.

An objective or a data set writes its settings once, as constructor arguments with types and
defaults; YAML, the command line and the listings read them here.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import BaseMetadata
from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from lookright.validation import validate

Thing = TypeVar("Thing")
_STRICT = ConfigDict(
    extra="forbid",
    frozen=True,
    allow_inf_nan=False,
    coerce_numbers_to_str=True,  # digits: [3, 8] are names
    protected_namespaces=(),
)
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


@dataclass(frozen=True)
class Setting:
    """One constructor argument, in words."""

    name: str
    kind: str  # "number in [0, 1]"
    default: str  # as YAML has it; empty: must be given

    def __str__(self) -> str:
        return f"{self.name} = {self.default or '?'} ({self.kind})"


def build(
    maker: type[Thing], given: Mapping[str, Any], where: str = "", also: Iterable[str] = ()
) -> Thing:
    """Make an instance with the given settings, or raise a ConfigError with all that is wrong."""
    return maker(**resolve(maker, given, where, also))


def resolve(
    maker: type, given: Mapping[str, Any], where: str = "", also: Iterable[str] = ()
) -> dict[str, Any]:
    """Check settings against a constructor and fill in its defaults."""
    checked = validate(schema(maker), given, where, also)
    return {name: getattr(checked, name) for name in type(checked).model_fields}


def schema(maker: type) -> type[BaseModel]:
    """Turn a constructor's signature into a pydantic model of its settings."""
    fields: dict[str, Any] = {
        name: (parameter.annotation, ... if _is_required(parameter) else parameter.default)
        for name, parameter in _parameters(maker).items()
    }
    return create_model(maker.__name__, __config__=_STRICT, **fields)


def describe(maker: type) -> list[Setting]:
    """List the settings of a class, each with its kind, its range and its default."""
    return [
        Setting(
            name,
            _kind(parameter.annotation),
            "" if _is_required(parameter) else _plain(parameter.default),
        )
        for name, parameter in _parameters(maker).items()
    ]


def summary(maker: type) -> str:
    """Return the first line of a class's documentation."""
    return (inspect.getdoc(maker) or maker.__name__).partition("\n")[0]


def _parameters(maker: type) -> dict[str, inspect.Parameter]:
    found = inspect.signature(maker, eval_str=True).parameters
    if maker.__init__ is object.__init__:
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: each for name, each in found.items() if each.kind in named}


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _plain(default: Any) -> str:
    words = {None: "null", True: "true", False: "false"}
    if default is None or isinstance(default, bool):
        return words[default]
    return str(list(default)) if isinstance(default, tuple) else str(default)


def _kind(annotation: Any) -> str:
    """Say a type in words: `Annotated[float, Field(ge=0, le=1)]` is "number in [0, 1]"."""
    origin = get_origin(annotation)
    if origin is Annotated:
        plain, *extras = get_args(annotation)
        return _kind(plain) + _range(extras)
    if origin is Literal:
        return " | ".join(_plain(option) for option in get_args(annotation))
    if origin in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
        kinds = [_kind(part) for part in parts]
        return " | ".join([*kinds, "null"] if len(parts) < len(get_args(annotation)) else kinds)
    if origin is dict:
        return f"{_kind(get_args(annotation)[1])} by name"
    if origin in (tuple, list):
        return "list of " + _kind(get_args(annotation)[0])
    words = {bool: "true | false", int: "whole number", float: "number", str: "text"}
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _range(extras: list[Any]) -> str:
    limits: dict[str, Any] = {}
    for extra in extras:
        for limit in extra.metadata if isinstance(extra, FieldInfo) else [extra]:
            if isinstance(limit, BaseMetadata):
                limits |= {
                    sign: v for sign in _SIGNS if (v := getattr(limit, sign, None)) is not None
                }
    if {"ge", "le"} <= limits.keys():
        return f" in [{limits['ge']}, {limits['le']}]"
    return "".join(f" {_SIGNS[sign]} {value}" for sign, value in limits.items())
