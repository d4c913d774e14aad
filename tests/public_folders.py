"""Tiny folders of the shape in which the public data sets come."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

SIDE = 24  # pixels
_drawn = iter(range(10**6))  # no two pictures are alike


def picture(file: Path, size: tuple[int, int] = (SIDE, SIDE)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(next(_drawn))
    Image.fromarray(random.integers(0, 255, size[::-1], np.uint8)).save(file)


def mask(file: Path, values: np.ndarray | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if values is None:
        start = next(_drawn) % 10
        values = np.zeros((SIDE, SIDE), np.uint8)
        values[start : start + 8, 4:12] = 255
        values[SIDE - 1, : next(_drawn) % SIDE] = 255  # no two masks are alike
    Image.fromarray(values).save(file)


def table(file: Path, *lines: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


def isic2017(folder: Path) -> None:
    for part, count in (("Training", 8), ("Validation", 4), ("Test_v2", 4)):
        start, names = f"ISIC-2017_{part}", [f"ISIC_{part[:2]}{each:05d}" for each in range(count)]
        lines = [f"{name},{each % 2}.0,{each % 4 // 2}.0" for each, name in enumerate(names)]
        header = "image_id,melanoma,seborrheic_keratosis"
        table(folder / f"{start}_Part3_GroundTruth.csv", header, *lines)
        for name in names:
            picture(folder / f"{start}_Data/{name}.jpg")
            mask(folder / f"{start}_Part1_GroundTruth/{name}_segmentation.png")


def chestxray14(folder: Path) -> None:
    """Thirty patients with two images each; the last ten are for testing."""
    names = [f"{patient:08d}_{visit:03d}.png" for patient in range(1, 31) for visit in range(2)]
    findings = ["No Finding", "Pneumonia", "Pneumonia|Mass", "No Finding", "Hernia", "Effusion"]
    lines = [
        f"{name},{findings[number % 6]},0,{number // 2 + 1},058Y,M,PA,2682,2749,0.143,0.143,"
        for number, name in enumerate(names)
    ]
    header = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
    header += "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
    table(folder / "Data_Entry_2017.csv", header, *lines)
    table(folder / "train_val_list.txt", *names[:40])
    table(folder / "test_list.txt", *names[40:])
    boxes = [f"{names[43]},Pneumonia,256.0,512,128,256.0,,,", f"{names[43]},Mass,1,1,9,9,,,"]
    table(folder / "BBox_List_2017.csv", "Image Index,Finding Label,Bbox [x,y,w,h],,,", *boxes)
    for number, name in enumerate(names):
        picture(folder / f"images_{number % 2 + 1:03d}/images/{name}", (32, 32))


def waterbirds(folder: Path) -> None:
    lines = []
    for number in range(24):
        path = f"{number % 4 + 1:03d}.Bird/Bird_{number:04d}.jpg"
        y, split = number % 2, (0, 0, 1, 2)[number // 2 % 4]
        lines.append(f"{number + 1},{path},{y},{split},{number % 3 % 2},/f/forest/{number}.jpg")
        picture(folder / path)
        mask(folder / "segmentations" / path.replace(".jpg", ".png"))
    table(folder / "metadata.csv", "img_id,img_filename,y,split,place,place_filename", *lines)


def cub(folder: Path) -> None:
    paths = [f"{kind}/{kind[4:]}_{each:04d}.jpg" for kind in CUB_CLASSES for each in range(12)]
    for path in paths:
        picture(folder / "images" / path)
        mask(folder / "segmentations" / path.replace(".jpg", ".png"))
    numbered = list(enumerate(paths, 1))
    table(folder / "classes.txt", *(f"{each} {name}" for each, name in enumerate(CUB_CLASSES, 1)))
    table(folder / "images.txt", *(f"{each} {path}" for each, path in numbered))
    table(folder / "image_class_labels.txt", *(f"{n} {(n - 1) // 12 + 1}" for n, _ in numbered))
    table(folder / "train_test_split.txt", *(f"{n} {int(n % 3 > 0)}" for n, _ in numbered))
    table(folder / "bounding_boxes.txt", *(f"{n} 2.0 3.0 10.0 12.0" for n, _ in numbered))


CUB_CLASSES = ("001.Black_footed_Albatross", "002.Laysan_Albatross")


def pets(folder: Path) -> None:
    names = [f"{breed}_{each}" for breed in ("Abyssinian", "beagle") for each in range(1, 13)]
    lines = [f"{name} {1 + (name[0] == 'b')} {1 + (name[0] == 'b')} 1" for name in names]
    table(folder / "annotations/trainval.txt", *lines[:9], *lines[12:21])
    table(folder / "annotations/test.txt", *lines[9:12], *lines[21:])
    for name in names:
        picture(folder / f"images/{name}.jpg")
        trimap = np.full((SIDE, SIDE), 2, np.uint8)
        trimap[4:16, 4:16], trimap[6:14, 6 : 8 + next(_drawn) % 6] = 3, 1
        mask(folder / f"annotations/trimaps/{name}.png", trimap)


def siim_acr(folder: Path) -> None:
    names = [f"1.2.276.0.{each:04d}" for each in range(20)]
    lines = [f"{name}, -1" for name in names[:10]]
    lines += [f"{name}, {1024 * 100 + each} 200 824 200" for each, name in enumerate(names[10:])]
    lines.append(f"{names[19]}, 524288 1024")
    table(folder / "train-rle.csv", "ImageId, EncodedPixels", *lines)
    for name in names:
        picture(folder / f"png/{name}.png", (32, 32))


def kermany(folder: Path) -> None:
    for split, start in (("train", 0), ("test", 30)):
        for each in range(start, start + 20):
            picture(folder / f"{split}/NORMAL/IM-{each:04d}-0001.jpeg")
            picture(folder / f"{split}/PNEUMONIA/person{each}_bacteria_{each * 3}.jpeg")
    picture(folder / "train/PNEUMONIA/person31_virus_7.jpeg")  # a patient of the test
    picture(folder / "val/NORMAL/NORMAL2-IM-0003-0002.jpeg")  # a patient of the training
    mask(folder / "masks/IM-0001-0001.png")


def cyborg(folder: Path) -> None:
    lines = []
    for each in range(8):
        for kind, word in (("Real", "0_real/p1_{}_real"), ("Synthetic", "1_fake/p1_{}_fake")):
            path = f"train/original_data/{word.format(each)}.png"
            lines.append(f"train,{kind},/{path}")
            picture(folder / path)
            mask(folder / "maps" / Path(path).name)
    for each in range(4):
        for kind, path in (("Real", f"val/0_real/0440{each}d239.jpg"),
                           ("Synthetic", f"val/1_fake/synth_face_{each}.jpg")):  # fmt: skip
            lines.append(f"test,{kind},/{path}")
            picture(folder / path)
    table(folder / "original.csv", *lines)
    further = [f"test/0_real/{each:05d}.png" for each in range(3)]
    table(folder / "tests/celeba-hq.csv", *(f"test,Real,/{path}" for path in further))
    for path in further:
        picture(folder / path)


def livdet_iris(folder: Path) -> None:
    for each in range(12):
        picture(folder / f"images/real/{4200 + each // 2:05d}d{each}.png")
    for kind in ("textured_contacts", "Post-Mortem", "printouts"):
        for each in range(3):
            picture(folder / f"images/{kind}/{kind[0]}{each}.png")
    mask(folder / "maps/04200d0.png")


def mimic(folder: Path, count: int = 20) -> list[dict[str, str]]:
    """Write images where MIMIC-CXR-JPG keeps them, two studies for each patient."""
    found = []
    for each in range(count):
        subject, study = f"{10000032 + each // 2}", f"{50414267 + each}"
        name = "-".join(f"{(each + 1) * 2654435761 * k % 2**32:08x}" for k in (1, 3, 5, 7, 9))
        path = f"files/p{subject[:2]}/p{subject}/s{study}/{name}.jpg"
        picture(folder / path, (40, 32))
        found.append({"subject_id": subject, "study_id": study, "dicom_id": name, "path": path})
    return found


def mimic_cxr(folder: Path) -> None:
    rows = mimic(folder, 40)
    findings = ["Atelectasis", "Cardiomegaly", "Edema", "Lung Opacity", "Pleural Effusion"]
    findings += ["Pneumonia", "Support Devices", "Fracture", "No Finding"]
    given = [{"No Finding": "1.0"}, {"Edema": "1.0", "Fracture": "1.0"}]
    given += [{"Pneumonia": "-1.0"}, {"Fracture": "1.0"}, {"Edema": "1.0"}]
    given += [{"No Finding": "1.0"}, {"No Finding": "1.0", "Support Devices": "1.0"}, {}]
    lines = [
        ",".join([r["subject_id"], r["study_id"], *(given[n % 8].get(f, "") for f in findings)])
        for n, r in enumerate(rows)
    ]
    start = folder / "mimic-cxr-2.0.0-"
    table(Path(f"{start}chexpert.csv.gz"), ",".join(["subject_id", "study_id", *findings]), *lines)
    splits = [("train", "train", "validate", "test")[int(r["subject_id"]) % 4] for r in rows]
    key = ("dicom_id", "study_id", "subject_id")
    lines = [",".join([*(r[k] for k in key), s]) for r, s in zip(rows, splits, strict=True)]
    table(Path(f"{start}split.csv.gz"), ",".join([*key, "split"]), *lines)
    views = [("PA", "AP", "PA", "LATERAL", "AP", "AP", "PA", "PA")[n % 8] for n in range(40)]
    lines = [f"{r['dicom_id']},{view}" for r, view in zip(rows, views, strict=True)]
    table(Path(f"{start}metadata.csv.gz"), "dicom_id,ViewPosition", *lines)


def decoy_mnist(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for start, count in (("train", 60), ("t10k", 20)):
        digits = random.integers(0, 255, (count, 28, 28), np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, header, values in (("images-idx3", 16, digits), ("labels-idx1", 8, labels)):
            data = gzip.compress(bytes(header) + values.tobytes())
            (folder / f"{start}-{name}-ubyte.gz").write_bytes(data)


def egd_cxr(folder: Path) -> None:
    """Thirty images of forty by thirty-two pixels; one id is cut off, one picture calibrates."""
    rows = mimic(folder, 30)
    header = "dicom_id,path,study_id,patient_id,Normal,CHF,pneumonia"
    given = ["1,0,0", "0,1,0", "0,0,1", "1,0,0", "0,1,0", "0,1,1"]
    lines = [
        ",".join([r["dicom_id"], r["path"].replace(".jpg", ".dcm"), r["study_id"], r["subject_id"]])
        + f",{given[n % 6]}"
        for n, r in enumerate(rows)
    ]
    table(folder / "master_sheet.csv", header, *lines)
    header = "DICOM_ID,SESSION_ID,FPOGX,FPOGY,FPOGS,FPOGD,X_ORIGINAL,Y_ORIGINAL"
    names = [r["dicom_id"] for r in rows]
    names[0] = names[0][:39]
    lines = [
        f"{name},1,.5,.5,{k}.0,0.25,{4 + k},{10 + n % 9}"
        for n, name in enumerate(names)
        for k in range(3)
    ]
    calibration = "calibration_image,1,.5,.5,9.0,0.2,3,3"
    table(folder / "fixations.csv", header, *lines, calibration)


def reflacx(folder: Path) -> None:
    """Sixteen images; the first four were read twice, one of these readings without gaze."""
    rows = mimic(folder, 16)
    readings = [(r, 1, 1) for r in rows[:4]] + [(r, 1, 2) for r in rows[:4]]
    readings += [(r, 2, 1) for r in rows[4:8]] + [(r, 3, 1) for r in rows[8:]]
    lines: dict[int, list[str]] = {1: [], 2: [], 3: []}
    header = "id,split,eye_tracking_data_discarded,image,dicom_id,subject_id,image_size_x,"
    header += "image_size_y,Atelectasis,Pulmonary edema,Support devices,Other"
    for number, (r, phase, reader) in enumerate(readings):
        name, which = f"P{phase}{reader:02d}R{number:06d}", rows.index(r)
        split = ("train", "train", "validate", "test")[which // 2 % 4]
        certainty = ((0, 5) if which % 2 else (0, 0)) if which else (0, 1)
        discarded = name == "P102R000005"
        path = r["path"].replace(".jpg", ".dcm")
        cells = [name, split, discarded, path, r["dicom_id"], r["subject_id"], 40, 32, *certainty]
        lines[phase].append(",".join(map(str, [*cells, which % 3 == 0, ""])))
        if not discarded:
            fixations = "timestamp_start_fixation,timestamp_end_fixation,x_position,y_position,"
            fixations += "angular_resolution_x_pixels_per_degree,"
            fixations += "angular_resolution_y_pixels_per_degree"
            looks = [f"{k}.0,{k}.5,{8 + which},{6 + 4 * reader + k},3,3" for k in range(3)]
            table(folder / f"main_data/{name}/fixations.csv", fixations, *looks)
        header_of_ellipses = "xmin,ymin,xmax,ymax,certainty,Atelectasis"
        ellipse = f"{4 + which},8,{16 + which},24,5,True"
        file = folder / f"main_data/{name}/anomaly_location_ellipses.csv"
        table(file, header_of_ellipses, ellipse)
    for phase, found in lines.items():
        table(folder / f"main_data/metadata_phase_{phase}.csv", header, *found)


def osie(folder: Path) -> None:
    """Twenty photographs of 80 x 60 pixels, each seen by two people, as a file of MATLAB's."""
    (folder / "data/eye").mkdir(parents=True)
    cells = np.empty((20, 1), object)
    for each in range(20):
        people = np.empty((2, 1), object)
        looks = np.array([[100.0 + 20 * each, 300.0], [200.0, 310.0]])
        people[0, 0] = {"fix_x": looks[:, :1], "fix_y": looks[:, 1:], "fix_duration": [[200], [90]]}
        people[1, 0] = {"fix_x": 400.0, "fix_y": 300.0, "fix_duration": 150.0}
        cells[each, 0] = {"img": f"{1001 + each}.jpg", "subjects": people}
        picture(folder / f"data/stimuli/{1001 + each}.jpg", (80, 60))
    savemat(folder / "data/eye/fixations.mat", {"fixations": cells})
    labels = ("person", "no_person", "person", "no_person", "ambiguous")
    lines = [f"{1001 + each}.jpg,{labels[each % 5]}" for each in range(20)]
    table(folder / "labels.csv", "image,label", *lines)


MAKERS: dict[str, Callable[[Path], None]] = {
    each.__name__: each
    for each in (isic2017, chestxray14, waterbirds, cub, pets, siim_acr, kermany, cyborg)
}
MAKERS |= {
    each.__name__: each for each in (livdet_iris, mimic_cxr, decoy_mnist, egd_cxr, reflacx, osie)
}
