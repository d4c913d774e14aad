"""What every published data set promises: what to obtain, and how its files become rows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.drawn import DrawnMap
from lookright.data.importing.tally import Tally
from lookright.errors import Problem

if TYPE_CHECKING:
    from lookright.data.preparing.public_folder import PublicFolder

Drawn = Drawing | DrawnMap


@dataclass(frozen=True)
class Needed:
    """A file, or a folder, that has to be there before anything can be read."""

    path: str  # below the folder; "a.csv | a.csv.gz" where one of several will do
    holds: str  # "labels and patients"
    source: str = ""  # where to get it, if not where the rest is from
    optional: bool = False  # without it the set can still be prepared, with less in it


@dataclass(frozen=True, eq=False)
class PublicImage:
    """One image of a published set, as the set's own tables tell it.

    `image` and a finished `evidence` are paths below the folder; what is not there is left out
    and counted. An image or a map that the set does not have as a file is given as values or as
    what somebody drew, and becomes a file. No evidence: nobody was asked.
    """

    id: str
    image: str | DrawnMap  # a DrawnMap holds grey levels in [0, 1]
    label: str
    split: str = ""
    evidence: str | Drawn = ""
    group: str = ""  # what must not be divided between splits
    source: str = ""
    more: Mapping[str, str] = field(default_factory=dict)  # columns of this set's own


@dataclass(frozen=True)
class Prepared:
    """What a set's tables hold; `counted` are found numbers of what `PublicSet.counts` names."""

    images: list[PublicImage]
    counted: Mapping[str, int]
    notices: tuple[Problem, ...] = ()


def told(tally: Tally) -> list[Problem]:
    """Return one problem for each kind that was counted: the first, with how many there were."""
    kinds = ((tally.first[kind], number) for kind, number in tally.counts.items())
    return [
        each if number == 1 else replace(each, what=f"{each.what} ({number} of this kind)")
        for each, number in kinds
    ]


class PublicSet(ABC):
    """A data set that others published, by name; its settings are its constructor's arguments.

    It lives in `data/public/`, one file each; the file's name is the set's, and its first line says
    what it is. Nothing is ever downloaded: `needs` says what to put into a folder, and how it has
    to be called there. `counts` are the published numbers; others are a warning, since a part of a
    set is a set.
    """

    source: ClassVar[str]  # an address, for people
    licence: ClassVar[str]
    citation: ClassVar[str]
    credentialed: ClassVar[bool] = False  # True: an agreement has to be signed first
    needs: ClassVar[tuple[Needed, ...]]
    counts: ClassVar[Mapping[str, int]]
    classes: ClassVar[str]  # the rule by which an image gets its label
    splits: ClassVar[str]  # the rule by which it gets its split
    maps: ClassVar[str]  # what the human maps are

    @abstractmethod
    def prepare(self, folder: "PublicFolder") -> Prepared:
        """Read the set's tables; everything that `needs` names and is not optional is there.

        Raises DataError for tables that are not what they should be.
        """
