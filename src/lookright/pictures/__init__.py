"""Images and class maps as pictures that people can read; nothing here knows a network."""

from lookright.pictures.overlays import (
    Grid,
    Photo,
    Picture,
    Scale,
    data_uri,
    enlarge,
    jpeg,
    limits,
    outlined,
    overlay,
    photograph,
)
from lookright.pictures.panel import panel, png

__all__ = [
    "Grid",
    "Photo",
    "Picture",
    "Scale",
    "data_uri",
    "enlarge",
    "jpeg",
    "limits",
    "outlined",
    "overlay",
    "panel",
    "photograph",
    "png",
]
