"""The pages for people keep their word: code runs, commands exist, links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest
import torch
from typer.main import get_command

from lookright.cli import app
from lookright.torchvision_repair import repair

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PROGRAMS = ("pip", "python", "lookright", "./check", ".")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    lines = "\n".join(blocks(text, "sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in line.split(" #")[0].split("&&")]
    return [shlex.split(part) for part in parts if part.strip()]


def side(diff: str, sign: str) -> str:
    """Take one side of a diff: what was there before (-) or what is there after (+)."""
    return "\n".join(line[1:] for line in diff.splitlines() if line[:1] in (" ", sign))


def network() -> torch.nn.Module:
    repair()
    import timm

    torch.manual_seed(0)
    return timm.create_model("resnet18", num_classes=2)


def loop_data(guided: bool) -> list[tuple[torch.Tensor, ...]]:
    images, labels = torch.rand(4, 3, 64, 64), torch.tensor([0, 1, 0, 1])
    asked = torch.rand(4, 64, 64), torch.tensor([True, True, False, True])
    return [(images, labels, *asked)] if guided else [(images, labels)]


@pytest.mark.parametrize("sign", ["-", "+"])
def test_the_loop_of_the_readme_trains_before_and_after_the_change(sign: str):
    (diff,) = blocks(README, "diff")
    net = network()
    before = [each.detach().clone() for each in net.parameters()]
    names = {"net": net, "loader": loop_data(guided=sign == "+")}
    exec(compile(side(diff, sign), "README.md", "exec"), names)
    after = list(net.parameters())
    moved = [not torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    assert moved[0], "the first layer has learned"
    assert moved[-1], "the head has learned"


def test_the_page_about_own_loops_runs_from_top_to_bottom():
    repair()  # as the page says, for machines whose torchvision is no pair of their torch
    names: dict[str, object] = {}
    page = (ROOT / "docs/own-loop.md").read_text(encoding="utf-8")
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"own-loop.md, block {number}", "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path):
    for program, *words in commands(page.read_text(encoding="utf-8")):
        if program != "lookright":
            assert program in (*PROGRAMS, "OMP_NUM_THREADS=1")
            continue
        verb = get_command(app)
        while hasattr(verb, "commands") and words:
            verb = verb.commands[words.pop(0)]
        options = {option for each in verb.params for option in each.opts}
        settings = verb.context_settings.get("ignore_unknown_options")
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert settings or given <= options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path):
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|^    .*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


def test_ci_installs_and_checks_as_the_readme_says():
    install, check = 'pip install -e ".[dev]" -c constraints.txt', "./check"
    assert f"{install} && {check}" in README
    ran = (ROOT / ".ci/run").read_text(encoding="utf-8").replace(" --quiet", "")
    assert f"{install} && {check}" in ran
