"""The verbs of runs: train, evaluate, bench, explain, report, demo."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Annotated

import typer

from lookright.cli.application import PLAIN, SETTINGS, app
from lookright.cli.recipe import Words, load, recipe_and_changes, refuse_folder_with
from lookright.errors import ConfigError, DataError, Problem

if TYPE_CHECKING:
    from lookright.run import Run

RunFolder = Annotated[Path, typer.Argument(help="The folder of a run.")]


@app.command(context_settings=SETTINGS)
def train(
    words: Words = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; new under runs/ if not given.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
) -> None:
    """Train one classifier, then measure it.

    \b
    lookright train data=digits objective=decision_energy
    lookright train recipes/pneumonia.yaml objective=cyborg objective.alpha=0.3 seed=1
    lookright train data.manifest=images.csv --training.epochs 20 --out runs/first
    lookright train --resume runs/first
    """
    recipe, changes = recipe_and_changes(words, ("--out", "--resume"))
    if resume and not (resume / "run.yaml").is_file():
        what = "There is no run to go on with (no run.yaml)."
        raise ConfigError(Problem("RUN-FOLDER", what, str(resume)))
    run = load(recipe or (resume / "run.yaml" if resume else None), changes)
    folder = resume or out or _new_folder(run)
    refuse_folder_with("bench.yaml", folder, "a comparison")
    with _nothing_left_of_a_false_start(folder):
        from lookright.train import train

        train(run, folder, resume=bool(resume))
    _measure(folder, None)


@app.command(context_settings=PLAIN)
def evaluate(
    run: RunFolder,
    split: Annotated[
        str | None, typer.Option(help="Splits, with commas; all but train if not given.")
    ] = None,
) -> None:
    """Measure a trained classifier on some splits.

    \b
    lookright evaluate runs/first
    lookright evaluate runs/first --split test,test_nih
    """
    _measure(run, [part.strip() for part in split.split(",") if part.strip()] if split else None)


@app.command(context_settings=SETTINGS)
def bench(
    words: Words = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the comparison; runs/NAME-bench if not given.")
    ] = None,
) -> None:
    """Compare objectives over seeds.

    Repeat the command to go on where it stopped.

    \b
    lookright bench recipes/pneumonia.yaml --out runs/pneumonia
    lookright bench data=digits bench.objectives=[cross_entropy,cyborg] bench.seeds=[0,1,2,3,4]
    """
    run = load(*recipe_and_changes(words, ("--out",)))
    from lookright.bench import bench

    folder = out or Path("runs") / f"{run.name}-bench"
    refuse_folder_with("run.yaml", folder, "a run")
    bench(run, folder)
    from lookright.cli.tables import show_comparison

    show_comparison(folder)
    if run.bench.published:
        from lookright.cli.paper_table import show_paper

        show_paper(folder)
    typer.echo(f"\n{folder}\nNext: lookright report {folder}")


@app.command(context_settings=PLAIN)
def explain(
    run: RunFolder,
    images: Annotated[list[str], typer.Argument(help="Image files, or ids of the run's data.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pictures; RUN/explained if not given.")
    ] = None,
    explainer: Annotated[
        str | None, typer.Option(help="Further maps, with commas; see `lookright list explainers`.")
    ] = None,
) -> None:
    """Draw where a classifier looks.

    One picture per image: image, human map, class maps, their difference, probabilities.

    \b
    lookright explain runs/first chest.png
    lookright explain runs/first 00000013_005 00000032_001 --out pictures
    lookright explain runs/first chest.png --explainer occlusion,rise
    """
    from lookright.explain import explain

    files = [Path(each) if Path(each).is_file() else each for each in images]
    further = [part.strip() for part in (explainer or "").split(",") if part.strip()]
    for path in explain(run, files, out or run / "explained", further):
        typer.echo(path)


@app.command(context_settings=PLAIN)
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a run or of a comparison.")],
    out: Annotated[
        Path | None, typer.Option(help="The page; report.html in the folder if not given.")
    ] = None,
) -> None:
    """Write a page about a run or a comparison.

    \b
    lookright report runs/first
    lookright report runs/pneumonia --out pneumonia.html
    """
    from lookright.report import write_report

    typer.echo(write_report(folder, out))


@app.command(context_settings=PLAIN)
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demonstration.")] = Path(
        "lookright-demo"
    ),
    jobs: Annotated[int, typer.Option(min=1, help="Trainings at the same time.")] = 2,
) -> None:
    """Show the point in two minutes.

    A shortcut is planted; one method repairs the map, another repairs the decision.

    \b
    lookright demo
    lookright demo --out somewhere --jobs 4
    """
    from lookright.demo import demo

    typer.echo(demo(out, jobs))


def _new_folder(run: "Run") -> Path:
    """Name a folder after the run, with a number where that name is taken."""
    plain = Path("runs") / f"{run.name}-{run.objective.title}-s{run.seed}"
    taken = (plain.with_name(f"{plain.name}-{number}") for number in range(2, 10_000))
    return next(folder for folder in (plain, *taken) if not folder.exists())


@contextmanager
def _nothing_left_of_a_false_start(folder: Path) -> Iterator[None]:
    """Remove a folder that is new when its training is refused before it begins."""
    is_new = not folder.exists()
    try:
        yield
    except (ConfigError, DataError) as error:
        is_mine = error.code not in ("ERR-RUN-EXISTS", "ERR-RUN-HELD")  # else somebody was faster
        if is_new and is_mine and not (folder / "facts.json").exists():
            rmtree(folder, ignore_errors=True)
        raise


def _measure(folder: Path, splits: list[str] | None) -> None:
    from lookright.cli.tables import show_results
    from lookright.evaluate import evaluate

    evaluate(folder, splits)
    show_results(folder)
    typer.echo(f"\n{folder}\nNext: lookright report {folder}")
