"""What every group of settings shares: it is frozen, plain, and refuses names it does not know."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_serializer,
    model_validator,
)

Seed = Annotated[int, Field(ge=0, lt=2**32)]


def worded(given: Any) -> Any:
    """Let a number stand where a text is wanted: a class or a group may be called 7."""
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


def listed(given: Any) -> Any:
    """Let `a, b` stand for the list of both."""
    return [part.strip() for part in given.split(",")] if isinstance(given, str) else given


def distinct(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse an entry that stands twice."""
    if len(set(given)) < len(given):
        raise ValueError(f"Got {list(given)!r}, expected every entry once.")
    return given


Text = Annotated[str, BeforeValidator(worded), Field(min_length=1)]
Words = Annotated[
    tuple[Text, ...], BeforeValidator(listed), AfterValidator(distinct), Field(min_length=1)
]


class Section(BaseModel):
    """A frozen group of settings that refuses names it does not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _from_a_name(cls, given: Any) -> Any:
        """Let `objective: cyborg` stand for `objective: {name: cyborg}`."""
        if isinstance(given, str) and "name" in cls.model_fields:
            given = {"name": given}
        if isinstance(given, Mapping) and _is_named(cls, given):
            own = {key: value for key, value in given.items() if _is_own(cls, key)}
            given = {key: value for key, value in given.items() if key not in own}
            given["settings"] = own
        return given

    @model_serializer(mode="wrap")
    def _flat(self, inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Write the settings of a named thing beside its name, as they are read."""
        written = inner(self)
        own = written.pop("settings", {})
        return {**written, **own}

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, given: Any, info: Any) -> Any:
        """Refuse `epochs: true`, which Python would count as 1."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(given, bool) and field and field.annotation is not bool:
            raise ValueError(f"Got {str(given).lower()}, expected no truth value.")
        return given


def _is_named(section: type[BaseModel], given: Mapping[str, Any]) -> bool:
    fields = section.model_fields
    return "settings" in fields and bool(given.get("name", fields["name"].default))


def _is_own(section: type[BaseModel], key: str) -> bool:
    return key == "settings" or key not in section.model_fields
