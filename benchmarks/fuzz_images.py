"""Damaged images: does every decoder answer in words, quickly, in little memory, without a name?

    python benchmarks/fuzz_images.py --cases 100000
    python benchmarks/fuzz_images.py --cases 2000 --only deflated jpeg_lossless
    python benchmarks/fuzz_images.py --cases 100000 --guided deep_png

Each case damages a small image file: bytes flipped, cut out, put in, repeated or spliced. Half of
the damaged PNG files get right checksums, or hardly any would be read further. An error that is
not lookright's own, one that names the patient of the DICOM files, more than five seconds of
processor, or more than a GiB fails. The same seed gives the same cases. `--guided` lets atheris
look for new paths through our own decoders, starting from one kind of file.
"""

import argparse
import os
import random
import resource
import sys
import traceback
from collections import Counter
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from time import perf_counter, process_time
from zlib import crc32

import numpy as np

sys.path += [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

from dicom_files import betrayals, dataset, dicom, file_of
from fuzz import SECONDS, damage
from lookright.data.images.decode import decode
from lookright.data.reading import Reading
from lookright.errors import DataError
from test_deep_colour import DEEP, png, tiff
from test_dicom import COLOURS, HOUNSFIELD, RAMP, compressed, lossless_jpeg, lut

GIB = 2**30
PNG = b"\x89PNG\r\n\x1a\n"
READING = Reading(max_pixels=4_000_000, max_inflated=2**26)


def seeds() -> dict[str, bytes]:
    """Return a whole file of every kind."""
    from pydicom.uid import (
        DeflatedExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        JPEG2000Lossless,
        JPEGBaseline8Bit,
        RLELossless,
    )

    tables = dataset(RAMP, BitsStored=12)
    tables.VOILUTSequence = [lut(np.arange(4096), 0, 12)]
    with TemporaryDirectory() as folder:
        lossless = lossless_jpeg(Path(folder))
    return {
        "explicit": dicom(RAMP, BitsStored=12, WindowCenter=40, WindowWidth=400),
        "implicit": dicom(COLOURS, ImplicitVRLittleEndian),
        "tables": file_of(tables),
        "deflated": dicom(HOUNSFIELD, DeflatedExplicitVRLittleEndian),
        "rle": compressed(RLELossless),
        "jpeg": compressed(JPEGBaseline8Bit),
        "jpeg2000": compressed(JPEG2000Lossless),
        "jpeg_lossless": lossless,
        "deep_png": png(DEEP, [4, 3, 2, 1, 0]),
        "deep_tiff": tiff(DEEP, tile=16),
        "deep_ppm": b"P6 24 20 65535 " + DEEP.astype(">u2").tobytes(),
    }


def main() -> None:
    """Damage a file of every kind, and print a table of what happened."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="kinds")
    parser.add_argument("--guided", metavar="KIND", help="by atheris, which must be installed")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    files = seeds()
    if given.guided:
        guided(files[given.guided], given.cases)
    print(f"{given.cases} cases each, seed {given.seed}")
    titles = ("cases", "refused", "read", "slowest s", "MiB", "failed", "minutes")
    print(f"{'kind':14}" + "".join(f"{title:>11}" for title in titles), flush=True)
    failed = 0
    for name, whole in files.items():
        if given.only and name not in given.only:
            continue
        counts = fuzz(name, whole, list(files.values()), given.cases, given.seed)
        failed += counts["failed"]
        keys = ("cases", "refused", "read", "seconds", "memory", "failed", "minutes")
        print(f"{name:14}" + "".join(f"{counts[key]:>11}" for key in keys), flush=True)
    sys.stdout.flush()
    os._exit(1 if failed else 0)


def fuzz(name: str, whole: bytes, others: list[bytes], cases: int, seed: int) -> Counter:
    """Read damaged copies of a file, and count what came of them."""
    counts: Counter = Counter()
    start, slowest = perf_counter(), 0.0
    for number in range(cases):
        chance = random.Random(f"{seed} {name} {number}")
        before = process_time()
        damaged = damage(whole, others, chance)
        outcome = attempt(checked(damaged) if number % 2 else damaged)
        spent = process_time() - before
        slowest = max(slowest, spent)
        if outcome not in ("read", "refused") or spent > SECONDS:
            print(f"{name}, case {number}, {spent:.1f} s: {outcome}")
            outcome = "failed"
        counts[outcome] += 1
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    counts["failed"] += memory << 20 > GIB
    counts.update(cases=cases, memory=memory)
    counts["seconds"], counts["minutes"] = (
        round(slowest, 2),
        round((perf_counter() - start) / 60, 1),
    )
    return counts


def attempt(data: bytes) -> str:
    """Say what came of a file: read, refused, or how it failed."""
    try:
        decode(data, READING, "case")
        return "read"
    except DataError as error:
        told = "".join(traceback.format_exception(error))
        return f"names {betrayals(told)}" if betrayals(told) else "refused"
    except Exception:
        return traceback.format_exc()


def checked(data: bytes) -> bytes:
    """Give every chunk of a PNG file the checksum that it should have; other files stay."""
    if not data.startswith(PNG):
        return data
    whole, at = bytearray(data), len(PNG)
    while at + 12 <= len(whole):
        end = at + 8 + int.from_bytes(whole[at : at + 4], "big")
        if end + 4 > len(whole):
            break
        whole[end : end + 4] = crc32(whole[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(whole)


def guided(whole: bytes, cases: int) -> None:
    """Let atheris change a file by what it learns of the code; ends the process."""
    import atheris

    ours = ("lookright.data.images", "lookright.data.dicom")
    with atheris.instrument_imports(include=list(ours)):
        for module in [each for each in sys.modules if each.startswith(ours)]:
            del sys.modules[module]
        from lookright.data.images import decode as instrumented

        import_module("lookright.data.dicom.decode")  # or it would be imported later, as it is
    globals().update(decode=instrumented.decode)
    corpus = Path(mkdtemp())
    (corpus / "whole").write_bytes(whole)

    def one(data: bytes) -> None:
        """Raise for what is neither read nor refused: atheris keeps the file."""
        if (outcome := attempt(data)) not in ("read", "refused"):
            raise RuntimeError(outcome)

    def changed(data: bytes, longest: int, _seed: int) -> bytes:
        """Change a file as atheris would, and mend its checksums."""
        return checked(atheris.Mutate(data, longest))

    limits = [f"-runs={cases}", f"-timeout={SECONDS}", "-rss_limit_mb=1024", "-max_len=8192"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
