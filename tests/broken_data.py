"""Data sets with planted faults, made of generated images or of copies of real ones."""

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from unicodedata import normalize

import numpy as np
from PIL import Image

Row = dict[str, str]
REAL = Path(__file__).parents[2] / "shared" / "data" / "kermany"
PLANTED = {  # fault: the code by which the check tells it
    "truncated": "IMG-TRUNCATED",
    "deep": "IMG-DEEP",
    "turned": "MASK-SIZE",
    "swapped": "MASK-SAME",
    "empty": "MASK-EMPTY",
    "leak": "GROUP-SPLITS",
    "duplicate_id": "ID-DUPLICATE",
    "outside": "PATH",
    "unicode": "PATH-CASE",
    "spaces": "PATH-SPACE",
}


def write_manifest(folder: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write rows as they are, and return the manifest's path."""
    path = folder / "manifest.csv"
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def generated(folder: Path, count: int = 24) -> list[Row]:
    """Write grey pictures of 40 x 32 pixels, each with a mask of its own, in two classes."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = []
    for number in range(count):
        name = f"p{number:02d}"
        noise = random.integers(0, 256, (4, 5), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((40, 32), Image.Resampling.BICUBIC)
        picture.save(folder / "images" / f"{name}.jpg", quality=95)
        mask = np.zeros((32, 40), np.uint8)
        top, left = random.integers(2, 12, 2)
        mask[top : top + 12, left : left + 14 + number % 5] = 255
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
        split = ("train", "train", "val", "test")[number // 2 % 4]
        rows.append(_row(name, f"{name}.jpg", f"{name}.png", number % 2, split, f"g{number}"))
    return rows


def copied(folder: Path, count: int = 24) -> list[Row]:
    """Copy real chest X-rays with lung masks, of patients that are in one split only."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    with (REAL / "manifest.csv").open(encoding="utf-8") as file:
        every = [row for row in csv.DictReader(file) if row["mask"]]
    rows = []
    for kind, label in enumerate(("normal", "pneumonia")):
        own = {row["group"]: row for row in every if row["label"] == label}
        for number, (group, row) in enumerate(list(own.items())[: count // 2]):
            image, mask = Path(row["image"]), Path(row["mask"])
            shutil.copy(REAL / image, folder / "images" / image.name)
            shutil.copy(REAL / mask, folder / "masks" / mask.name)
            split = ("train", "train", "val", "test")[number % 4]
            rows.append(_row(image.stem, image.name, mask.name, kind, split, group))
    return rows


def _row(name: str, image: str, mask: str, kind: int, split: str, group: str) -> Row:
    return {
        "id": name,
        "image": f"images/{image}",
        "label": ("calm", "wild")[kind],
        "split": split,
        "mask": f"masks/{mask}",
        "group": group,
    }


def break_everything(folder: Path, rows: list[Row]) -> dict[str, str]:
    """Plant one fault of each kind, in place; returns the id that each was planted in."""
    names = iter(range(len(rows)))
    culprit = {fault: rows[next(names)] for fault in PLANTED}
    _truncate(folder / culprit["truncated"]["image"])
    _deepen(folder, culprit["deep"])
    _turn(folder, culprit["turned"])
    other = rows[next(names)]
    shutil.copy(folder / other["mask"], folder / culprit["swapped"]["mask"])
    blank = folder / culprit["empty"]["mask"]
    Image.new("L", Image.open(blank).size).save(blank)
    patient = rows[next(names)]
    patient["split"], culprit["leak"]["split"] = "train", "test"
    patient["group"] = culprit["leak"]["group"]
    culprit["duplicate_id"]["id"] = rows[next(names)]["id"]
    culprit["outside"]["image"] = "../secret.jpg"
    _rename(folder, culprit["spaces"], "with  two spaces.jpg")
    decomposed = rows[next(names)]
    _rename(folder, culprit["unicode"], normalize("NFC", "röntgen.jpg"))
    _rename(folder, decomposed, normalize("NFD", "röntgen.jpg"))
    return {fault: row["id"] for fault, row in culprit.items()}


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _deepen(folder: Path, row: Row) -> None:
    """Store 12 bits in a 16-bit PNG."""
    grey = np.asarray(Image.open(folder / row["image"]).convert("L")).astype(np.uint16)
    row["image"] = row["image"].rpartition(".")[0] + ".png"
    Image.fromarray(grey * 16).save(folder / row["image"])


def _turn(folder: Path, row: Row) -> None:
    """Cut the image to a shape that is not square, and say in EXIF that it lies on its side."""
    file = folder / row["image"]
    picture = Image.open(file).convert("L")
    cut = picture.crop((0, 0, picture.width, picture.height // 2))
    exif = Image.Exif()
    exif[0x0112] = 6
    cut.save(file, exif=exif, quality=95)
    mask = folder / row["mask"]
    Image.open(mask).convert("L").crop((0, 0, cut.width, cut.height)).save(mask)


def _rename(folder: Path, row: Row, name: str) -> None:
    new = str(Path(row["image"]).with_name(name))
    (folder / row["image"]).rename(folder / new)
    row["image"] = new
