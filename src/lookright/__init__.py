"""Train image classifiers to look at the right evidence, and measure whether they do.

What a training loop of your own needs is here and is imported when first used; every objective is
here by its class name (`from lookright import Cyborg`) and used as `Objective` shows. Whole runs:
`lookright.train.train`, `lookright.evaluate.evaluate`.
"""

import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookright.cam import class_maps, contrast, pick, rescale, shrink
    from lookright.model import Certificate, Classifier, certify, wrap
    from lookright.objective import Learning, Objective, task
    from lookright.run import Run
    from lookright.types import Batch, Prediction

__all__ = [
    "Batch",
    "Certificate",
    "Classifier",
    "Learning",
    "Objective",
    "Prediction",
    "Run",
    "certify",
    "class_maps",
    "contrast",
    "pick",
    "rescale",
    "shrink",
    "task",
    "wrap",
]
_HOMES = {
    "cam": ("class_maps", "contrast", "pick", "rescale", "shrink"),
    "model": ("Certificate", "Classifier", "certify", "wrap"),
    "objective": ("Learning", "Objective", "task"),
    "run": ("Run",),
    "types": ("Batch", "Prediction"),
}


def __getattr__(name: str) -> Any:
    home = next((home for home, names in _HOMES.items() if name in names), None)
    file = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    if home is None and name[:1].isupper() and find_spec(f"lookright.objectives.{file}"):
        home = f"objectives.{file}"
    found = vars(import_module(f"lookright.{home}")) if home else {}
    if name not in found:
        raise AttributeError(f"module 'lookright' has no attribute {name!r}")
    return found[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
