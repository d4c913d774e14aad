"""How much longer does a guided training step take than a plain one? Ratios, from one run.

Every round times each kind of step once, in a new order, and divides by the plain step of the same
round, so that what else the machine does cancels; the table shows the medians. `field` is a loop as
the field's scripts write it: a second forward pass for the features, then Python over samples.

    python benchmarks/step.py --nets resnet18 densenet121 --precisions 32 bf16

About 15 minutes on 2 cores with the defaults (two networks, two precisions). On a GPU:
`--device cuda --batch 64 --steps 10`.

Memory is what the steps add at their peak to a process that holds the network: on a CPU resident
memory of a process of its own, on a GPU what torch allocates.
"""

import argparse
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import torch
from torch.nn import functional

from lookright.allocator import keep_freed_memory
from lookright.backbones import build as build_network
from lookright.guided import Guided
from lookright.inference import on_device
from lookright.model import Classifier
from lookright.objective import Learning
from lookright.objectives import build as build_objective
from lookright.optimisers import optimiser
from lookright.types import Batch

PLAIN, FIELD = "cross_entropy", "field"
METHODS = [
    "cyborg",
    "difference",
    "contrast",
    "energy",
    "decision_energy",
    "suppress_all",
    "gg_cam",
    "adversarial",
]
HOW = Learning("sgd", lr=1e-3)

Step = Callable[[], None]


def main() -> None:
    """Print one table for all networks and precisions."""
    options = read_options()
    keep_freed_memory()
    if options.memory_of:
        print(resident(options, options.nets[0], options.precisions[0], options.memory_of))
        return
    print(describe(options))
    print("\n| network | precision | step | ms | over plain | middle half | memory MiB |")
    print("|---|---|---|--:|--:|--:|--:|")
    for net in options.nets:
        for precision in options.precisions:
            compare(options, net, precision)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Guided step over plain step.")
    parser.add_argument("--nets", nargs="+", default=["resnet18", "densenet121"])
    parser.add_argument("--precisions", nargs="+", default=["32", "bf16"], choices=["32", "bf16"])
    parser.add_argument("--methods", nargs="+", default=[*METHODS, FIELD])
    parser.add_argument("--size", type=int, default=224, help="side of the images in pixels")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--steps", type=int, default=1, help="steps in one timing")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-memory", action="store_true", help="leave memory out")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    return parser.parse_args()


def describe(options: argparse.Namespace) -> str:
    """Say on what the numbers were taken."""
    cuda = options.device.startswith("cuda")
    device = torch.cuda.get_device_name(options.device) if cuda else platform.machine()
    return (
        f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}; "
        f"{options.batch} images of {options.size} px, channels last, "
        f"{options.rounds} rounds of {options.steps} step(s)."
    )


def compare(options: argparse.Namespace, net: str, precision: str) -> None:
    """Time every kind of step on one network and print its rows."""
    kinds = [PLAIN, *options.methods]
    steps = {kind: make(options, net, precision, kind) for kind in kinds}
    for _ in range(2):
        for step in steps.values():
            step()
    order, rounds = random.Random(0), []
    for _ in range(options.rounds):
        turn = order.sample(kinds, len(kinds))
        rounds.append({kind: seconds(options, steps[kind]) for kind in turn})
    for kind in kinds:
        ratios = [times[kind] / times[PLAIN] for times in rounds]
        low, _, high = quantiles(ratios, n=4)
        cells = [
            f"{1000 * median(times[kind] for times in rounds):.1f}",
            f"{median(ratios):.3f}",
            f"{low:.3f} to {high:.3f}",
            memory(options, net, precision, kind, steps[kind]),
        ]
        print(f"| {net} | {precision} | {kind} | {' | '.join(cells)} |", flush=True)


def seconds(options: argparse.Namespace, step: Step) -> float:
    """Time some steps, the device's work included; per step."""
    wait(options.device)
    start = time.perf_counter()
    for _ in range(options.steps):
        step()
    wait(options.device)
    return (time.perf_counter() - start) / options.steps


def wait(device: str) -> None:
    """Let the device finish what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def make(options: argparse.Namespace, net: str, precision: str, kind: str) -> Step:
    """Build a network of its own and return its training step on one fixed batch."""
    torch.manual_seed(0)
    model = build_network(net, classes=2)
    model = model.to(options.device, memory_format=torch.channels_last).train()  # pyright: ignore
    batch = on_device(draw(options.batch, options.size), torch.device(options.device))
    half = torch.autocast(options.device, torch.bfloat16, enabled=precision == "bf16")
    if kind == FIELD:
        return field_step(model, batch, half)
    return guided_step(model, batch, half, kind)


def draw(images: int, size: int) -> Batch:
    """Draw noise to look at, with a disc as evidence."""
    rows = torch.linspace(-1, 1, size)
    disc = (rows[:, None] ** 2 + rows**2 < 0.4).float()
    return Batch(
        images=torch.rand(images, 3, size, size),
        labels=torch.arange(images) % 2,
        maps=disc.expand(images, size, size).contiguous(),
        annotated=torch.ones(images, dtype=torch.bool),
        weights=torch.ones(images),
    )


def guided_step(model: Classifier, batch: Batch, half: torch.autocast, name: str) -> Step:
    """Return a step as the training loop takes it: one forward, one backward, every owner steps."""
    guided = Guided(model, build_objective(name, {}).to(batch.images.device))
    optimisers = [optimiser(model.parameters(), HOW)]
    if own := list(guided.objective.parameters()):
        optimisers.append(optimiser(own, guided.objective.learning))

    def step() -> None:
        with half:
            terms = guided(*vars(batch).values(), 0.5)
        torch.stack(list(terms.values())).sum().backward()
        for each in optimisers:
            each.step()
            each.zero_grad(set_to_none=True)

    return step


def field_step(model: Classifier, batch: Batch, half: torch.autocast) -> Step:
    """Return a step of CYBORG's loss as scripts of the field write it."""
    learn = optimiser(model.parameters(), HOW)

    def step() -> None:
        learn.zero_grad()
        with half:
            entropy = functional.cross_entropy(model(batch.images).logits, batch.labels)
            features = model.trunk((batch.images - model.mean) / model.std)
        missed = torch.zeros((), device=batch.images.device)
        for i in range(len(batch.images)):
            label = int(batch.labels[i].item())
            cells = features[i].float().flatten(1)
            cam = (model.head.weight[label] @ cells).reshape(features.shape[2:])
            cam = cam - cam.min()
            cam = cam / cam.max()
            human = functional.interpolate(batch.maps[i][None, None], cam.shape, mode="area")
            missed = missed + functional.mse_loss(cam, human[0, 0])
        (0.5 * entropy + 0.5 * missed / len(batch.images)).backward()
        learn.step()

    return step


def memory(options: argparse.Namespace, net: str, precision: str, kind: str, step: Step) -> str:
    """Measure what a step needs at its peak, in MiB."""
    if options.no_memory:
        return ""
    if options.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(options.device)
        before = torch.cuda.memory_allocated(options.device)
        step()
        return f"{(torch.cuda.max_memory_allocated(options.device) - before) / 2**20:.0f}"
    command = [sys.executable, str(Path(__file__)), "--nets", net, "--precisions", precision]
    command += ["--size", str(options.size), "--batch", str(options.batch), "--memory-of", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def resident(options: argparse.Namespace, net: str, precision: str, kind: str) -> str:
    """Measure how far three steps raise this process's resident memory, in MiB (Linux)."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return ""
    step = make(options, net, precision, kind)
    reset.write_text("5")  # the peak becomes what is resident now
    before = peak(status)
    for _ in range(3):
        step()
    return f"{peak(status) - before:.0f}"


def peak(status: Path) -> float:
    """Read the largest resident memory so far, in MiB."""
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
