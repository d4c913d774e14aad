"""The words that the rest of the library is written in.

Shapes are types: `rows cols` is the grid of class maps, `height width` the grid of images. They
are checked while tests run and cost nothing otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jaxtyping import Bool, Float, Int
from torch import Tensor

Images = Float[Tensor, "batch colours height width"]
ImageMaps = Float[Tensor, "batch height width"]
Labels = Int[Tensor, " batch"]
Flags = Bool[Tensor, " batch"]
Values = Float[Tensor, " batch"]
Logits = Float[Tensor, "batch classes"]
Features = Float[Tensor, "batch channels rows cols"]
HeadWeight = Float[Tensor, "classes channels"]
Cams = Float[Tensor, "batch classes rows cols"]
Maps = Float[Tensor, "batch rows cols"]
Scalar = Float[Tensor, ""]
Terms = dict[str, Scalar]  # the named parts of a loss, already weighted; the loss is their sum


@dataclass(frozen=True)
class Batch:
    """What an objective sees of the data.

    >>> from torch import ones, rand, tensor, zeros
    >>> asked = tensor([True, False])
    >>> batch = Batch(rand(2, 3, 32, 32), tensor([0, 1]), zeros(2, 32, 32), asked, ones(2))
    >>> int(batch.annotated.sum())
    1
    """

    images: Images  # in [0, 1]
    labels: Labels
    maps: ImageMaps  # human saliency in [0, 1], on the image grid
    annotated: Flags  # False: nobody was asked; a missing map is not a zero map
    weights: Values  # how much each image counts in the classification term; usually 1
    # How much of each pixel teaches nothing, in [0, 1]; maps are zero there. None: all is known.
    unknown: ImageMaps | None = None


@dataclass(frozen=True)
class Prediction:
    """What a model says of a batch, and where it looked.

    >>> from torch import ones
    >>> seen = Prediction(ones(1, 2), ones(1, 8, 4, 4), explain=lambda: ones(1, 2, 4, 4))
    >>> seen.cams.shape
    torch.Size([1, 2, 4, 4])
    """

    logits: Logits
    features: Features  # exactly what the head pools
    explain: Callable[[], Cams]  # deferred, so that plain training pays nothing for maps
    known: list[Cams] = field(default_factory=list, init=False, repr=False)

    @property
    def cams(self) -> Cams:
        """The class maps of every class, before any normalisation; computed once, when asked."""
        # Not cached_property: its lock, in Python 3.11, stops torch.compile.
        if not self.known:
            self.known.append(self.explain())
        return self.known[0]
