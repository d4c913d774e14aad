"""The rows of a comparison: every objective, under every annotation that it would notice."""

from dataclasses import dataclass

from lookright import objectives
from lookright.configuration import Annotation, Method
from lookright.run import Run


@dataclass(frozen=True)
class Row:
    """One way to train on one state of the annotation."""

    objective: Method
    annotation: Annotation

    @property
    def label(self) -> str:
        """What the comparison calls it."""
        return ", ".join(filter(None, [self.objective.title, self.annotation.title]))


def rows(run: Run) -> list[Row]:
    """List the rows of a comparison in order; the run's own objective when none are named.

    An objective that never looks at human maps has one row, whatever became of the maps.
    """
    return [
        Row(method, annotation)
        for method in run.bench.objectives or (run.objective,)
        for annotation in _noticed(method, run)
    ]


def _noticed(method: Method, run: Run) -> tuple[Annotation, ...]:
    given = run.bench.annotations or (run.data.maps,)
    return given if objectives.find(method.name).uses_maps else (run.data.maps,)
