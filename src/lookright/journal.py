"""What training leaves for people and plots: metrics.jsonl and TensorBoard events."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookright.files import write_atomically

Record = dict[str, Any]  # epoch, step, lr, train {term: value}, val {measure: value}


def write_history(folder: Path, history: Sequence[Record]) -> None:
    """Write `metrics.jsonl`, one line per epoch; whole, so that a resumed run repeats no line."""
    lines = [json.dumps(record, allow_nan=False) for record in history]
    write_atomically(folder / "metrics.jsonl", "\n".join(lines) + "\n" * bool(lines))


class Events:
    """TensorBoard's scalars of one run; made anew from the history when a run goes on."""

    def __init__(self, folder: Path, history: Sequence[Record]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        for stale in folder.glob("events.out.tfevents.*"):
            stale.unlink()
        self._writer = SummaryWriter(str(folder))
        for record in history:
            self.add(record)

    def add(self, record: Mapping[str, Any]) -> None:
        """Write one epoch."""
        for part in ("train", "val"):
            for name, value in record[part].items():
                if value is not None:
                    self._writer.add_scalar(f"{part}/{name}", value, record["step"])
        self._writer.add_scalar("lr", record["lr"], record["step"])
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
