"""Settings against their schema: every complaint at once, each in one line.

A complaint says where (a dotted path), what was given, what is expected, and the nearest right
name.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from lookright.errors import ConfigError, Problem
from lookright.names import suggestion

Model = TypeVar("Model", bound=BaseModel)
SHOWN = 60  # characters of a wrong value


def validate(
    model: type[Model], given: Mapping[str, Any], where: str = "", also: Iterable[str] = ()
) -> Model:
    """Make a model of what was given, or raise a ConfigError with one problem per offender.

    `where` stands in front of every path; `also` names what else would have been right there.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = complaints(error, model, where, also)
        raise ConfigError(*problems) from None


def complaints(
    error: ValidationError, model: type[BaseModel], where: str = "", also: Iterable[str] = ()
) -> list[Problem]:
    """Turn pydantic's findings into problems, one per path."""
    found: dict[str, Problem] = {}
    for each in error.errors(include_url=False):
        path = _path(each["loc"])
        if each["type"] == "extra_forbidden":
            problem = _unknown(model, path, where, also)
        elif each["type"] == "missing":
            problem = Problem("CONFIG-MISSING", "Is missing.", _dotted(where, path))
        elif each["type"] == "value_error":
            what = str(each["msg"]).removeprefix("Value error, ")
            problem = Problem("CONFIG-VALUE", what, _dotted(where, path))
        else:
            problem = _wrong(each, path, where)
        found.setdefault(problem.where, problem)
    return list(found.values())


def dotted_keys(model: type[BaseModel], above: str = "") -> list[str]:
    """List every setting of a model and of the models inside it, as `training.epochs`."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        keys += dotted_keys(inner, f"{above}{name}.") if inner else [f"{above}{name}"]
    return keys


def _unknown(
    model: type[BaseModel], path: tuple[str, ...], where: str, also: Iterable[str]
) -> Problem:
    *above, wrong = path
    section = model
    for name in above:
        field = section.model_fields.get(name)
        section = (_model_in(field.annotation) if field else None) or section
    here = [name for name in section.model_fields if name != "settings"] + list(also)
    near = get_close_matches(wrong, here, n=1, cutoff=0.5)
    elsewhere = {key.rpartition(".")[2]: key for key in reversed(dotted_keys(model))}
    far = get_close_matches(wrong, elsewhere, n=1, cutoff=0.6)
    if far and (not near or far[0] == wrong):
        fix = f"Did you mean {_dotted(where, (elsewhere[far[0]],))!r}?"
    else:
        fix = suggestion(wrong, here) if here else "There are no settings here."
    return Problem("CONFIG-KEY", f"Unknown setting {wrong!r}.", _dotted(where, path), fix)


def _wrong(each: Mapping[str, Any], path: tuple[str, ...], where: str) -> Problem:
    given = repr(each["input"])
    given = given if len(given) <= SHOWN else given[:SHOWN] + "..."
    expected = str(each["msg"])
    for polite in ("Input should be ", "Input should ", "a valid ", "a finite number"):
        plain = "a finite number" if polite == "a finite number" else ""
        expected = expected.replace(polite, plain)
    expected = expected.partition(", ")[0] if "unable to" in expected else expected
    if each["type"] in ("tuple_type", "list_type"):
        expected = "a list such as [a, b]"
    if each["type"] in ("model_type", "model_attributes_type", "dict_type"):
        expected = "settings with names"
    fix = ""
    if each["type"] == "literal_error" and isinstance(each["input"], str):
        options = [option.strip(" '") for option in expected.replace(" or ", ", ").split(", ")]
        near = get_close_matches(each["input"], options, n=1, cutoff=0.5)
        fix = f"Did you mean {near[0]!r}?" if near else ""
    what = f"Got {given}, expected {expected}."
    return Problem("CONFIG-VALUE", what, _dotted(where, path), fix)


def _path(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Leave out what pydantic adds for alternatives: `literal[...]`, `function-before[...]`."""
    return tuple(str(part) for part in location if "[" not in str(part))


def _dotted(where: str, path: Iterable[str]) -> str:
    return ".".join([where, *path] if where else path)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(each) for each in get_args(annotation))
    return next((each for each in inside if each), None)
