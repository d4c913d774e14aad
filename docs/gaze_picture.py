"""Draw what becomes of a few made-up fixations: weights, widths, borders, windows and zoom.

python docs/gaze_picture.py docs/images/gaze.png
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure

from lookright.data.drawings.drawn import DrawnMap
from lookright.data.importers import make

SIZE = (300, 200)
LOOKS = [  # x, y, start, duration: a made-up reader of a made-up image
    (60, 50, 0, 180),
    (80, 60, 250, 220),
    (210, 60, 600, 700),
    (220, 75, 1400, 900),
    (150, 190, 2500, 300),
    (8, 120, 3000, 500),
]
WAYS = {
    "duration, sigma 15": {},
    "count": {"weight": "count"},
    "log duration": {"weight": "log_duration"},
    "reflected at the border": {"border": "reflected"},
    "sigma 30 x 10": {"sigma": 30, "sigma_y": 10},
    "until 1.5 s": {"until": 1500},
}


def main(target: Path) -> None:
    """Draw one panel for each way to make a map of the same fixations."""
    figure = Figure(figsize=(9, 4.3), dpi=150)
    for axis, (title, settings) in zip(figure.subplots(2, 3).flat, WAYS.items(), strict=True):
        axis.imshow(render(settings), cmap="inferno", extent=(0, *SIZE, 0))
        x, y, _, duration = np.array(LOOKS).T
        axis.plot(x, y, color="white", linewidth=0.5)
        axis.scatter(x, y, s=duration / 12, facecolors="none", edgecolors="white", linewidths=0.8)
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(target)


def render(settings: dict) -> np.ndarray:
    """Make the map of the fixations as the importer does."""
    with TemporaryDirectory() as folder:
        table = Path(folder) / "fixations.csv"
        lines = [f"a,{x},{y},{start},{duration}" for x, y, start, duration in LOOKS]
        table.write_text("\n".join(["image,x,y,start,duration", *lines]))
        items = make("fixations", {"sigma": 15, **settings}).read(table)
        (drawn,) = (each for each in items if isinstance(each, DrawnMap))
        assert callable(drawn.map)
        return drawn.map(SIZE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
