"""DICOM files that tests make: of one patient whose name must be found nowhere."""

import io
from pathlib import Path

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

NAME = "Zebrowski^Quirina"
NUMBER = "QZ-4711-77"
PRIVATE = ("Zebrowski", "Quirina", NUMBER, "19470229", "Dr^Wackernagel", "Kleinstadt Clinic")


def dataset(
    values: np.ndarray, syntax: UID = ExplicitVRLittleEndian, **elements: object
) -> Dataset:
    """Make a file of (rows, columns), (rows, columns, 3) or, with NumberOfFrames, more values.

    Elements are added by keyword, and None takes one away.
    """
    frames = "NumberOfFrames" in elements
    shape = values.shape[1:] if frames else values.shape
    bits = 8 * values.dtype.itemsize
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.StudyInstanceUID = generate_uid()
    made.PatientName, made.PatientID, made.PatientBirthDate = NAME, NUMBER, "19470229"
    made.ReferringPhysicianName = "Dr^Wackernagel"
    made.InstitutionName = "Kleinstadt Clinic"
    made.Rows, made.Columns = shape[:2]
    made.SamplesPerPixel = 3 if len(shape) == 3 else 1
    made.PhotometricInterpretation = "RGB" if len(shape) == 3 else "MONOCHROME2"
    if len(shape) == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = bits
    made.BitsStored = elements.pop("BitsStored", bits)
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(values.dtype.kind == "i")
    made.PixelData = values.tobytes()
    if bits == 8:
        made["PixelData"].VR = "OB"
    for keyword, value in elements.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def file_of(made: Dataset) -> bytes:
    """Write a file to bytes."""
    buffer = io.BytesIO()
    dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


def dicom(values: np.ndarray, syntax: UID = ExplicitVRLittleEndian, **elements: object) -> bytes:
    """Make a file and write it to bytes."""
    return file_of(dataset(values, syntax, **elements))


def again(data: bytes) -> Dataset:
    """Read a whole file by pydicom."""
    return dcmread(io.BytesIO(data))


def outputs(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, names and contents as one."""
    files = [each for each in folder.rglob("*") if each.is_file()]
    return {str(each.relative_to(folder)): each.read_bytes() for each in files}


def betrayals(text: str | bytes) -> list[str]:
    """List what a text says about the patient, in any capitals."""
    plain = text.encode() if isinstance(text, str) else text
    return [word for word in PRIVATE if word.lower().encode() in plain.lower()]
