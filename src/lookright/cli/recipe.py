"""A run from the words of a command: a recipe, and changes as key=value."""

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lookright.run import Run

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RECIPE] [KEY=VALUE]...", help="A YAML file and changes."),
]


def recipe_and_changes(
    words: list[str] | None, options: tuple[str, ...]
) -> tuple[Path | None, list[str]]:
    """Tell the recipe from the changes, and both from misspelt options."""
    from lookright.overrides import pairs

    for word in words or []:
        name = word.partition("=")[0]
        near = get_close_matches(name, options, n=1, cutoff=0.75) if name[:2] == "--" else []
        if near:
            fix = f"Did you mean {near[0]}?"
            raise ConfigError(Problem("OPTION", f"There is no option {name}.", fix=fix))
    found = pairs(words or [])
    recipes = [word for word in found if "=" not in word]
    if len(recipes) > 1:
        what = f"Got {len(recipes)} recipes: {', '.join(recipes)}."
        raise ConfigError(Problem("CONFIG-OVERRIDE", what, fix="Write changes as key=value."))
    return Path(recipes[0]) if recipes else None, [word for word in found if "=" in word]


def load(recipe: Path | None, changes: list[str]) -> "Run":
    """Load a run, with a name for its folders and every setting written out."""
    from lookright.run import Run

    run = Run.load(recipe, changes)
    run = run if run.name else run.model_copy(update={"name": _name(run, recipe)})
    from lookright.complete import complete

    return complete(run)


def refuse_folder_with(file: str, folder: Path, what: str) -> None:
    """Keep runs and comparisons apart: both write a results.csv."""
    if (folder / file).exists():
        fix = "Choose another --out."
        raise ConfigError(Problem("FOLDER", f"Holds {what} already.", str(folder), fix))


def _name(run: "Run", recipe: Path | None) -> str:
    if recipe:
        return recipe.stem
    manifest = run.data.manifest
    if manifest is None:
        return str(run.data.name)
    return manifest.parent.name if manifest.stem == "manifest" else manifest.stem
