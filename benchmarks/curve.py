"""A line chart as SVG, for documentation; no library needed."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 640, 360
LEFT, TOP, RIGHT, BOTTOM = 60, 40, 20, 50
COLOURS = ("#2563eb", "#dc2626", "#059669", "#9333ea")

#: A name, and points as pairs of x and y.
Series = tuple[str, Sequence[tuple[float, float]]]


def line_chart(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> str:
    """Return the SVG text of a chart with both axes from zero."""
    right = max(x for _, points in series for x, _ in points)
    top = max(y for _, points in series for _, y in points) * 1.1

    def place(x: float, y: float) -> str:
        across = LEFT + x / right * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f},{down:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 20, title, 'font-size="15" text-anchor="middle"'),
        _text(WIDTH / 2, HEIGHT - 10, x_label, 'text-anchor="middle"'),
        _text(12, TOP - 10, y_label, ""),
        *_axes(right, top),
    ]
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in points:
            across, down = place(x, y).split(",")
            parts.append(f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>')
        parts.append(_text(LEFT + 10, TOP + 15 * number + 5, name, f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(right: float, top: float) -> list[str]:
    base, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = [
        f'<path d="M{LEFT},{TOP} V{base} H{end}" fill="none" stroke="#333"/>',
    ]
    for step in range(5):
        x, y = right * step / 4, top * step / 4
        across = LEFT + step / 4 * (WIDTH - LEFT - RIGHT)
        down = base - step / 4 * (HEIGHT - TOP - BOTTOM)
        lines.append(_text(across, base + 18, f"{x:g}", 'text-anchor="middle"'))
        lines.append(_text(LEFT - 6, down + 4, f"{y:.3g}", 'text-anchor="end"'))
    return lines


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{text}</text>'
