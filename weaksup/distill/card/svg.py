"""Small drawings: a square plane with axes, and what stands on it. No script, no outside file, light on any ground."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from weaksup.distill.card.marks import xml

__all__ = ["BLUE", "GREY", "INK", "ORANGE", "Plane", "dot", "drawing", "line", "polyline", "text"]

INK, GREY, BLUE, ORANGE = "#24292f", "#8c959f", "#0969da", "#bc4c00"
_FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\""


def drawing(width: float, height: float, title: str, parts: Iterable[str]) -> bytes:
    """Return an SVG file; `title` is what a reader that cannot see it is told."""
    size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {_FONT} font-size="12" fill="{INK}">'
    ground = f'<rect width="{_n(width)}" height="{_n(height)}" rx="6" fill="#ffffff" stroke="#d0d7de"/>'
    return "\n".join([head, f"<title>{xml(title)}</title>", ground, *parts, "</svg>", ""]).encode()


def text(x: float, y: float, words: object, *, anchor: str = "start", fill: str = INK, more: str = "") -> str:
    """Write words; `y` is their foot line."""
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" fill="{fill}"{more}>{xml(words)}</text>'


def line(start: tuple[float, float], end: tuple[float, float], colour: str, *, width: float = 1, more: str = "") -> str:
    """Draw a line."""
    ends = f'x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{_n(width)}"{more}/>'


def polyline(points: Sequence[tuple[float, float]], colour: str, *, more: str = "") -> str:
    """Draw a broken line through points."""
    joined = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"{more}/>'


def dot(x: float, y: float, radius: float, fill: str, *, more: str = "") -> str:
    """Draw a filled circle."""
    return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}"{more}/>'


class Plane:
    """A plane for shares: x from `across`[0] to `across`[1], y from `up`[0] to `up`[1], both within 0 and 1."""

    LEFT, TOP, WIDTH, HEIGHT = 62.0, 44.0, 340.0, 240.0

    def __init__(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        self.across, self.up = across, up

    def x(self, share: float) -> float:
        """Return where a share stands from the left."""
        low, high = self.across
        return self.LEFT + self.WIDTH * (min(max(share, low), high) - low) / (high - low)

    def y(self, share: float) -> float:
        """Return where a share stands from the top."""
        low, high = self.up
        return self.TOP + self.HEIGHT * (high - min(max(share, low), high)) / (high - low)

    def frame(self, title: str, below: str, beside: str) -> list[str]:
        """Draw the grid, its numbers, and what the axes are."""
        bottom, right = self.TOP + self.HEIGHT, self.LEFT + self.WIDTH
        parts = [text(self.LEFT, 26, title, more=' font-size="14" font-weight="600"')]
        for share in _ticks(self.across):
            parts.append(line((self.x(share), self.TOP), (self.x(share), bottom), "#eaeef2"))
            parts.append(text(self.x(share), bottom + 17, f"{100 * share:g}%", anchor="middle", fill="#57606a"))
        for share in _ticks(self.up):
            parts.append(line((self.LEFT, self.y(share)), (right, self.y(share)), "#eaeef2"))
            parts.append(text(self.LEFT - 8, self.y(share) + 4, f"{100 * share:g}%", anchor="end", fill="#57606a"))
        middle = self.TOP + self.HEIGHT / 2
        turned = f' transform="rotate(-90 16 {_n(middle)})"'
        parts.append(text((self.LEFT + right) / 2, bottom + 37, below, anchor="middle"))
        parts.append(text(16, middle, beside, anchor="middle", more=turned))
        return parts


def _ticks(ends: tuple[float, float]) -> list[float]:
    """Return about five round shares within the ends."""
    low, high = ends
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / step <= 6 or step == 0.2)
    first = round(low / step + 0.4999)
    found = [round(n * step, 6) for n in range(first, int(high / step + 1e-9) + 1)]
    return [share for share in found if low - 1e-9 <= share <= high + 1e-9]


def _n(number: float) -> str:
    """Write a length the same way everywhere."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
