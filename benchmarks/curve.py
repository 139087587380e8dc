"""A line chart as SVG, for documentation; no library needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 360
LEFT, TOP, RIGHT, BOTTOM = 60, 40, 30, 50
COLOURS = ("#2563eb", "#dc2626", "#059669", "#9333ea", "#d97706", "#0891b2", "#6b7280")

#: A name, and points as pairs of x and y.
Series = tuple[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Axis:
    """The values along one side of a chart, from its least to its most."""

    least: float
    most: float
    is_logarithmic: bool

    @classmethod
    def of(cls, values: Sequence[float], *, is_logarithmic: bool, room: float = 1.0) -> Axis:
        """Return an axis from zero, or over whole powers of ten."""
        if not is_logarithmic:
            return cls(0, max(values) * room, False)
        least, most = math.log10(min(values)), math.log10(max(values))
        return cls(10 ** math.floor(least + 1e-9), 10 ** math.ceil(most - 1e-9), True)

    def part(self, value: float) -> float:
        """Return how far along the axis a value is, from 0 to 1."""
        if self.is_logarithmic:
            return math.log(value / self.least) / math.log(self.most / self.least)
        return (value - self.least) / (self.most - self.least)

    def ticks(self) -> list[float]:
        """Return the values that are written along the axis."""
        if self.is_logarithmic:
            powers = round(math.log10(self.most / self.least))
            return [self.least * 10**power for power in range(powers + 1)]
        return [self.most * step / 4 for step in range(5)]


def line_chart(
    title: str,
    x_label: str,
    y_label: str,
    series: Sequence[Series],
    *,
    is_logarithmic: bool = False,
) -> str:
    """Return the SVG text of a chart.

    is_logarithmic: along both axes; otherwise both begin at zero.
    """
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    right = Axis.of(xs, is_logarithmic=is_logarithmic)
    top = Axis.of(ys, is_logarithmic=is_logarithmic, room=1.1)

    def place(x: float, y: float) -> str:
        across = LEFT + right.part(x) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - top.part(y) * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f},{down:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        label(WIDTH / 2, 20, title, 'font-size="15" text-anchor="middle"'),
        label(WIDTH / 2, HEIGHT - 10, x_label, 'text-anchor="middle"'),
        label(12, TOP - 10, y_label, ""),
        *_axes(right, top),
    ]
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in points:
            across, down = place(x, y).split(",")
            parts.append(f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>')
        parts.append(label(LEFT + 10, TOP + 15 * number + 5, name, f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(right: Axis, top: Axis) -> list[str]:
    base, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = [f'<path d="M{LEFT},{TOP} V{base} H{end}" fill="none" stroke="#333"/>']
    for x in right.ticks():
        across = LEFT + right.part(x) * (WIDTH - LEFT - RIGHT)
        lines.append(label(across, base + 18, f"{x:g}", 'text-anchor="middle"'))
    for y in top.ticks():
        down = base - top.part(y) * (HEIGHT - TOP - BOTTOM)
        lines.append(label(LEFT - 6, down + 4, f"{y:.3g}", 'text-anchor="end"'))
    return lines


def label(x: float, y: float, text: str, attributes: str) -> str:
    """Return a text at a place, as SVG."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{text}</text>'
