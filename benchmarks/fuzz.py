"""Damaged exports: does every importer answer in words, quickly, in little memory?

    python benchmarks/fuzz.py --cases 100000
    python benchmarks/fuzz.py --cases 2000 --only coco label_studio
    python benchmarks/fuzz.py --guided coco --cases 100000

Each case damages an export of a small drawing: bytes flipped, cut out, put in, repeated or spliced;
numbers and words replaced by odd ones; and, in JSON, any value replaced by any other. It is read,
what is yielded is rendered, and every message is written. An error that is not lookright's own,
more than five seconds of processor, or more than a GiB fails: it is printed, its files are kept.
The same seed gives the same cases. `--guided` lets atheris look for new paths through one format.
"""

import argparse
import json
import multiprocessing
import random
import re
import resource
import signal
import sys
import traceback
from collections import Counter
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from time import perf_counter, process_time
from typing import Any

from fuzz_seeds import SIZE, Seed, seeds
from lookright.data import importers
from lookright.data.drawings.drawing import Drawing
from lookright.data.drawings.drawn import DrawnMap
from lookright.data.drawings.render import render
from lookright.data.exchange.importer import Importer
from lookright.errors import LookrightError, Problem

SECONDS = 5  # of processor, per case
GIB = 2**30
SHOWN = 5  # failures of one format
ODD_NUMBERS = ["0", "-1", "1", "2147483648", "-9223372036854775809", "1e308", "1e999", "0.5"]
ODD_WORDS = [
    "",
    "x",
    "NaN",
    "null",
    "true",
    "\0",
    "'",
    '"',
    "\\",
    "../../etc/passwd",
    "é",
    "9" * 400,
]
ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    10**30,
    2**31,
]
ODD_VALUES += [
    "",
    "x",
    "\ud800",
    "\0",
    "y" * 5000,
    [],
    {},
    [[]],
    [1],
    [None],
    {"": None},
    [[1, 2]] * 3,
]
NUMBER = re.compile(rb"-?\d+(\.\d+)?")


def main() -> None:
    """Damage exports of every format, and print a table of what happened."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000, help="of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="names of formats")
    parser.add_argument("--guided", metavar="FORMAT", help="by atheris, which must be installed")
    parser.add_argument("--scratch", type=Path, help="a folder in memory, for speed")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    given = parser.parse_args()
    if given.guided:
        return guided(given.guided, given.cases, given.scratch)
    print(f"{given.cases} cases each, seed {given.seed}, pictures of {SIZE[0]} x {SIZE[1]} pixels")
    titles = ("cases", "refused", "problems", "drawn", "slowest s", "MiB", "failed", "minutes")
    print(f"{'format':14}" + "".join(f"{title:>11}" for title in titles), flush=True)
    failed = 0
    for name, exports in seeds().items():
        if given.only and name not in given.only:
            continue
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        work = (exports, given.cases, given.seed, given.scratch, given.keep, queue)
        process = context.Process(target=fuzz, args=work)
        process.start()
        found: Counter[str] = Counter(failed=1)
        while process.is_alive() or not queue.empty():
            try:
                found = queue.get(timeout=1)
            except Exception:  # the queue is still empty; a crash leaves it so
                continue
        process.join()
        if process.exitcode:
            print(f"{name}: the process ended with {process.exitcode}")
            found["failed"] += 1
        failed += found["failed"]
        cells = (found[each] for each in ("cases", "refused", "problems", "drawn"))
        line = f"{name:14}" + "".join(f"{each:>11}" for each in cells)
        line += f"{found['milliseconds'] / 1000:>11.2f}{found['memory'] >> 20:>11}"
        print(f"{line}{found['failed']:>11}{found['wall'] / 60:>11.1f}", flush=True)
    sys.exit(1 if failed else 0)


def fuzz(
    exports: list[Seed], cases: int, seed: int, scratch: Path | None, keep: Path, queue: Any
) -> None:
    """Run all cases of one format in a process of its own, and put the counts into the queue."""
    counts: Counter[str] = Counter()
    chance = random.Random(f"{exports[0].format} {seed}")
    began, before = perf_counter(), _memory()
    resource.setrlimit(resource.RLIMIT_AS, (before + 8 * GIB,) * 2)
    signal.signal(signal.SIGPROF, _too_slow)
    makers = [importers.make(each.format, each.settings) for each in exports]
    others = [each for other in exports for each in other.files.values()]
    with TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        for number in range(cases):
            export = exports[number % len(exports)]
            place = folder / export.name
            if number < len(exports):
                _write(place, export.files)
            file = chance.choice(sorted(export.files))
            damaged = damage(export.files[file], others, chance)
            (place / file).write_bytes(damaged)
            try:
                _timed(makers[number % len(exports)], place / export.path, counts)
            except Exception:  # what is not typed is what we look for
                counts["failed"] += 1
                _report(export, file, damaged, keep, counts["failed"])
            (place / file).write_bytes(export.files[file])
            if number % 1000 == 999:
                counts["memory"], counts["wall"] = _memory() - before, int(perf_counter() - began)
                queue.put(counts.copy())
    counts["memory"], counts["wall"] = _memory() - before, int(perf_counter() - began)
    if counts["memory"] > GIB:
        print(f"{exports[0].format}: {counts['memory'] / GIB:.1f} GiB")
        counts["failed"] += 1
    queue.put(counts)


def _timed(importer: Importer, path: Path, counts: Counter[str]) -> None:
    began = process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        read(importer, path, counts)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        counts["cases"] += 1
        taken = int(1000 * (process_time() - began))
        counts["milliseconds"] = max(counts["milliseconds"], taken)


def read(importer: Importer, path: Path, counts: Counter[str]) -> None:
    """Read an export, render what it holds, and write every message."""
    try:
        for item in importer.read(path):
            if isinstance(item, Problem):
                counts["problems"] += item.level == "error"
                str(item).encode()
                continue
            try:
                _render(item)
                counts["drawn"] += 1
            except LookrightError as error:
                counts["problems"] += 1
                str(error).encode()
    except LookrightError as error:
        counts["refused"] += 1
        str(error).encode()


def _render(item: Drawing | DrawnMap) -> None:
    f"{item.image}{item.annotator}{item.labels}{item.where}".encode()
    if isinstance(item, Drawing):
        if item.size is None or min(item.size) >= 1:  # `data import` verifies it before
            render(item, SIZE)
    elif callable(item.map):
        item.map(SIZE)


def damage(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return the content with one to four things wrong."""
    ways = [_flipped, _without, _with, _repeated, _renumbered, _reworded, _replaced]
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if chance.random() < 0.05:
            other = chance.choice(others)
            content = content[: chance.randrange(len(content) + 1)] + other[len(other) // 2 :]
        elif content:
            content = chance.choice(ways)(content, chance)
    return content


def _flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _without(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    length = chance.choice((1, 2, 10, len(content)))
    return content[:start] + content[start + length :]


def _with(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    more = chance.randbytes(chance.choice((1, 4, 50)))
    return content[:at] + more + content[at:]


def _repeated(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    part = content[start : start + chance.choice((1, 8, 60))]
    return content[:start] + part * chance.choice((2, 3, 100)) + content[start:]


def _renumbered(content: bytes, chance: random.Random) -> bytes:
    places = list(NUMBER.finditer(content))
    if not places:
        return _flipped(content, chance)
    place = chance.choice(places)
    return content[: place.start()] + chance.choice(ODD_NUMBERS).encode() + content[place.end() :]


def _reworded(content: bytes, chance: random.Random) -> bytes:
    places = list(re.finditer(rb"\w+", content))
    if not places:
        return _flipped(content, chance)
    place = chance.choice(places)
    return content[: place.start()] + chance.choice(ODD_WORDS).encode() + content[place.end() :]


def _replaced(content: bytes, chance: random.Random) -> bytes:
    """Put another value anywhere into JSON."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return _renumbered(content, chance)
    nodes: list[tuple[Any, Any]] = []
    _collect(found, nodes)
    if not nodes:
        return _flipped(content, chance)
    holder, key = chance.choice(nodes)
    if chance.random() < 0.2:
        holder.pop(key)
    elif chance.random() < 0.2:
        other, place = chance.choice(nodes)
        holder[key] = deepcopy(other[place])
    else:
        holder[key] = chance.choice(ODD_VALUES)
    return json.dumps(found).encode()


def _collect(found: Any, nodes: list[tuple[Any, Any]]) -> None:
    if isinstance(found, dict | list):
        for key in found if isinstance(found, dict) else range(len(found)):
            nodes.append((found, key))
            _collect(found[key], nodes)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _report(export: Seed, file: str, damaged: bytes, keep: Path, number: int) -> None:
    if number > SHOWN:
        return
    kept = keep / f"{export.name}-{number}"
    _write(kept, {**export.files, file: damaged})
    print(f"\n{kept / file}\n{traceback.format_exc()}", flush=True)


def _too_slow(*_: object) -> None:
    raise TimeoutError(f"More than {SECONDS} seconds of processor.")


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def guided(name: str, cases: int, scratch: Path | None) -> None:
    """Let atheris change single-file exports by what it learns of the code; never returns."""
    import atheris

    exports = [each for each in seeds()[name] if each.path in each.files]
    if not exports:
        sys.exit(f"{name} is a folder of files: it cannot be guided.")
    with atheris.instrument_imports(include=["lookright.data"]):
        for module in [each for each in sys.modules if each.startswith("lookright.data")]:
            del sys.modules[module]
        from lookright.data import importers as instrumented
        from lookright.data.drawings import drawing, drawn
        from lookright.data.drawings import render as rendering

        makers = [instrumented.make(each.format, each.settings) for each in exports]
    globals().update(render=rendering.render)
    globals().update(Drawing=drawing.Drawing, DrawnMap=drawn.DrawnMap)  # of the new modules
    counts: Counter[str] = Counter()
    folder = Path(mkdtemp(dir=scratch))
    corpus = folder / "corpus"
    for export in exports:
        _write(folder / export.name, export.files)
        _write(corpus, {export.name: export.files[export.path]})

    def one(data: bytes) -> None:
        chosen = len(data) % len(exports)
        path = folder / exports[chosen].name / exports[chosen].path
        path.write_bytes(data)
        _timed(makers[chosen], path, counts)

    atheris.Setup([sys.argv[0], f"-runs={cases}", "-max_len=4096", "-timeout=20", str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
