"""A page of HTML, taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

__all__ = ["Page"]


class Page(HTMLParser):
    """What the page is made of: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag != "wbr" and (tag, found) != ("span", {"class": "u"}):  # our marks inside foreign text
            self.tags.append((tag, found))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return sorted((tag, tuple(sorted(found))) for tag, found in self.tags)  # labels of equal weight go by name

    def values(self, name: str) -> list[str]:
        return [found[name] for _, found in self.tags if name in found]
