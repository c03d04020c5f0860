"""The comparison as a bar chart in SVG, made from its JSON file."""
from html import escape

from comparison.figures import FAMILIES, Figures
from comparison.report import milliseconds

COLOURS = {
    "This project": "#d9480f", "PyTorch": "#7a7f87", "ONNX Runtime": "#3b82c4", "OpenVINO": "#7c5cbf", "ncnn": "#2f9e6e",
}
LABELS, BARS, VALUES = 300, 480, 130
BAR, GAP, TOP = 14, 18, 96
#: Multiples of this project's time that the axis shows; a longer bar is cut off, and its label says by how much it is longer.
LIMIT = 4

# One text colour and one ground for each scheme of the page's reader.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .small { font-size: 11px }
  .ground { fill: #ffffff }
  .grid { stroke: #8c959f; stroke-opacity: 0.35 }
  .one { stroke: #d9480f; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ground { fill: #0d1117 }
  }
"""


def svg(data):
    """The whole picture."""
    groups = [Figures(entry) for entry in data["networks"].values()]
    groups = [figures for figures in groups if figures.result("This project")]
    width = LABELS + BARS + VALUES
    body, y = [], TOP
    for figures in groups:
        present = [family for family in FAMILIES if figures.result(family)]
        body.append(text(LABELS - 12, y + BAR * len(present) / 2 + 4, figures.entry["title"], anchor="end"))
        for family in present:
            body += bar(figures, family, y)
            y += BAR
        y += GAP
    bottom = y - GAP + 6
    grid = []
    for multiple in range(LIMIT + 1):
        x = LABELS + BARS * multiple / LIMIT
        grid.append(f'<line class="grid" x1="{x:g}" y1="{TOP - 8}" x2="{x:g}" y2="{bottom}"/>')
        grid.append(text(x, TOP - 14, f"{multiple}×" if multiple else "0", "small", "middle"))
    one = LABELS + BARS / LIMIT
    grid.append(f'<line class="one" x1="{one:g}" y1="{TOP - 8}" x2="{one:g}" y2="{bottom}"/>')
    head = [
        text(20, 28, "Time of a run in float32, as a multiple of this project's", "title"),
        *legend(20, 52),
    ]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 16}" width="{width}" height="{bottom + 16}" '
        'role="img" aria-label="Times of the engines in float32 as multiples of this project\'s">',
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{bottom + 16}"/>', *head, *grid, *body,
        "</svg>", ""])


def bar(figures, family, y):
    multiple = figures.milliseconds(family) / figures.milliseconds("This project")
    length = BARS * min(multiple, LIMIT) / LIMIT
    label = f"{milliseconds(figures.milliseconds(family))} ms"
    if multiple > LIMIT:
        label += f", {multiple:.1f}× →"
    return [
        f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR - 2}" fill="{COLOURS[family]}"/>',
        text(LABELS + length + 5, y + BAR - 4, label, "small"),
    ]


def legend(x, y):
    parts = []
    for family in FAMILIES:
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{COLOURS[family]}"/>')
        parts.append(text(x + 17, y, family))
        x += 40 + 8 * len(family)
    return parts


def text(x, y, content, kind="", anchor="start"):
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{style}>{escape(content)}</text>'
