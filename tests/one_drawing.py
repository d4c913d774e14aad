"""One drawing, written as each tool writes it, by code that knows nothing of the readers."""

import base64
import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

IMAGE = "scene.png"
LABEL = "lesion"


@dataclass(frozen=True)
class Scene:
    """A picture's size, boxes of whole pixels, one outline, and the pixels inside the outline."""

    size: tuple[int, int]  # width, height
    boxes: tuple[tuple[int, int, int, int], ...]  # left, top, right, bottom: edges
    outline: np.ndarray  # (vertices, 2)
    cells: np.ndarray  # (rows, cols)

    @property
    def boxed(self) -> np.ndarray:
        """The pixels inside the boxes."""
        found = np.zeros(self.size[::-1], bool)
        for left, top, right, bottom in self.boxes:
            found[top:bottom, left:right] = True
        return found


@dataclass(frozen=True)
class Written:
    """An export, and how it is to be read."""

    format: str
    path: Path
    settings: dict[str, Any]


def scene(width: int, height: int) -> Scene:
    """A blob with a bay, and two boxes."""
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    reach = 0.33 * (1 + 0.35 * np.sin(2 * turns + 0.4) + 0.1 * np.cos(5 * turns))
    outline = np.stack([0.5 + reach * np.cos(turns), 0.5 + reach * np.sin(turns)], 1)
    outline = np.round(outline * (width, height), 3)
    boxes = ((width // 8, height // 6, width // 2, height // 2),)
    boxes += ((width // 3, height // 3, width - width // 7, height - height // 9),)
    return Scene((width, height), boxes, outline, inside(outline, width, height))


def inside(outline: np.ndarray, width: int, height: int) -> np.ndarray:
    """Say by brute force of which pixels the centre has an odd number of edges on its left."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    odd = np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, 0), strict=True):
        crosses = (y0 <= y) != (y1 <= y)
        with np.errstate(divide="ignore", invalid="ignore"):
            odd ^= crosses & (x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x)
    return odd


def corners(box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def runs(cells: Iterable[bool]) -> list[int]:
    counts, last = [0], False
    for value in cells:
        if bool(value) != last:
            counts.append(0)
            last = bool(value)
        counts[-1] += 1
    return counts


def png(cells: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(cells.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()


def _coco(folder: Path, scene: Scene, annotations: list[dict[str, Any]]) -> Written:
    width, height = scene.size
    content = {
        "images": [{"id": 1, "file_name": IMAGE, "width": width, "height": height}],
        "categories": [{"id": 1, "name": LABEL}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, **each}
            for number, each in enumerate(annotations)
        ],
    }
    return _json(folder, "coco", content)


def _json(folder: Path, format: str, content: Any) -> Written:
    path = folder / f"{format}.json"
    path.write_text(json.dumps(content))
    return Written(format, path, {})


def _label_studio(folder: Path, scene: Scene, values: list[tuple[str, dict[str, Any]]]) -> Written:
    results = [
        {
            **{"type": kind, "from_name": "tag", "to_name": "image", "image_rotation": 0},
            **{"original_width": scene.size[0], "original_height": scene.size[1]},
            "value": {**value, kind: [LABEL]},
        }
        for kind, value in values
    ]
    task = {"id": 1, "data": {"image": f"/data/upload/1/{IMAGE}"}}
    return _json(folder, "label_studio", [{**task, "annotations": [{"id": 1, "result": results}]}])


def _cvat(folder: Path, scene: Scene, elements: list[str]) -> Written:
    width, height = scene.size
    path = folder / "annotations.xml"
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>'
        f'<image id="0" name="{IMAGE}" width="{width}" height="{height}">'
        f"{''.join(elements)}</image></annotations>"
    )
    return Written("cvat", path, {})


def _labelme(folder: Path, scene: Scene, shapes: list[dict[str, Any]]) -> Written:
    width, height = scene.size
    content = {
        **{"version": "5.5.0", "flags": {}, "imagePath": IMAGE, "imageData": None},
        **{"imageWidth": width, "imageHeight": height},
        "shapes": [{"label": LABEL, "flags": {}, "group_id": None, **each} for each in shapes],
    }
    return _json(folder, "labelme", content)


def _table(folder: Path, format: str, rows: list[list[Any]], **settings: Any) -> Written:
    path = folder / "table.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return Written(format, path, settings)


def _percent(points: np.ndarray, scene: Scene) -> list[list[float]]:
    return (100 * points / np.array(scene.size)).tolist()


def coco_polygons_of_boxes(folder: Path, scene: Scene) -> Written:
    shapes = [{"segmentation": [corners(box).ravel().tolist()]} for box in scene.boxes]
    return _coco(folder, scene, shapes)


def coco_boxes(folder: Path, scene: Scene) -> Written:
    sides = [[x0, y0, x1 - x0, y1 - y0] for x0, y0, x1, y1 in scene.boxes]
    return _coco(folder, scene, [{"bbox": each} for each in sides])


def label_studio_rectangles(folder: Path, scene: Scene) -> Written:
    values = []
    for left, top, right, bottom in scene.boxes:
        (x, y), (wide, high) = _percent(
            np.array([[left, top], [right - left, bottom - top]]), scene
        )
        value = {"x": x, "y": y, "width": wide, "height": high, "rotation": 0}
        values.append(("rectanglelabels", value))
    return _label_studio(folder, scene, values)


def cvat_boxes(folder: Path, scene: Scene) -> Written:
    elements = [
        f'<box label="{LABEL}" occluded="0" xtl="{x0:.2f}" ytl="{y0:.2f}" xbr="{x1:.2f}"'
        f' ybr="{y1:.2f}" z_order="0"></box>'
        for x0, y0, x1, y1 in scene.boxes
    ]
    return _cvat(folder, scene, elements)


def labelme_rectangles(folder: Path, scene: Scene) -> Written:
    shapes = [
        {"shape_type": "rectangle", "points": [[x1, y0], [x0, y1]]}
        for x0, y0, x1, y1 in scene.boxes
    ]
    return _labelme(folder, scene, shapes)


def voc(folder: Path, scene: Scene) -> Written:
    objects = "".join(
        f"<object><name>{LABEL}</name><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for x0, y0, x1, y1 in scene.boxes
    )
    path = folder / "scene.xml"
    path.write_text(f"<annotation><filename>{IMAGE}</filename>{objects}</annotation>")
    return Written("voc", path, {})


def boxes_xywh(folder: Path, scene: Scene) -> Written:
    rows = [[IMAGE, x0, y0, x1 - x0, y1 - y0, LABEL] for x0, y0, x1, y1 in scene.boxes]
    return _table(folder, "boxes", [["image", "x", "y", "width", "height", "label"], *rows])


def boxes_normalised_centres(folder: Path, scene: Scene) -> Written:
    width, height = scene.size
    rows = [
        [
            *(IMAGE, (x0 + x1) / 2 / width, (y0 + y1) / 2 / height),
            *((x1 - x0) / width, (y1 - y0) / height, LABEL),
        ]
        for x0, y0, x1, y1 in scene.boxes
    ]
    choices = {"form": "cxcywh", "units": "normalised"}
    heading = ["image", "x", "y", "width", "height", "label"]
    return _table(folder, "boxes", [heading, *rows], **choices)


def boxes_in_a_cell(folder: Path, scene: Scene) -> Written:
    cell = ";".join(f"{LABEL}:{x0},{y0},{x1},{y1}" for x0, y0, x1, y1 in scene.boxes)
    rows = [["image", "found"], [IMAGE, cell]]
    return _table(folder, "boxes", rows, columns="found", form="xyxy")


def open_images_boxes(folder: Path, scene: Scene) -> Written:
    width, height = scene.size
    rows = [
        ["scene", "tool", LABEL, 1, x0 / width, x1 / width, y0 / height, y1 / height, 0]
        for x0, y0, x1, y1 in scene.boxes
    ]
    names = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf"
    return _table(folder, "open_images", [names.split(","), *rows])


def nih_boxes(folder: Path, scene: Scene) -> Written:
    scale = 1024 / np.array(scene.size)
    rows = [
        [IMAGE, LABEL, x0 * scale[0], y0 * scale[1], (x1 - x0) * scale[0], (y1 - y0) * scale[1]]
        for x0, y0, x1, y1 in scene.boxes
    ]
    names = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
    return _table(folder, "nih_boxes", [names.split(","), *([*row, "", "", ""] for row in rows)])


def coco_polygon(folder: Path, scene: Scene) -> Written:
    return _coco(folder, scene, [{"segmentation": [scene.outline.ravel().tolist()]}])


def label_studio_polygon(folder: Path, scene: Scene) -> Written:
    value = {"points": _percent(scene.outline, scene)}
    return _label_studio(folder, scene, [("polygonlabels", value)])


def cvat_polygon(folder: Path, scene: Scene) -> Written:
    points = ";".join(f"{x:.3f},{y:.3f}" for x, y in scene.outline.tolist())
    return _cvat(folder, scene, [f'<polygon label="{LABEL}" points="{points}"></polygon>'])


def labelme_polygon(folder: Path, scene: Scene) -> Written:
    shape = {"shape_type": "polygon", "points": scene.outline.tolist()}
    return _labelme(folder, scene, [shape])


def coco_run_lengths(folder: Path, scene: Scene) -> Written:
    width, height = scene.size
    counts = runs(scene.cells.T.ravel())
    return _coco(folder, scene, [{"segmentation": {"counts": counts, "size": [height, width]}}])


def coco_compressed_run_lengths(folder: Path, scene: Scene) -> Written:
    from pycocotools import mask

    packed = mask.encode(np.asfortranarray(scene.cells.astype(np.uint8)))
    packed["counts"] = packed["counts"].decode()
    return _coco(folder, scene, [{"segmentation": packed}])


def label_studio_bitmask(folder: Path, scene: Scene) -> Written:
    url = "data:image/png;base64," + base64.b64encode(png(scene.cells)).decode()
    value = {"format": "rle", "imageDataURL": url}
    return _label_studio(folder, scene, [("bitmasklabels", value)])


def label_studio_brush(folder: Path, scene: Scene) -> Written:
    from lookright.data.exchange.brush import (
        encode,  # held against the tool's own bytes in its tests
    )

    value = {"format": "rle", "rle": list(encode(scene.cells))}
    return _label_studio(folder, scene, [("brushlabels", value)])


def cvat_mask(folder: Path, scene: Scene) -> Written:
    cells, left, top = _cut(scene.cells)
    place = f'left="{left}" top="{top}" width="{cells.shape[1]}" height="{cells.shape[0]}"'
    counts = ", ".join(map(str, runs(cells.ravel())))
    return _cvat(folder, scene, [f'<mask label="{LABEL}" rle="{counts}" {place}></mask>'])


def labelme_mask(folder: Path, scene: Scene) -> Written:
    cells, left, top = _cut(scene.cells)
    last = [left + cells.shape[1] - 1, top + cells.shape[0] - 1]
    text = base64.b64encode(png(cells)).decode()
    shape = {"shape_type": "mask", "points": [[left, top], last], "mask": text}
    return _labelme(folder, scene, [shape])


def siim_relative(folder: Path, scene: Scene) -> Written:
    counts = runs(scene.cells.T.ravel())
    pairs = zip(counts[0:-1:2], counts[1::2], strict=False)
    cell = " ".join(f"{gap} {length}" for gap, length in pairs)
    rows = [["ImageId", "EncodedPixels"], ["scene", cell]]
    return _table(folder, "siim", rows, size=f"{scene.size[0]},{scene.size[1]}")


def siim_absolute(folder: Path, scene: Scene) -> Written:
    counts = runs(scene.cells.T.ravel())
    starts = np.cumsum(counts)[0:-1:2] + 1
    cell = " ".join(f"{s} {n}" for s, n in zip(starts.tolist(), counts[1::2], strict=False))
    choices = {"offsets": "absolute", "size": f"{scene.size[0]},{scene.size[1]}"}
    return _table(folder, "siim", [["ImageId", "EncodedPixels"], ["scene", cell]], **choices)


def open_images_mask(folder: Path, scene: Scene) -> Written:
    (folder / "scene_mask.png").write_bytes(png(scene.cells))
    rows = [["MaskPath", "ImageID", "LabelName"], ["scene_mask.png", "scene", LABEL]]
    return _table(folder, "open_images", rows)


def masks(folder: Path, scene: Scene) -> Written:
    (folder / "masks").mkdir()
    (folder / "masks" / IMAGE).write_bytes(png(scene.cells))
    return Written("masks", folder / "masks", {})


def points(folder: Path, scene: Scene) -> Written:
    """Every marked pixel is pointed at."""
    rows = [[IMAGE, int(x), int(y), LABEL] for y, x in np.argwhere(scene.cells)]
    return _table(folder, "points", [["image", "x", "y", "label"], *rows], centres=0)


def nifti(folder: Path, scene: Scene) -> Written:
    import nibabel

    volume = scene.cells.T[:, :, None].astype(np.uint8)
    path = folder / "scene.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([-1.0, -1.0, 1.0, 1.0])), path)
    return Written("nifti", path, {})


def dicom_seg(folder: Path, scene: Scene) -> Written:
    """A binary segment of one frame, packed eight pixels to a byte, beside its image."""
    from pydicom.dataset import Dataset

    source = _dicom("1.2.840.10008.5.1.4.1.1.7", "1.2.3.1")
    source.save_as(folder / "scene.dcm", enforce_file_format=True)
    found = _dicom("1.2.840.10008.5.1.4.1.1.66.4", "1.2.3.2")
    segment, number, image = Dataset(), Dataset(), Dataset()
    found.SegmentationType, found.NumberOfFrames = "BINARY", 1
    found.Columns, found.Rows = scene.size
    found.BitsAllocated = found.BitsStored = found.SamplesPerPixel = 1
    found.HighBit = found.PixelRepresentation = 0
    found.PhotometricInterpretation = "MONOCHROME2"
    segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmType = 1, LABEL, "MANUAL"
    found.SegmentSequence = [segment]
    number.ReferencedSegmentNumber = 1
    image.ReferencedSOPInstanceUID = source.SOPInstanceUID
    derivation, frame = Dataset(), Dataset()
    derivation.SourceImageSequence = [image]
    frame.SegmentIdentificationSequence = [number]
    frame.DerivationImageSequence = [derivation]
    found.PerFrameFunctionalGroupsSequence = [frame]
    packed = np.packbits(scene.cells.ravel(), bitorder="little").tobytes()
    found.PixelData = packed + bytes(len(packed) % 2)
    found.save_as(folder / "seg.dcm", enforce_file_format=True)
    return Written("dicom_seg", folder, {})


def _dicom(kind: str, uid: str) -> Any:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID = found.file_meta.MediaStorageSOPClassUID = kind
    found.SOPInstanceUID = found.file_meta.MediaStorageSOPInstanceUID = uid
    return found


def _cut(cells: np.ndarray) -> tuple[np.ndarray, int, int]:
    rows, cols = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    top, left = int(rows[0]), int(cols[0])
    return cells[top : rows[-1] + 1, left : cols[-1] + 1], left, top


Writer = Callable[[Path, Scene], Written]
BOXES: tuple[Writer, ...] = (
    *(coco_boxes, coco_polygons_of_boxes, label_studio_rectangles, cvat_boxes),
    *(labelme_rectangles, voc, boxes_xywh, boxes_normalised_centres, boxes_in_a_cell),
    *(open_images_boxes, nih_boxes),
)
OUTLINES: tuple[Writer, ...] = (coco_polygon, label_studio_polygon, cvat_polygon, labelme_polygon)
PIXELS: tuple[Writer, ...] = (
    *(coco_run_lengths, coco_compressed_run_lengths, label_studio_brush, label_studio_bitmask),
    *(cvat_mask, labelme_mask, siim_relative, siim_absolute, open_images_mask),
    *(masks, points, nifti, dicom_seg),
)
WRITERS = (*BOXES, *OUTLINES, *PIXELS)
