"""The table of the benchmarks."""

import statistics
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Row:
    """One line of the table. `limit` is what must be reached, at most or at least; without one it only explains."""

    name: str
    unit: str
    rounds: list[float]
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""
    command: str = ""
    value: float = field(init=False)
    reached: bool | None = field(init=False, default=None)

    def __post_init__(self):
        self.value = statistics.median(self.rounds)
        if self.at_most is not None:
            self.reached = self.value <= self.at_most
        if self.at_least is not None:
            self.reached = self.value >= self.at_least

    def target(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}" if self.at_least is not None else ""

    def cells(self) -> list[str]:
        verdict = {True: "reached", False: "MISSED", None: ""}[self.reached]
        spread = f"{number(min(self.rounds))} .. {number(max(self.rounds))}"
        return [self.name, number(self.value), self.unit, self.target(), verdict, spread, self.note]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def shown(*args) -> str:
    """A command as a reader would type it."""
    return " ".join(Path(arg).name if isinstance(arg, Path) else str(arg) for arg in args)


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs)]


def print_table(rows: list[Row]) -> None:
    table = [["", "median", "unit", "target", "", "min .. max", ""], *[row.cells() for row in rows]]
    widths = [max(len(cells[i]) for cells in table) for i in range(len(table[0]))]
    for cells in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())
