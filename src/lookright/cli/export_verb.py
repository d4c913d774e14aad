"""The verb `data export`: human maps as another tool's annotations."""

from pathlib import Path
from typing import Annotated

import typer

from lookright.cli.application import SETTINGS
from lookright.cli.data_verbs import Manifest, data


@data.command(context_settings=SETTINGS)
def export(
    name: Annotated[str, typer.Argument(metavar="FORMAT", help="coco or label_studio.")],
    manifest: Manifest,
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of the format.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new file; FORMAT.json beside the manifest if not given.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="What of a soft map is evidence.")
    ] = 0.5,
) -> None:
    """Write human maps as another tool's annotations.

    \b
    lookright data export coco study/manifest.csv --out study/coco.json
    lookright data export coco study/manifest.csv shape=polygon
    lookright data export label_studio study/manifest.csv prefix=https://host/images/
    """
    from lookright.data.exporters import make
    from lookright.overrides import apply, parse

    exporter = make(name, apply({}, parse(changes or [])))
    from lookright.cli.progress import counting
    from lookright.data.importing.exporting import export_maps

    file = out or manifest.with_name(f"{name}.json")
    with counting("images") as progress:
        notes = export_maps(manifest, exporter, file, threshold, progress=progress)
    for note in notes:
        typer.echo(str(note))
    typer.echo(file)
