"""CVAT's own XML, version 1.1: "CVAT for images" and "CVAT for video"."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.exchange.cvat_shapes import shapes_of
from lookright.data.exchange.export_files import export_files, said
from lookright.data.exchange.importer import Importer
from lookright.data.exchange.links import file_of
from lookright.data.exchange.numerals import whole
from lookright.data.exchange.safe_xml import children
from lookright.errors import DataError, Problem
from lookright.settings import Count, Positive, Weight

Size = tuple[int, int]
_UNREAD = ("attribute", "tag")  # beside shapes: what they carry, and labels of the image


class Cvat(Importer):
    """CVAT XML for images and for video: polygon, box, ellipse, mask, polyline, points, skeleton.

    Tags are classes of the image. CVAT lists every image of a task, also those that nobody has
    opened: one without shapes and tags is passed over; with `unmarked="empty"` somebody looked at
    every image and found nothing there. Of tracks, `frames` takes every frame or only those in
    which a person set the shape; a shape that is `outside` is not drawn. Frame 7 of a video is the
    image frame_000007.
    """

    def __init__(
        self,
        unmarked: Literal["unasked", "empty"] = "unasked",
        frames: Literal["all", "keyframes"] = "all",
        frame_prefix: str = "frame_",
        frame_digits: Count = 6,
        line_width: Positive = 1.0,  # pixels
        point_radius: Weight = 0.0,  # pixels
    ) -> None:
        self.unmarked, self.frames = unmarked, frames
        self.frame_prefix, self.frame_digits = frame_prefix, frame_digits
        self.line_width, self.point_radius = line_width, point_radius

    def read(self, path: Path) -> Iterator[Drawing | Problem]:
        """Yield images in their order, then frames by number; tracks are held until their end."""
        for file in export_files(path, ".xml"):
            yield from self._file(file, said(file, path))

    def _file(self, file: Path, where: str) -> Iterator[Drawing | Problem]:
        video = _Video()
        skipped = 0
        for element in children(file, "annotations", where):
            if element.tag == "image":
                found = self._image(element, where)
                if isinstance(found, Drawing) and self._is_unmarked(found):
                    skipped += 1
                else:
                    yield from [found] if isinstance(found, Drawing) else found
            elif element.tag == "track":
                yield from self._track(element, video, where)
            elif element.tag == "meta":
                video.size = _original_size(element, where)
        yield from self._drawn_frames(video, where)
        if skipped:
            what = f"{skipped} images have no shape and no tag; nobody may have been asked."
            fix = "If somebody looked at all of them: unmarked=empty."
            yield Problem("EXPORT-UNMARKED", what, where, fix, level="notice")

    def _is_unmarked(self, drawing: Drawing) -> bool:
        return self.unmarked == "unasked" and not drawing.marks and not drawing.labels

    def _image(self, element: Element, file: str) -> Drawing | list[Problem]:
        name = element.get("name", "")
        where = f"{file}: {name or 'image ' + element.get('id', '?')}"
        problems: list[Problem] = []
        try:
            name = file_of(name, where)
        except DataError as error:
            problems += error.problems
        stacked: list[tuple[int, Mark]] = []
        for child in element:
            if child.tag not in _UNREAD:
                stacked += self._stacked(child, where, problems)
        labels = tuple(tag.get("label", "") for tag in element.iter("tag"))
        size = _size(element.get("width"), element.get("height"), where, problems)
        return problems or Drawing(name, size, _in_order(stacked), labels=labels, where=where)

    def _stacked(
        self, element: Element, where: str, problems: list[Problem]
    ) -> list[tuple[int, Mark]]:
        """Read the marks of one element, each with its height in the stack."""
        where = f"{where}, {element.tag} {element.get('label', '')}".rstrip()
        try:
            height = whole(element.get("z_order", "0"), "z_order", where)
            marks = list(self._marks(element, element.get("label", ""), where))
        except DataError as error:
            problems += error.problems
            return []
        return [(height, mark) for mark in marks]

    def _marks(self, element: Element, label: str, where: str) -> Iterator[Mark]:
        if element.tag == "skeleton":
            joints = (each for each in element if each.tag == "points")
            for joint in (each for each in joints if each.get("outside", "0") == "0"):
                yield from self._marks(joint, joint.get("label", label), where)
            return
        for shape in shapes_of(element, self.line_width, self.point_radius, where):
            yield Mark(shape, label)

    def _track(self, element: Element, video: "_Video", file: str) -> Iterator[Problem]:
        """Lay the shapes of one object onto the frames of a video."""
        where = f"{file}: track {element.get('id', '?')}"
        problems: list[Problem] = []
        video.tasks.add(element.get("task_id", ""))
        seen: list[tuple[int, bool]] = []  # frame, and whether the object has left
        for child in element:
            if child.tag in _UNREAD:
                continue
            try:
                frame = whole(child.get("frame"), "frame", where)
            except DataError as error:
                problems += error.problems
                continue
            gone = child.get("outside", "0") == "1"
            seen.append((frame, gone))
            if gone or (self.frames == "keyframes" and child.get("keyframe", "1") != "1"):
                continue
            child.set("label", element.get("label", ""))
            found = self._stacked(child, f"{where} frame {frame}", problems)
            video.frames.setdefault(frame, []).extend(found)
        yield from problems or _gaps(seen, where)

    def _drawn_frames(self, video: "_Video", where: str) -> Iterator[Drawing | Problem]:
        if len(video.tasks) > 1:
            what = f"Tracks of {len(video.tasks)} tasks count their frames from 0 each."
            yield Problem("EXPORT-TASKS", what, where, "Export each task by itself.")
            return
        for frame, stacked in sorted(video.frames.items()):
            name = f"{self.frame_prefix}{frame:0{self.frame_digits}d}"
            yield Drawing(name, video.size, _in_order(stacked), where=f"{where}: frame {frame}")


@dataclass
class _Video:
    """What lies on the frames of a video; tracks come one after the other, frames do not."""

    size: Size | None = None
    frames: dict[int, list[tuple[int, Mark]]] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)


def _in_order(stacked: list[tuple[int, Mark]]) -> tuple[Mark, ...]:
    return tuple(mark for _, mark in sorted(stacked, key=lambda each: each[0]))


def _original_size(meta: Element, where: str) -> Size | None:
    found = meta.find(".//original_size")
    if found is None:
        return None
    problems: list[Problem] = []
    size = _size(found.findtext("width"), found.findtext("height"), where, problems)
    if problems:
        raise DataError(*problems)
    return size


def _size(width: object, height: object, where: str, problems: list[Problem]) -> Size | None:
    try:
        size = whole(width, "width", where), whole(height, "height", where)
    except DataError as error:
        problems += error.problems
        return None
    if min(size) < 1:
        problems.append(Problem("NUMBER", f"The image has {size[0]} x {size[1]} pixels.", where))
    return size


def _gaps(seen: list[tuple[int, bool]], where: str) -> list[Problem]:
    """Warn where a track leaves frames out although its object is still there."""
    steps = [
        (here, there - here) for (here, gone), (there, _) in pairwise(sorted(seen)) if not gone
    ]
    usual = min((step for _, step in steps), default=1)
    gaps = [here for here, step in steps if step > usual]
    if not gaps:
        return []
    what = f"After frame {gaps[0]} there are frames without the object, which has not left."
    return [Problem("EXPORT-FRAMES", what, where, "Export all frames.", level="warning")]
