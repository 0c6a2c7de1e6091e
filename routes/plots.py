"""Bars over time as SVG, light or dark as its reader likes, and what they show in words."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from xml.etree.ElementTree import Element

import pygal
from pygal.style import Style

# The colours are those of static/tillbook.css, which an image does not see.
_STYLE = """
:root { --sheet: #fffdf8; --ink: #1e2925; --muted: #56615a; --rule: #ddd6c5; --accent: #14604a; --soft: #e4efe8; }
@media (prefers-color-scheme: dark) {
  :root { --sheet: #1b2220; --ink: #e9ece6; --muted: #a9b3ac; --rule: #36413b; --accent: #8fd3b6; --soft: #213b31; }
}
.background { fill: var(--sheet); }
.tooltip, .axis.x .guide { display: none; }
text { fill: var(--muted); }
.legend text { fill: var(--ink); }
.axis .line { stroke: var(--muted); }
.axis .guide.line, .axis .major.guide.line { stroke: var(--rule); stroke-dasharray: none; }
.color-0 { fill: var(--accent); stroke: var(--accent); }
.color-1 { fill: var(--soft); stroke: var(--accent); stroke-width: 1.5; }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The styles of an SVG stand inside it."""
SIZES = {"narrow": (340, 260, 3), "half": (560, 290, 6), "wide": (1120, 320, 12)}
"""Width and height in pixels, and about how many periods are named below the bars."""
_MARKS = 4
"""About so many values stand on the axis."""


class Plot(NamedTuple):
    title: str
    periods: Sequence[str]
    """What each bar is called."""
    parts: Mapping[str, Sequence[int]]
    """What each bar is made of, from the bottom up, by name: one value for each period."""
    shown: Callable[[int], str]
    shown_on_axis: Callable[[int], str]

    @property
    def when(self) -> str:
        """From the first period to the last."""
        return f"{self.periods[0]} to {self.periods[-1]}" if len(self.periods) > 1 else self.periods[0]

    @property
    def in_words(self) -> str:
        """What the bars say to who does not see them: the sum, and the greatest of each part."""
        return f"{self.title}, {self.when}: {', '.join(map(self._peak, self.parts))}."

    def _peak(self, part: str) -> str:
        values = self.parts[part]
        most = max(values)
        peak = f"{self.periods[values.index(most)]} ({self.shown(most)})"
        is_one = len(self.parts) == 1
        return f"{self.shown(sum(values))} in all, most in {peak}" if is_one else f"most {part.lower()} in {peak}"


def draw(plot: Plot, size: str) -> bytes:
    """As SVG, in one of SIZES: the smaller, the fewer words."""
    width, height, words = SIZES[size]
    marks = _marks(max(map(sum, zip(*plot.parts.values(), strict=True))))
    chart = pygal.StackedBar(
        style=Style(
            font_family="system-ui, sans-serif", label_font_size=13, major_label_font_size=13, legend_font_size=14
        ),
        width=width,
        height=height,
        explicit_size=True,
        margin=8,
        css=["file://graph.css", f"inline:{_STYLE}"],
        js=[],
        no_prefix=True,
        title=None,
        show_legend=len(plot.parts) > 1,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        truncate_label=-1,
        truncate_legend=-1,
        range=(0, marks[-1]),
        y_labels=marks,
        x_labels=_some(plot.periods, words),
        value_formatter=lambda value: plot.shown_on_axis(round(value)),
    )
    for part, values in plot.parts.items():
        chart.add(part, values)
    chart.add_xml_filter(partial(_tidy, plot.title))
    svg: bytes = chart.render()
    return svg


def _marks(top: int) -> list[int]:
    """Round numbers from 0 to `top` or a little more."""
    step = 1
    while step * _MARKS < top:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return [number * step for number in range(-(-max(top, 1) // step) + 1)]


def _some(labels: Sequence[str], count: int) -> list[str]:
    """At most so many of the labels, at equal distances; the others are blank."""
    step = -(-len(labels) // count)
    return [label if place % step == 0 else "" for place, label in enumerate(labels)]


def _tidy(title: str, svg: Element) -> Element:
    """Without the script that pygal leaves for others of its own, and with a title that is not drawn."""
    for name in svg.findall("title"):
        name.text = title
    for definitions in svg.findall("defs"):
        for script in definitions.findall("script"):
            definitions.remove(script)
    return svg
