"""The verb that makes a manifest of a published data set."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import SETTINGS
from lookright.cli.data_verbs import Changes, data
from lookright.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lookright.data.preparing.prepared import Written


@data.command(context_settings=SETTINGS)
def prepare(
    name: Annotated[str, typer.Argument(help="A set of `lookright list public`.")] = "",
    changes: Changes = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="The folder that you put the set into.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the manifest; that of the set if not given.")
    ] = None,
) -> None:
    """Make a manifest of a public data set.

    Downloads nothing: obtain the set yourself, under its licence. Without a name, lists the sets
    and what each of them needs.

    \b
    lookright data prepare
    lookright data prepare isic2017 --from isic
    lookright data prepare chestxray14 finding=Effusion --from nih --out effusion
    """
    if not name:
        from lookright.cli.public_list import all_sets

        for line in all_sets():
            typer.echo(line)
        return
    if source is None:
        from lookright.data import public

        public.find(name)  # an unknown name is the first thing to say
        fix = f"`lookright list public {name}` says what it has to hold."
        raise ConfigError(Problem("OPTION", "Say where the set lies: --from FOLDER.", name, fix))
    from lookright.cli.progress import counting
    from lookright.data.preparing.prepared import prepare
    from lookright.overrides import parse

    with counting("images") as progress:
        written = prepare(name, source, out, parse(changes or []), progress)
    _show(written)


def _show(written: "Written") -> None:
    from lookright.cli.tables import show_table

    rows = written.rows
    annotated = sum(bool(mask) for mask in rows["mask"]) if "mask" in rows.columns else 0
    if written.notices:
        told = [(each.level, each.code, each.what) for each in written.notices]
        show_table(("level", "code", "what was found and done"), told)
    typer.echo(f"\n{written.manifest}: {len(rows)} images, {annotated} with maps")
    for column in ("label", "split"):
        if column in rows.columns:
            typer.echo(f"{column}s: {_told(rows[column].value_counts(sort=True).rows())}")
    typer.echo(f"files: {_told(written.did.items())}")
    typer.echo(f"Next: lookright data check {written.manifest}")


def _told(counts: Iterable[tuple[str, int]]) -> str:
    named = [f"{count} {name or 'none'}" for name, count in counts]
    more = f" and {len(named) - 8} more" if len(named) > 8 else ""
    return ", ".join(named[:8]) + more
