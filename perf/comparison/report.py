"""The comparison as Markdown, made from its JSON file."""
from comparison.figures import FAMILIES, Figures


class Footnotes:
    """Reasons, each once, with a number."""

    def __init__(self):
        self._texts = []

    def mark(self, text):
        if text not in self._texts:
            self._texts.append(text)
        return f"– [{self._texts.index(text) + 1}]"

    def lines(self):
        return [f"[{number}] {text}  " for number, text in enumerate(self._texts, 1)]


def markdown(data):
    """The whole page."""
    entries = list(data["networks"].values())
    notes = Footnotes()
    float32 = [Figures(entry) for entry in entries]
    defaults = [Figures(entry, defaults=True) for entry in entries]
    parts = [
        "# Comparison with other engines", "",
        "Written by `make compare` from [comparison.json](comparison.json); not to be edited. How it is measured stands in "
        "[Performance](README.md).", "",
        "![Times of the engines in float32 as multiples of this project's](comparison.svg)", "",
        *conditions(entries), "",
        "## Time of a run, float32", "",
        "Milliseconds: the median of the rounds, with the shortest and the longest round. The ratio is the time of the fastest other "
        "engine over this project's: more than 1 is faster than all of them.", "",
        *table(["network", *FAMILIES, "ratio", "asked for", "reached"],
               [time_row(figures, notes) + target(figures) for figures in float32]), "",
        "PyTorch is timed with contiguous and with channels-last tensors, and the faster counts. Channels last: "
        + listed(figures.entry["title"] for figures in float32 if figures.engine("PyTorch").name == "pytorch-channels-last")
        + ".", "",
        "## Time of a run, other engines at their defaults", "",
        "This project in float32; the others as they come, which for OpenVINO is bfloat16 where the processor has it. PyTorch's and "
        "ONNX Runtime's default is float32.", "",
        *table(["network", *FAMILIES, "ratio", "OpenVINO computes in"],
               [time_row(figures, notes) + [(figures.result("OpenVINO") or {}).get("precision", "–")] for figures in defaults]), "",
        "## Peak memory", "",
        "Megabytes of the engine's process, its largest resident size over loading and all runs: in all, and in brackets above what it "
        "held right before the network was loaded, when its libraries were imported. The ratios are the leanest other "
        "engine's over this project's.", "",
        *table(["network", *FAMILIES, "ratio", "ratio above"], [memory_row(figures, notes) for figures in float32]), "",
        "## From process start to first result", "",
        "Seconds in a fresh process, files cached by the system: start of the program or of Python with its imports, loading, compiling "
        "and the first run; the median of several starts.", "",
        *table(["network", *FAMILIES, "ratio"], [start_row(figures, notes) for figures in float32]), "",
        "## Outputs", "",
        "Largest difference to PyTorch's output (for a fetched network, to ONNX Runtime's), as a part of its range. No time counts "
        "unless it is below 1e-3 in float32.", "",
        *table(["network", *FAMILIES, "OpenVINO, defaults", "ncnn, defaults"],
               [difference_row(*both, notes) for both in zip(float32, defaults)]), "",
        *notes.lines(),
    ]
    return "\n".join(parts).rstrip() + "\n"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def listed(items):
    return ", ".join(items) or "none"


def conditions(entries):
    """A line for each set of conditions, with its networks where there are several."""
    groups = {}
    for entry in entries:
        found = entry["conditions"]
        machine, versions = found["machine"], found["versions"]
        text = (
            f"{machine['processor']} (family {machine['family']}, model {machine['model']}), {machine['cores']} cores, "
            f"{' '.join(machine['instructions'])}; {', '.join(machine['caches'])}; {machine['memory_gigabytes']} GB; "
            f"{machine['system']}. {found['threads']} threads, {found['rounds']} rounds. "
            + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
        groups.setdefault((found["date"], text), []).append(entry["title"])
    if len(groups) == 1:
        (date, text), = groups
        return [f"{date}: {text}"]
    return [f"- {date}, {listed(titles)}: {text}" for (date, text), titles in groups.items()]


def row(figures, notes, cell):
    cells = [figures.entry["title"]]
    for family in FAMILIES:
        result = figures.result(family)
        cells.append(cell(family, result) if result else notes.mark(f"{figures.engine(family).title}: {figures.reason(family)}"))
    return cells


def time_row(figures, notes):
    def cell(family, result):
        rounds = [milliseconds(value) for value in (min(result["round_milliseconds"]), max(result["round_milliseconds"]))]
        text = milliseconds(result["median_milliseconds"])
        return f"{f'**{text}**' if family == figures.fastest else text} ({'–'.join(rounds)})"
    return row(figures, notes, cell) + [ratio(figures.ratio(figures.milliseconds))]


def target(figures):
    wanted, reached = figures.entry["target"], figures.ratio(figures.milliseconds)
    if wanted is None:
        return ["–", "–"]
    return [f"{wanted:.2f}", "yes" if reached is not None and reached >= wanted else "no"]


def memory_row(figures, notes):
    def measure(key):
        return lambda family: (figures.result(family) or {}).get(key)
    cells = row(figures, notes, lambda family, result:
                f"{result['peak_bytes'] / 1e6:.0f} ({result['network_bytes'] / 1e6:.0f})")
    return cells + [ratio(figures.ratio(measure(key))) for key in ("peak_bytes", "network_bytes")]


def start_row(figures, notes):
    cells = row(figures, notes, lambda family, result: f"{figures.start_seconds(family):.2f}")
    return cells + [ratio(figures.ratio(figures.start_seconds))]


def difference_row(figures, defaults, notes):
    def cell(family, result):
        return f"{result['difference']:.0e}"
    return row(figures, notes, cell) + row(defaults, notes, cell)[-2:]


def milliseconds(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def ratio(value):
    return "–" if value is None else f"{value:.2f}"
