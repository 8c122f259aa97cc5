"""The map of topics: one page with inline SVG, without scripts or links to elsewhere."""

from collections.abc import Sequence
from typing import Any

import jinja2
import numpy as np

from service.topics.stored import Point

WIDTH, HEIGHT, EDGE = 900, 620, 24
LABELS = 14  # topics that are named on the map, the largest
COLOURS = (
    "#2563eb", "#dc2626", "#16a34a", "#d97706", "#7c3aed", "#0891b2", "#db2777", "#65a30d",
    "#475569", "#b45309", "#4f46e5", "#0d9488",
)  # fmt: skip

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>prefsift topics</title>
<style>
body { margin: 0; background: #f8fafc; color: #0f172a; font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; margin: 0; } .sub { color: #475569; margin: .25rem 0 1rem; }
figure { margin: 0 0 1rem; padding: 1rem; background: #fff; border: 1px solid #e2e8f0;
  border-radius: .5rem; }
svg { width: 100%; height: auto; } svg text { font: 600 12px system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; background: #fff; font-size: .95rem; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #e2e8f0; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<main>
<h1>What the prompts are about</h1>
<p class="sub">{{ dataset }}: {{ "{:,}".format(prompts) }} prompts in {{ topics | length }} topics.
{% if cover %}The subset keeps {{ "{:,}".format(cover.prompts_kept) }} prompts: {{
cover.topics_covered }} of {{ cover.topics }} topics (a random one of its size {{
cover.topics_covered_by_random }}){% if cover.neighbourhoods_covered is not none %}, and a likeness
of {{ "{:.0%}".format(cover.neighbourhoods_covered) }} of the prompts (random {{
"{:.0%}".format(cover.neighbourhoods_covered_by_random) }}){% endif %}.{% endif %}</p>
<figure>
<svg viewBox="0 0 {{ width }} {{ height }}" role="img"
aria-label="Map of {{ dots | length }} prompts">
{% for dot in dots %}
<circle cx="{{ dot.x }}" cy="{{ dot.y }}" r="{{ dot.r }}" fill="{{ dot.colour }}" fill-opacity="{{
dot.opacity }}"><title>{{ dot.text }}</title></circle>
{% endfor %}
{% for label in labels %}
<text x="{{ label.x }}" y="{{ label.y }}" text-anchor="middle" fill="{{ label.colour }}"
stroke="#fff" stroke-width="3" paint-order="stroke">{{ label.name }}</text>
{% endfor %}
</svg>
<figcaption>The two directions in which the prompts' vectors vary most; {{
"{:,}".format(dots | length) }} prompts drawn at random{% if cover %}, those that the subset keeps
are full{% endif %}. Distances on the map are not distances between prompts.</figcaption>
</figure>
<table>
<tr><th>topic</th><th>terms</th><th class="n">prompts</th><th class="n">pairs</th>{% if cover %}
<th class="n">kept</th><th class="n">random would</th>{% endif %}</tr>
{% for each in topics %}
<tr><td>{{ each.topic }}</td><td>{{ each.terms | join(", ") }}</td>
<td class="n">{{ "{:,}".format(each.prompts) }}</td>
<td class="n">{{ "{:,}".format(each.pairs) }}</td>
{% if cover %}<td class="n">{{ "{:,}".format(each.kept) }}</td>
<td class="n">{{ "{:.1f}".format(each.expected) }}</td>{% endif %}</tr>
{% endfor %}
</table>
</main>
</body>
</html>
"""
TEMPLATE = jinja2.Environment(
    autoescape=True,  # texts come from strangers
    undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
).from_string(PAGE)  # fmt: skip


def render(
    dataset: str, prompts: int, topics: Sequence[dict[str, Any]], cover: dict[str, Any] | None,
    points: Sequence[Point],
) -> str:  # fmt: skip
    """The page; the same numbers give the same text."""
    spots = scaled(points)
    dots = [
        {
            "x": x, "y": y, "colour": colour(point.topic), "text": point.text,
            "r": 4 if point.kept else 3,
            "opacity": "0.9" if point.kept else ("0.15" if cover else "0.55"),
        }
        for point, (x, y) in sorted(zip(points, spots, strict=True), key=lambda each: each[0].kept)
    ]  # fmt: skip
    labels = [
        {"x": x, "y": y, "name": each["name"], "colour": colour(each["topic"])}
        for each in topics[:LABELS]
        for x, y in middle(points, spots, each["topic"])
    ]
    return TEMPLATE.render(
        dataset=dataset, prompts=prompts, topics=topics, cover=cover, dots=dots, labels=labels,
        width=WIDTH, height=HEIGHT,
    )  # fmt: skip


def scaled(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Into the picture, a tenth of a pixel exact."""
    if not points:
        return []
    table = np.array([(point.x, -point.y) for point in points])
    low, high = table.min(axis=0), table.max(axis=0)
    size = np.array([WIDTH, HEIGHT]) - 2 * EDGE
    placed = (table - low) / np.maximum(high - low, 1e-9) * size + EDGE
    return [(round(x, 1), round(y, 1)) for x, y in placed.tolist()]


def middle(
    points: Sequence[Point], spots: Sequence[tuple[float, float]], topic: int
) -> list[tuple[float, float]]:
    """The median place of a topic's points; none where it has none here."""
    own = [spot for point, spot in zip(points, spots, strict=True) if point.topic == topic]
    if not own:
        return []
    x, y = np.median(np.array(own), axis=0).tolist()
    return [(round(min(max(x, 90), WIDTH - 90), 1), round(y, 1))]


def colour(topic: int) -> str:
    return COLOURS[topic % len(COLOURS)]
