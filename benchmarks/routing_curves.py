"""Accuracy against cost, as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

__all__ = ["Curve", "Panel", "draw"]

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 380, 300, 56, 34, 14, 44
COLOURS = {"default": "#0b6e4f", "random": "#8a8a8a", "confidence cascade": "#c2571a", "student only": "#3b5ba5"}


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (cost as a share of premium on everything, accuracy) of one way to label."""

    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """The curves of one set, and the accuracy of either tier on everything."""

    title: str
    curves: list[Curve]
    cheap: float
    premium: float


def draw(panels: list[Panel]) -> str:
    """Return one picture, two panels a row."""
    rows = -(-len(panels) // 2)
    places = [(i % 2 * WIDTH, i // 2 * HEIGHT) for i in range(len(panels))]
    parts = [f'<g transform="translate({x} {y})">{_panel(p)}</g>' for (x, y), p in zip(places, panels, strict=True)]
    size = f'viewBox="0 0 {2 * WIDTH} {rows * HEIGHT + 30}" width="{2 * WIDTH}" height="{rows * HEIGHT + 30}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
        f'<title>Accuracy against cost</title><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}{_legend(rows * HEIGHT + 14)}</svg>\n"
    )


def _panel(panel: Panel) -> str:
    points = [point for curve in panel.curves for point in curve.points]
    right = max(x for x, _ in points) * 1.05
    low = max(min(y for _, y in points), panel.cheap - (panel.premium - panel.cheap))
    high = max(panel.premium, *(y for _, y in points))
    low, high = low - 0.05 * (high - low), high + 0.08 * (high - low)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + x / right * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text x="{LEFT}" y="20" font-size="13" font-weight="bold">{escape(panel.title)}</text>']
    for step in range(5):
        x, y = right * step / 4, low + (high - low) * step / 4
        (px, _), (_, py) = place(x, low), place(0, y)
        parts.append(f'<text x="{px:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{x:.2f}</text>')
        parts.append(f'<path d="M{LEFT} {py:.1f}H{WIDTH - RIGHT}" stroke="#eee"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{py + 4:.1f}" text-anchor="end">{y:.3f}</text>')
    for name, value in (("premium", panel.premium), ("cheap", panel.cheap)):
        _, py = place(0, value)
        parts.append(f'<path d="M{LEFT} {py:.1f}H{WIDTH - RIGHT}" stroke="#444" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{WIDTH - RIGHT}" y="{py - 3:.1f}" text-anchor="end">{name} on everything</text>')
    for curve in panel.curves:
        seen = [place(x, y) for x, y in sorted(curve.points) if y >= low]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in seen)
        colour = COLOURS[curve.name]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in seen]
    label = "cost, as a share of premium on everything"
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{label}</text>')
    return "".join(parts)


def _legend(y: int) -> str:
    parts = []
    for i, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + i * 170
        parts.append(f'<path d="M{x} {y - 4}h22" stroke="{colour}" stroke-width="2"/><text x="{x + 28}" y="{y}">')
        parts.append(f"{name}</text>")
    return "".join(parts)
