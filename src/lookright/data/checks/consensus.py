"""How far several annotators agree, as their mean map still tells."""

from collections.abc import Sequence

from lookright.data.checks.finding import Finding
from lookright.data.checks.inspection import Inspection
from lookright.data.table import Table
from lookright.errors import Problem

LOW = 0.25  # Dice: less is hardly the same thing that was drawn


def disagreements(table: Table, seen: Sequence[Inspection]) -> list[Finding]:
    """Say how far annotators agree, and name the images on which they hardly do.

    Where every map is all or nothing, a union or a majority was kept and nothing can be said.
    """
    told = [(each.index, each.votes) for each in seen if each.votes]
    if not any(votes.shared < votes.mass * (1 - 1e-9) for _, votes in told):
        return []
    dice = sum(v.shared for _, v in told) / sum(v.mass for _, v in told)
    people = sorted({votes.readers for _, votes in told})
    span = f"{people[0]} to {people[-1]}" if len(people) > 1 else f"{people[0]}"
    what = f"Annotators agree to a Dice of {dice:.2f} on {len(told)} images ({span} people each)."
    findings = [Finding(Problem("MASK-READERS", what, table.path.name, level="notice"))]
    for index, votes in told:
        if votes.dice < LOW:
            what = f"Its {votes.readers} annotators agree to a Dice of {votes.dice:.2f} only."
            fix = "Look at what each of them drew."
            problem = Problem("MASK-DISPUTED", what, table.where(index), fix, "warning")
            findings.append(Finding(problem, (index,)))
    return findings
