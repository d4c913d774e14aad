"""How the literature makes maps of gaze, by name.

egd_cxr: Karargyris et al., Scientific Data 2021, fixations.csv on the pixels of the DICOM image:
each fixation counts once, sigma 150 pixels, reflected at the border.
gg_cam: Zhu et al., 2022, guide with the gaze of EGD-CXR, over its maximum; the width they smooth
with is not published, so that of EGD-CXR stands here.
osie: Xu et al., Journal of Vision 2014, on photographs of 800 x 600 pixels: sigma 24 pixels there
(one degree), weighted by duration, reflected at the border.
reflacx: Bigolin Lanfredi et al., Scientific Data 2022, gaze_data/ID/fixations.csv on the pixels of
the DICOM image: one degree of visual angle at the zoom of that moment, weighted by duration, cut
to what the screen showed.
"""

from typing import Any, Literal

Named = Literal["egd_cxr", "gg_cam", "osie", "reflacx"]
_EGD_CXR = {
    "columns": {
        "image": "DICOM_ID",
        "x": "X_ORIGINAL",
        "y": "Y_ORIGINAL",
        "start": "FPOGS",
        "duration": "FPOGD",
    },
    "time_unit": "s",
    "sigma": 150.0,
    "weight": "count",
    "border": "reflected",
}
RECIPES: dict[Named, dict[str, Any]] = {
    "egd_cxr": _EGD_CXR,
    "gg_cam": _EGD_CXR,
    "osie": {
        "width": 800,
        "height": 600,
        "sigma": 24.0,
        "weight": "duration",
        "border": "reflected",
    },
    "reflacx": {
        "columns": {"x": "x_position", "y": "y_position"},
        "time_unit": "s",
        "sigma": 1.0,
        "lengths": "degrees",
        "weight": "duration",
        "border": "cut",
    },
}
