"""What one person drew on one image, whichever tool they drew it with."""

from dataclasses import dataclass
from typing import Literal

from lookright.data.drawings.shapes import Shape

Role = Literal["evidence", "not_evidence", "unknown"]
UNIT = (1, 1)  # the size of a picture whose marks are in shares of its width and its height


@dataclass(frozen=True)
class Mark:
    """One shape, and what it says of the pixels below it.

    Later marks lie on top of earlier ones. `not_evidence` takes away what lies below it, and
    `unknown` says that these pixels should teach nothing.
    """

    shape: Shape
    label: str = ""  # the class that the tool gave it
    role: Role = "evidence"
    weight: float = 1.0  # in [0, 1]: how strongly, for soft marks


@dataclass(frozen=True)
class Drawing:
    """All marks of one person on one image; without any, somebody looked and found nothing.

    `labels` are classes of the whole image, where the tool knows some.
    """

    image: str  # its file, as the tool names it
    size: tuple[int, int] | None  # width, height as the tool knows them; None: it does not
    marks: tuple[Mark, ...]
    annotator: str = ""
    labels: tuple[str, ...] = ()
    where: str = ""  # in the tool's export, for messages: "export.json: task 17"
    ground: Literal["not_evidence", "unknown"] = "not_evidence"  # what nobody marked
