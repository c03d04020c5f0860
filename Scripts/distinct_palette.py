"""Computes the colours of `Palette.distinct` and prints them with their smallest distances.

Two colours are as far apart as the least of their CIEDE2000 distances in normal vision, times 0.45, and in protanopia, deuteranopia
and tritanopia. Those are simulated by the matrices of Machado, Oliveira and Fernandes (2009) at severity 1, in linear RGB. The weight
keeps the hues apart that normal vision tells apart, where colour-blind people see a difference of lightness.

- The first 8 colours are a set whose smallest distance is large, also from black, a dark frame and a mid red: the best of local
  searches that exchange one colour at a time. The first is the one that tints photographs most visibly, each next one the
  farthest from those before it.
- The next 11 are chosen one after the other, each the farthest from all before it, and then exchanged in the same way.
- The others up to 255 are chosen one after the other.

Requires NumPy. The result does not depend on the machine.
"""

import random

import numpy as np

DEFICIENCIES = [
    # protanopia, deuteranopia, tritanopia
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
]
NORMAL_WEIGHT = 0.45
# Black, a dark frame, a mid red.
ANCHORS = np.array([(0, 0, 0), (40, 40, 40), (160, 40, 40)])
# What photographs are of: dark and bright greys, reds, skin, foliage, sky, wood.
PHOTOGRAPH = np.array([
    (0, 0, 0), (40, 40, 40), (128, 128, 128), (230, 230, 230), (160, 40, 40), (200, 30, 30), (224, 172, 140), (80, 110, 50),
    (135, 180, 220), (120, 80, 50),
])  # fmt: skip
STARTS = 300


def linear(colors):
    """sRGB of 8 bits as linear RGB from 0 to 1."""
    values = np.asarray(colors, float) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """Linear RGB as CIELAB of the white point D65."""
    xyz = rgb @ np.array([
        [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041],
    ]).T / np.array([0.95047, 1, 1.08883])  # fmt: skip
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def visions(colors):
    """CIELAB in normal vision and the three deficiencies."""
    rgb = linear(colors)
    return [lab(rgb)] + [lab(np.clip(rgb @ np.array(matrix).T, 0, 1)) for matrix in DEFICIENCIES]


def ciede2000(first, second):
    """CIEDE2000 with weights of 1 (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0)
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1 = np.degrees(np.arctan2(b1, stretch * a1)) % 360
    h2 = np.degrees(np.arctan2(b2, stretch * a2)) % 360
    has_hue = c1 * c2 != 0
    dh = h2 - h1
    dh = np.where(has_hue, dh - 360 * (dh > 180) + 360 * (dh < -180), 0)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    total = h1 + h2
    near = np.abs(h1 - h2) <= 180
    hue = np.where(near, total / 2, np.where(total < 360, total / 2 + 180, total / 2 - 180))
    hue = np.where(has_hue, hue, total)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1 - 0.17 * np.cos(np.radians(hue - 30)) + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6)) - 0.20 * np.cos(np.radians(4 * hue - 63))
    )  # fmt: skip
    rotation = -np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))) * 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    x = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    y = (c2 - c1) / (1 + 0.045 * chroma)
    z = d_hue / (1 + 0.015 * chroma * t)
    return np.sqrt(x * x + y * y + z * z + rotation * y * z)


def pairwise(first, second):
    """The distances in each kind of vision, [vision, first, second]."""
    return np.stack([ciede2000(a[:, None], b[None]) for a, b in zip(visions(first), visions(second))])


def weighted(distances):
    return np.minimum(distances[0] * NORMAL_WEIGHT, distances[1:].min(0))


class Candidates:
    """Colours of a grid with a least lightness and chroma, and their distances."""

    def __init__(self):
        steps = range(0, 256, 17)
        self.colors = np.array([(r, g, b) for r in steps for g in steps for b in steps])
        values = lab(linear(self.colors))
        self.lightness, self.chroma = values[:, 0], np.hypot(values[:, 1], values[:, 2])
        rows = np.array_split(self.colors, 40)
        self.distances = np.concatenate([weighted(pairwise(part, self.colors)) for part in rows])
        self.anchors = pairwise(self.colors, ANCHORS).min(0).min(1)

    def smallest(self, chosen):
        part = self.distances[np.ix_(chosen, chosen)] + 999 * np.eye(len(chosen))
        return min(part.min(), self.anchors[chosen].min())

    def farthest(self, chosen, allowed):
        reach = np.minimum(self.distances[:, chosen].min(1), self.anchors)
        return int(np.argmax(np.where(allowed, reach, -1)))

    def exchanged(self, chosen, allowed, fixed=0):
        """Exchanges one colour at a time, from index `fixed` on, until the smallest distance grows no more."""
        chosen, best = list(chosen), self.smallest(chosen)
        while True:
            found = None
            for index in range(fixed, len(chosen)):
                rest = chosen[:index] + chosen[index + 1 :]
                candidate = rest[:index] + [self.farthest(rest, allowed)] + rest[index:]
                value = self.smallest(candidate)
                if value > best + 1e-6:
                    best, found = value, candidate
            if found is None:
                return chosen, best
            chosen = found


def visibility(colors):
    """How far each colour, mixed half and half with a photograph's, moves it: the least over photographs and visions."""
    result = np.full(len(colors), np.inf)
    for photograph in PHOTOGRAPH:
        mixed = (np.asarray(colors) + photograph) / 2
        for tinted, plain in zip(visions(mixed), visions(photograph[None])):
            result = np.minimum(result, ciede2000(tinted, plain))
    return result


def main():
    grid = Candidates()
    vivid = (grid.lightness >= 45) & (grid.chroma >= 30)
    pool = np.flatnonzero(vivid).tolist()
    numbers = random.Random(1)
    eight, best = None, 0
    for _ in range(STARTS):
        candidate, value = grid.exchanged(numbers.sample(pool, 8), vivid)
        if value > best:
            eight, best = candidate, value
    chosen = [max(eight, key=lambda index: visibility(grid.colors[[index]])[0])]
    while len(chosen) < 8:
        chosen.append(max((i for i in eight if i not in chosen), key=lambda index: grid.distances[index, chosen].min()))
    while len(chosen) < 19:
        chosen.append(grid.farthest(chosen, vivid))
    chosen, _ = grid.exchanged(chosen, vivid, fixed=8)
    bright = grid.lightness >= 25
    while len(chosen) < 255:
        chosen.append(grid.farthest(chosen, bright))
    colors = grid.colors[chosen]
    for count in (8, 19, 64, 255):
        distances, pairs = pairwise(colors[:count], colors[:count]), np.triu_indices(count, 1)
        apart = [f"{matrix[pairs].min():.2f}" for matrix in distances]
        anchors = [f"{value:.2f}" for value in pairwise(colors[:count], ANCHORS).min(0).min(0)]
        print(f"first {count}: normal, protanopia, deuteranopia, tritanopia {apart}; black, dark frame, mid red {anchors}")
    print("visibility", [f"{value:.1f}" for value in visibility(colors[:8])])
    text = [f"{r:02x}{g:02x}{b:02x}" for r, g, b in [(0, 0, 0), *colors.tolist()]]
    for start in range(0, 256, 16):
        print(" ".join(text[start : start + 16]))


if __name__ == "__main__":
    main()
