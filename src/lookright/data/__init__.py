"""Data: manifests of files, data sets by name, and how both become samples.

Nothing here imports torch except `geometry` and `loader`, which turn samples into batches.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lookright.configuration import Annotation, Fold
from lookright.data.arranged import arranged
from lookright.data.manifest import Manifest
from lookright.data.reading import Reading
from lookright.data.source import Source
from lookright.errors import ConfigError, Problem

# Settings that belong to batches and not to a data set: a named set does not see them.
_BATCHING = {"size", "colours", "bits", "empty_mask", "mask_channel", "on_bad_sample", "min_side"}
_BATCHING |= {"max_pixels", "allow_group_overlap", "cache", "classes", "manifest", "name"}
_BATCHING |= {"maps", "fold", "frame", "nan", "dicom_window", "max_inflated"}


def open_source(settings: Mapping[str, Any] | object, base: Path) -> Source:
    """Open the data set that the settings name: a manifest, relative to `base`, or one by name.

    It is split as `fold` says, and its training maps are thinned and spoilt as `maps` says.
    """
    given = dict(settings) if isinstance(settings, Mapping) else _attributes(settings)
    return arrange(unarranged(given, base), given)


def arrange(source: Source, settings: Mapping[str, Any] | object) -> Source:
    """Put an opened data set into the arrangement that the settings ask for."""
    given = settings if isinstance(settings, Mapping) else _attributes(settings)
    fold = given.get("fold")
    annotation = Annotation.model_validate(given.get("maps") or {})
    return arranged(source, annotation, Fold.model_validate(fold) if fold else None)


def unarranged(settings: Mapping[str, Any] | object, base: Path) -> Source:
    """Open a data set as it is, before any fold and with all its maps."""
    given = dict(settings) if isinstance(settings, Mapping) else _attributes(settings)
    if given.get("manifest") is None:
        from lookright.data import sets

        own = {name: value for name, value in given.items() if name not in _BATCHING}
        source = sets.make(given.get("name") or "", own)
        _verify_classes(source, given)
        return source
    return Manifest(
        base / given["manifest"],
        given.get("classes"),
        Reading.of(given),
        # Folds make splits of their own, whatever groups the given ones tear apart.
        bool(given.get("allow_group_overlap", False) or given.get("fold")),
    )


def _verify_classes(source: Source, given: Mapping[str, Any]) -> None:
    declared = tuple(given.get("classes") or source.classes)
    if declared != source.classes:
        what = f"Got {list(declared)}; {given['name']} has its own, {list(source.classes)}."
        raise ConfigError(Problem("CONFIG-VALUE", what, "data.classes", "Leave it out."))


def _attributes(settings: object) -> dict[str, Any]:
    dump = getattr(settings, "model_dump", None)
    return dump() if dump else dict(vars(settings))
