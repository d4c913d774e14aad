"""Checkpoints on disk: bundles that are whole or not there, and one writer at a time."""

from lookright.checkpoint.bundle import Bundle as Bundle
from lookright.checkpoint.bundle import newest_bundle as newest_bundle
from lookright.checkpoint.bundle import open_bundle as open_bundle
from lookright.checkpoint.bundle import prune as prune
from lookright.checkpoint.bundle import save_bundle as save_bundle
from lookright.checkpoint.lock import hold as hold
from lookright.checkpoint.lock import probe as probe
from lookright.checkpoint.optimiser import flatten_optimizer as flatten_optimizer
from lookright.checkpoint.optimiser import unflatten_optimizer as unflatten_optimizer

__all__ = [
    "Bundle",
    "flatten_optimizer",
    "hold",
    "newest_bundle",
    "open_bundle",
    "probe",
    "prune",
    "save_bundle",
    "unflatten_optimizer",
]
