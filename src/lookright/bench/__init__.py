"""Objectives x seeds over one data set -> one table. Killable, and goes on where it stopped."""

from lookright.bench.comparison import bench as bench
from lookright.bench.table import table as table

__all__ = ["bench", "table"]
