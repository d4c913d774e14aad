"""Iris presentation attacks, for leaving one kind out (LivDet-Iris and others)."""

import re
from pathlib import PurePosixPath

from lookright.data.preparing.public_folder import PublicFolder
from lookright.data.preparing.public_set import Needed, Prepared, PublicImage, PublicSet
from lookright.data.preparing.public_splits import drawn_splits
from lookright.errors import ConfigError, DataError, Problem

ATTACKS = {  # as Divisive Decisions names them, by how a folder may be called
    "artificial": "artificial",
    "contacts_print": "contacts+print",
    "diseased": "diseased",
    "post_mortem": "post-mortem",
    "printouts": "printouts",
    "synthetics": "synthetics",
    "textured_contacts": "textured contacts",
}
_LIKE = {"contacts_and_print": "contacts_print", "printouts_with_contacts": "contacts_print"}
_LIKE |= {"printout": "printouts", "synthetic": "synthetics", "postmortem": "post_mortem"}
_LIKE |= {"textured_contact": "textured_contacts", "live": "real"}


class LivdetIris(PublicSet):
    """Real or attack; the column `attack` says which kind, and is empty for real irises.

    The sets come from several institutions and have no form in common. Gather them in one folder
    for each kind; maps have the images' names:

        images/real/..., images/textured_contacts/..., images/printouts/..., images/post_mortem/...
        maps/04233d1022.png

    Further kinds: artificial, contacts_print, diseased, synthetics. Then leave one attack out:
    `bench.folds: {leave_out: attack}` with recipes/iris_pad.yaml. All attacks say train, since the
    one that is left out becomes the test; real irises are divided once, in all folds alike.
    `subject` is a regular expression whose first group is the subject (or eye) in a file's name.
    The names of the kinds are those of the paper; the form is ours, since none was published.
    """

    source = (
        "https://cvrl.nd.edu/projects/data (LivDet-Iris; Notre Dame, Warsaw, Clarkson and others)"
    )
    licence = "an agreement with each institution"
    citation = "Yambay et al., LivDet-Iris 2017; Das et al., LivDet-Iris 2020"
    credentialed = True
    needs = (
        Needed("images/real | images/live", "images of real irises"),
        Needed("images", "a folder for each kind of attack"),
        Needed("maps", "human maps", optional=True),
    )
    counts = {}
    classes = "real, or attack for all other folders"
    splits = "attacks train; of the real subjects the share `test` is test, drawn"
    maps = "by the image's name"

    def __init__(self, subject: str = r"(\d{5})d\d+", test: float = 0.5, seed: int = 0) -> None:
        try:
            self.subject = re.compile(subject)
        except re.error as error:
            raise ConfigError(Problem("PUBLIC-PATTERN", f"{error}.", "subject")) from error
        self.test, self.seed = test, seed

    def prepare(self, folder: PublicFolder) -> Prepared:
        """List the folders of the kinds; real irises are divided by subject."""
        kinds = {path: _kind(path) for path in folder.pictures("images")}
        _verify({kind for kind in kinds.values() if kind != "real"})
        images = [self._image(folder, path, kind) for path, kind in kinds.items()]
        real = [each for each in images if each.label == "real"]
        shares = {"train": 1 - self.test, "test": self.test}
        settled, drawn = drawn_splits(real, shares, self.seed)
        attacks = [each for each in images if each.label != "real"]
        return Prepared([*settled, *attacks], {"images": len(images)}, tuple(drawn))

    def _image(self, folder: PublicFolder, path: str, kind: str) -> PublicImage:
        name = PurePosixPath(path)
        found = self.subject.match(name.name)
        return PublicImage(
            str(name.relative_to("images").with_suffix("")),
            path,
            "real" if kind == "real" else "attack",
            "train",
            folder.picture(f"maps/{name.name}"),
            found.group(1) if found and found.groups() else "",
            more={"attack": ATTACKS.get(kind, "")},
        )


def _kind(path: str) -> str:
    word = re.sub(r"\W+", "_", path.split("/")[1]).lower()
    return _LIKE.get(word, word)


def _verify(kinds: set[str]) -> None:
    fix = f"Known are: real, {', '.join(ATTACKS)}."
    wrong = [
        Problem("PUBLIC-KIND", f"There is no kind of attack {kind!r}.", f"images/{kind}", fix)
        for kind in sorted(kinds - ATTACKS.keys())
    ]
    if not kinds:
        wrong = [Problem("PUBLIC-KIND", "There is no attack beside the real irises.", fix=fix)]
    if wrong:
        raise DataError(*wrong)
