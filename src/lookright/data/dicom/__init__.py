"""DICOM: pictures from hospitals, read without what they say about people.

Nothing here imports pydicom before a DICOM file is met. Of a file only the elements that a picture
needs are ever parsed: a name that was never read cannot be in an output.
"""
