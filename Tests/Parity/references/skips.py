"""U-Nets whose decoder takes other skips than the encoder's map of its level, and those with other up-samplings: plain modules written
for the purpose, on the parts of the common U-Net."""
import torch
from torch import nn
from torch.nn import functional as F

from . import Reference, places
from .unet import DoubleConv, Down, Out


class Fusion(nn.Module):
    """Additive attention over the encoder's levels at each pixel."""

    def __init__(self, widths, channels, width):
        super().__init__()
        self.proj = nn.ModuleList([nn.Conv2d(w, width, 1) for w in widths])
        self.query = nn.Conv2d(channels, width, 1)
        self.score = nn.Conv2d(width, 1, 1)

    def forward(self, maps, x):
        size = x.shape[2:]
        parts = [
            proj(F.interpolate(y, size, mode="bilinear", align_corners=False)) for proj, y in zip(self.proj, maps)]
        query = self.query(x)
        alpha = torch.cat([self.score(F.relu(part + query)) for part in parts], 1).softmax(1)
        return sum(part * alpha[:, index : index + 1] for index, part in enumerate(parts))


class Gate(nn.Module):
    def __init__(self, channels):
        super().__init__()
        width = max(1, channels // 2)
        self.W_g = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width))
        self.W_x = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width))
        self.psi = nn.Sequential(nn.Conv2d(width, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, x, gate):
        return x * self.psi(F.relu(self.W_g(gate) + self.W_x(x)))


class Enlarging(nn.Module):
    """A map twice as large, in each of the ways that a decoder may choose."""

    def __init__(self, kind, channels, width):
        super().__init__()
        self.kind, self.width = kind, width
        if kind == "transposed":
            self.add_module("up", nn.ConvTranspose2d(channels, width, 2, stride=2))
        elif kind == "subpixel":
            self.add_module("up", nn.Sequential(nn.Conv2d(channels, 4 * width, 3, padding=1), nn.PixelShuffle(2)))
        elif kind == "unpooling":
            self.add_module("up", nn.Conv2d(channels, width, 1))
        else:
            self.width = channels

    def forward(self, x, skip, places):
        if self.kind == "unpooling":
            return F.max_unpool2d(self.up(x), places, 2, output_size=skip.shape[2:])
        if self.kind == "nearest":
            x = F.interpolate(x, scale_factor=2)
        elif self.kind in ("bilinear", "aligned"):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=self.kind == "aligned")
        else:
            x = self.up(x)
        height, width = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        return F.pad(x, [width // 2, width - width // 2, height // 2, height - height // 2])


class Up(Enlarging):
    def __init__(self, kind, widths, level, channels, skip, reduction):
        finer = len(widths) - 1 - level
        super().__init__(kind, channels, widths[finer])
        self.finer, self.skip, width = finer, skip, widths[finer]
        joined = self.width + width
        if skip in ("addition", "learned"):
            joined = width
        elif skip == "dense":
            parts = [reduction or w for w in widths[: finer + 1]]
            joined = self.width + sum(parts)
            if reduction:
                self.reduce = nn.ModuleList([nn.Conv2d(w, reduction, 1) for w in widths[: finer + 1]])
        if skip == "learned":
            self.alpha = nn.Parameter(torch.tensor([0.5]))
        if skip == "levels":
            self.fusion = Fusion(widths, self.width, width)
        self.conv = DoubleConv(joined, width)

    def forward(self, x, maps, places, gate):
        skip = maps[self.finer]
        x = super().forward(x, skip, places[self.finer])
        if self.skip == "addition":
            return self.conv(x + skip)
        if self.skip == "learned":
            return self.conv(self.alpha * skip + (1 - self.alpha) * x)
        if self.skip == "gate":
            return self.conv(torch.cat([gate(skip, x), x], 1))
        if self.skip == "levels":
            return self.conv(torch.cat([self.fusion(maps, x), x], 1))
        if self.skip == "dense":
            parts = [F.max_pool2d(y, 2 ** (self.finer - j)) if j < self.finer else y
                     for j, y in enumerate(maps[: self.finer + 1])]
            if hasattr(self, "reduce"):
                parts = [step(y) for step, y in zip(self.reduce, parts)]
            return self.conv(torch.cat([*parts, x], 1))
        return self.conv(torch.cat([skip, x], 1))


class SkipUNet(nn.Module):
    def __init__(self, classes, widths, skip, kind="transposed", reduction=None):
        super().__init__()
        self.levels = len(widths) - 1
        self.inc = DoubleConv(3, widths[0])
        for level in range(1, self.levels + 1):
            down = Down(widths[level - 1], widths[level])
            down.maxpool_conv[0].return_indices = True
            self.add_module(f"down{level}", down)
        channels = widths[-1]
        for level in range(1, self.levels + 1):
            width = widths[self.levels - level]
            if skip == "gate":
                self.add_module(f"att{level}", Gate(width))
            self.add_module(f"up{level}", Up(kind, widths, level, channels, skip, reduction))
            channels = width
        self.outc = Out(channels, classes)

    def forward(self, x):
        maps, found = [self.inc(x)], []
        for level in range(1, self.levels + 1):
            pool, step = getattr(self, f"down{level}").maxpool_conv
            x, place = pool(maps[-1])
            found.append(place)
            maps.append(step(x))
        x = maps[-1]
        for level in range(1, self.levels + 1):
            x = getattr(self, f"up{level}")(x, maps, found, getattr(self, f"att{level}", None))
        return self.outc(x)


VARIANTS = {
    "unet-add": dict(skip="addition"),
    "unet-learned-skip": dict(skip="learned"),
    "attention-unet": dict(skip="gate"),
    "unet-dense-skips": dict(skip="dense", reduction=64),
    "unet-level-attention": dict(skip="levels"),
    "unet-subpixel": dict(skip="concatenation", kind="subpixel"),
    "unet-unpooling": dict(skip="concatenation", kind="unpooling"),
}


def networks():
    result = {
        name: Reference(
            lambda options=options: SkipUNet(21, [64, 128, 256, 512, 1024], **options), [(1, 3, 256, 256), (1, 3, 197, 240)])
        for name, options in VARIANTS.items()}
    result["unet-unpooling"].settle = places.untied
    return result


def fixtures():
    result = {}
    sizes = [(1, 3, 16, 24), (2, 3, 21, 17)]
    for name, options in VARIANTS.items():
        if "kind" in options:
            continue
        small = {**options, "reduction": 3} if options.get("reduction") else options
        result[name] = Reference(lambda small=small: SkipUNet(3, [4, 6, 8], **small), sizes)
    result["unet-dense-skips-whole"] = Reference(lambda: SkipUNet(3, [4, 6, 8], "dense"), sizes)
    result["unet-half-pixel"] = Reference(lambda: SkipUNet(3, [4, 6, 8], "concatenation", "bilinear"), sizes)
    return result
