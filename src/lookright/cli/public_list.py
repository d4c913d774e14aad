"""What public data sets there are: what to obtain, from where, and under which licence."""

import inspect
import sys
from collections.abc import Iterator


def all_sets() -> Iterator[str]:
    """List each set with its licence and what it needs."""
    from lookright.data import public

    for name in public.names():
        yield from _short(name)
    yield "Nothing is downloaded. All about one: lookright list public NAME"


def one_set(name: str) -> Iterator[str]:
    """Tell everything about one set: its form, its rules, its settings."""
    from lookright.data import public
    from lookright.signature import describe

    found = public.find(name)
    yield f"{name}: {_title(name)}"
    yield from ("", inspect.getdoc(found) or "", "")
    for fact in ("classes", "splits", "maps"):
        yield f"    {fact + ':':<10}{getattr(found, fact)}"
    yield from ("", "    obtain")
    for each in found.needs:
        optional = " (optional)" if each.optional else ""
        yield f"        {each.path}: {each.holds}{optional}"
        if each.source:
            yield f"            from {each.source}"
    terms = " (credentialed: sign first)" if found.credentialed else ""
    yield f"    from      {found.source}"
    yield f"    licence   {found.licence}{terms}"
    yield f"    cite      {found.citation}"
    yield from ("", *(f"    {setting}" for setting in describe(found) or ["no settings"]))


def _short(name: str) -> Iterator[str]:
    from lookright.data import public

    found = public.find(name)
    needed = ", ".join(each.path for each in found.needs if not each.optional)
    yield f"{name:<14}{_title(name)}"
    yield f"{'':<14}licence: {found.licence}{'; credentialed' if found.credentialed else ''}"
    yield f"{'':<14}from:    {found.source}"
    yield f"{'':<14}needs:   {needed}"
    yield ""


def _title(name: str) -> str:
    from lookright.data import public

    about = inspect.getdoc(sys.modules[public.find(name).__module__]) or ""
    return about.partition("\n")[0]
