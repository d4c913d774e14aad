"""Ways to make maps lie, one file each. The directory is the registry: a file here is an attack."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from itertools import islice
from typing import Any

import torch
from torch import nn

from lookright import signature
from lookright.attack import Attack, Constructed, Taught
from lookright.cam import wide
from lookright.errors import Problem, RunError
from lookright.model import Classifier
from lookright.registry import Registry
from lookright.types import Batch, Prediction, Scalar

_REGISTRY: Registry[Attack] = Registry(__name__, Attack, "ATTACK", "There is no attack {!r}.")
names, find = _REGISTRY.names, _REGISTRY.find


def build(name: str, settings: Mapping[str, Any]) -> Attack:
    """Make the attack of this name, or say everything that is wrong with its settings."""
    return signature.build(find(name), settings, where="attack")


def mount(
    attack: Attack, victim: Classifier, batches: Iterable[Batch], steps: int, rate: float = 1e-3
) -> Classifier:
    """Return a fooled copy of a trained model, in eval mode; the victim stays what it is.

    At most `steps` batches are taken. An attack that is taught makes one step of Adam with each,
    from `rate` down to zero, with batch norm frozen; one that is constructed reads each once. The
    same batches give the same copy. Raises RunError when a loss is no number.
    """
    fooled = deepcopy(victim).eval()
    if isinstance(attack, Constructed):
        rows = attack.head(victim, victim.head.weight.detach(), islice(batches, steps))
        fooled.head.weight = nn.Parameter(rows)
        return fooled.requires_grad_(False)
    fooled.requires_grad_(True)  # also of a victim that was frozen
    optimiser = torch.optim.Adam(fooled.parameters(), rate)
    for step, batch in enumerate(islice(batches, steps)):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        _learn(attack, fooled, victim, batch, optimiser)
    return fooled.requires_grad_(False)


def kept(seen: Prediction, victim: Prediction) -> Scalar:
    """Return how far answers moved: the squared change of the logits over what they tell apart.

    Logits are centred per image, as softmax does not see their mean; 1 means that nothing of the
    victim's answers is left.
    """
    now, before = (wide(each.logits) for each in (seen, victim))
    now, before = (each - each.mean(1, keepdim=True) for each in (now, before))
    return (now - before).square().sum() / before.square().sum().clamp(min=1e-12)


def _learn(
    attack: Taught,
    fooled: Classifier,
    victim: Classifier,
    batch: Batch,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Make one step towards the lie and the victim's answers."""
    with torch.no_grad():
        before = victim(batch.images)
        _ = before.cams  # computed now, while nothing is recorded
    seen = fooled(batch.images)
    loss = kept(seen, before) + attack.weight * attack.lie(seen, before, batch)
    if not bool(loss.isfinite()):
        what = f"The loss of {type(attack).__name__} became {float(loss.detach())}."
        raise RunError(Problem("NOT-A-NUMBER", what, "attack", "Lower its weight."))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
