"""The verbs of data."""

import typer

from lookright.cli.application import PLAIN, app

data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, context_settings=PLAIN)
app.add_typer(data, name="data")


@data.callback()
def about() -> None:
    """Check, split and make data.

    \b
    lookright data check images/manifest.csv
    lookright data split images/manifest.csv
    lookright data make digits --out digits
    """
