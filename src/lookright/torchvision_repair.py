"""Let torchvision's wheels from PyPI work beside a CPU-only torch.

Those wheels are CUDA builds. Beside a CPU-only torch their compiled extension does not load, and
`import torchvision` fails with "operator torchvision::nms does not exist", although models,
transforms and tv_tensors need nothing of that extension. Declaring the two schemas that the
import looks for is enough. A torchvision that imports is left alone.
"""

import sys
from contextlib import suppress
from importlib import import_module

import torch

_kept = []  # a Library that is collected takes its declarations away again


def repair() -> None:
    """Make `import torchvision` work, once, before timm or Fabric import it."""
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        _declare_missing_operators()
        import_module("torchvision")


def _declare_missing_operators() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        with suppress(RuntimeError):  # declared already: the extension loaded halfway
            library.define(schema)
    _kept.append(library)
