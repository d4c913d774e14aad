"""What keeping freed memory saves: seconds per training step with and without it.

    python benchmarks/allocator.py --net resnet18 --size 160 --batch 32

Each round runs both ways in a process of their own, side by side; the table has medians and
their ratio. Only glibc on Linux has the switch.
"""

import argparse
import subprocess
import sys
from statistics import median
from time import perf_counter

STEPS = 4


def main() -> None:
    """Measure both ways in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--net", default="resnet18")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", choices=["yes", "no"])
    given = parser.parse_args()
    if given.keep:
        print(seconds(given.net, given.size, given.batch, given.keep == "yes"))
        return
    taken = {"no": [], "yes": []}
    for _ in range(given.rounds):
        for keep, found in taken.items():
            command = [sys.executable, *sys.argv, "--keep", keep]
            found.append(float(subprocess.check_output(command, text=True).split()[-1]))
    usual, kept = median(taken["no"]), median(taken["yes"])
    print(f"{given.net} {given.size} px, batch {given.batch}, float32")
    print(
        f"usual malloc {usual:.3f} s/step, freed memory kept {kept:.3f} s/step: {usual / kept:.2f}x"
    )


def seconds(net: str, size: int, batch: int, keep: bool) -> float:
    """Return the median time of a training step."""
    import torch

    from lookright.allocator import keep_freed_memory
    from lookright.backbones import build

    if keep:
        keep_freed_memory()
    model = build(net, 2).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters())
    images = torch.rand(batch, 3, size, size)
    taken = []
    for _ in range(STEPS):
        began = perf_counter()
        model(images).logits.square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()
        taken.append(perf_counter() - began)
    return median(taken[1:])


if __name__ == "__main__":
    main()
