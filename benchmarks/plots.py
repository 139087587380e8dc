"""Findings as drawings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.curve import COLOURS, label, line_chart
from benchmarks.findings import Findings, Points
from benchmarks.libraries import Library
from benchmarks.tables import OURS

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 800, 170, 60, 60, 30
BAR, GAP = 7, 10
LEAST, MOST = 0.1, 20.0


def draw(findings: Findings) -> dict[str, str]:
    """Return every drawing by the name of its file."""
    titles = {each.key: each.title for each in findings.libraries}
    drawn = {"comparison.svg": bars(findings)}
    for name, title, x_label in (
        ("rows", "Reading rows as models", "rows"),
        ("tasks", "Tasks that each read 10 rows by key", "tasks"),
        ("columns", "Reading 1,000 rows as models", "columns"),
    ):
        drawn[f"{name}.svg"] = curve(
            title, x_label, findings.curves[name], titles, name != "columns"
        )
    title = "Importing the models and the first query"
    drawn["models.svg"] = curve(title, "models in the schema", findings.models, titles, False)
    return drawn


def curve(title: str, x_label: str, points: Points, titles: dict[str, str], is_log: bool) -> str:
    series = [
        (titles[key], [(x, seconds * 1e3) for x, seconds in each]) for key, each in points.items()
    ]
    return line_chart(title, x_label, "ms", series, is_logarithmic=is_log)


def bars(findings: Findings) -> str:
    """Draw every library's ratio in every work, from 1 to the left or to the right."""
    ours = next(each for each in findings.libraries if each.key == OURS)
    shown = [ours, *findings.peers]
    step = BAR * len(shown) + GAP
    height = TOP + step * len(findings.together) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        label(WIDTH / 2, 18, "Time over asyncpg by hand", 'font-size="15" text-anchor="middle"'),
        *legend(shown),
        *grid(height),
    ]
    for number, measured in enumerate(findings.together):
        top = TOP + number * step + GAP / 2
        middle = top + BAR * len(shown) / 2 + 4
        parts.append(label(LEFT - 8, middle, measured.work.title, 'text-anchor="end"'))
        for place, library in enumerate(shown):
            if library.key in measured.seconds:
                ratio = measured.ratios(library.key).median
                parts += bar(top + place * BAR, ratio, COLOURS[place])
    return "\n".join([*parts, "</svg>"]) + "\n"


def legend(shown: Sequence[Library]) -> list[str]:
    parts = []
    for number, library in enumerate(shown):
        left = LEFT + number * 110
        parts.append(f'<rect x="{left}" y="30" width="10" height="10" fill="{COLOURS[number]}"/>')
        parts.append(label(left + 14, 39, library.title, ""))
    return parts


def grid(height: float) -> list[str]:
    parts = []
    for ratio in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20):
        x = across(ratio)
        colour = "#333" if ratio == 1 else "#ddd"
        parts.append(f'<path d="M{x:.1f},{TOP} V{height - BOTTOM}" stroke="{colour}"/>')
        parts.append(label(x, height - BOTTOM + 16, f"{ratio:g}", 'text-anchor="middle"'))
    return parts


def bar(top: float, ratio: float, colour: str) -> list[str]:
    """Draw a ratio and its figure."""
    one, end = across(1), across(ratio)
    left, width = min(one, end), max(abs(end - one), 1)
    return [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{BAR - 1}" '
        f'fill="{colour}"/>',
        label(max(one, end) + 3, top + BAR - 1, f"{ratio:.2f}", 'font-size="7" fill="#555"'),
    ]


def across(ratio: float) -> float:
    """Return where a ratio is, on a logarithmic axis; beyond it, at its end."""
    inside = min(max(ratio, LEAST), MOST)
    part = math.log(inside / LEAST) / math.log(MOST / LEAST)
    return LEFT + part * (WIDTH - LEFT - RIGHT)
