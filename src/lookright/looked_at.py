"""Class maps of a run against the very places where people looked, not a map of them."""

from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl
import torch
from safetensors.numpy import load_file

from lookright.cam import enlarge
from lookright.data.gaze.drawing import Looks, to_points
from lookright.errors import DataError, Problem
from lookright.metrics.saliency import auc_judd, nss, shuffled_auc
from lookright.readers import counted

GRID = (64, 64)  # images are squares to a network; places are shares of their sides


def gaze_agreement(folder: Path, looks: Looks, split: str = "test") -> pl.DataFrame:
    """Measure the true class's maps of an evaluated run on fixations: one row per image.

    NSS, AUC-Judd and shuffled AUC (against fixations of the other images) of the map, enlarged to
    64 x 64 cells. Images are known by the stem of their id. Raises DataError where the table of
    gaze says nothing of any image of the split, or counts in pixels of images of unknown size.
    """
    if looks.extent is None:
        fix = "Say width and height of the images that x and y count on."
        raise DataError(Problem("GAZE-SIZE", "Nothing says how large the images are.", fix=fix))
    predictions = pl.read_parquet(folder / "predictions.parquet")
    stems = [PurePosixPath(each).stem for each in predictions["id"]]
    gaze = looks.rows.partition_by("image", as_dict=True)
    kept = [
        index
        for index, (stem, part) in enumerate(zip(stems, predictions["split"], strict=True))
        if part == split and (stem,) in gaze
    ]
    if not kept:
        what = f"No image of the split {split!r} is in the table of gaze."
        raise DataError(Problem("GAZE-ABSENT", what, str(folder)))
    extent, grid = looks.extent, looks.grid or looks.extent
    seen = np.stack(
        [counted(to_points(gaze[(stems[index],)], extent, grid, GRID), GRID) for index in kept]
    )
    maps = load_file(folder / "maps.safetensors")["true"][kept].astype(np.float32)
    large = enlarge(torch.from_numpy(maps), (GRID[1], GRID[0])).numpy()
    values = {"nss": nss(large, seen), "auc_judd": auc_judd(large, seen)}
    values["shuffled_auc"] = shuffled_auc(large, seen)
    return predictions[kept].select("id", "label").hstack(pl.DataFrame(values))
