"""The command line: verbs, each of which calls one function of the library.

Nothing heavy is imported before a verb needs it, so help and mistakes are answered at once.
"""

import sys
from collections.abc import Sequence
from typing import NoReturn

from lookright.cli.application import app
from lookright.cli.audit_verb import audit
from lookright.cli.compare_verb import compare
from lookright.cli.data_verbs import data, init
from lookright.cli.dicom_verb import import_dicom
from lookright.cli.economics_verb import economics
from lookright.cli.export_verb import export
from lookright.cli.failure import answer
from lookright.cli.faithfulness_verb import faithfulness
from lookright.cli.gate_verb import gate
from lookright.cli.gaze_verb import gaze_ceiling
from lookright.cli.import_verb import import_annotations
from lookright.cli.listing import list_things
from lookright.cli.prepare_verb import prepare
from lookright.cli.run_verbs import bench, demo, evaluate, explain, report, train
from lookright.cli.stock_verbs import lock, stats

__all__ = ["app", "bench", "data", "demo", "evaluate", "explain", "init", "list_things", "main"]
__all__ += ["economics", "faithfulness", "report", "train"]
__all__ += ["audit", "compare", "export", "gate", "import_annotations", "import_dicom", "prepare"]
__all__ += ["gaze_ceiling", "lock", "stats"]


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run one verb and exit: 0 done, 1 failed, 2 usage, 3 data, 75 stopped, 130 interrupted."""
    given = list(sys.argv[1:] if words is None else words)
    sys.exit(answer(app, [word for word in given if word != "--debug"], "--debug" in given))
