"""The application that the verbs register with."""

from typing import Annotated, Any

import typer

# Settings come as key=value or --key value, so that options nobody declared are let through.
SETTINGS: dict[str, Any] = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "help_option_names": ["-h", "--help"],
}
PLAIN: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="lookright",
    add_completion=True,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: quick, and without colours when piped
    pretty_exceptions_enable=False,
    context_settings={**PLAIN, "max_content_width": 100},
)


def _version(asked: bool) -> bool:
    if asked:
        from importlib.metadata import version

        typer.echo(f"lookright {version('lookright')}")
        raise typer.Exit
    return asked


@app.callback()
def lookright(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a crash.")] = False,
) -> None:
    """Image classifiers that look at the right evidence.

    \b
    Two minutes, no data needed:   lookright demo
    Your own images:               lookright init FOLDER
                                   lookright data check FOLDER/manifest.csv
                                   lookright train data.manifest=FOLDER/manifest.csv
    What there is to choose from:  lookright list objectives
    """
