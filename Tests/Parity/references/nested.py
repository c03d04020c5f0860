"""U-Net++ and U-Net 3+ as plain modules with the names of their common PyTorch ports."""
import torch
from torch import nn
from torch.nn import functional as F

from . import Reference


class Node(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class NestedUNet(nn.Module):
    """The names of the nested-unet repository. `transposed` enlarges by transposed convolutions `up{row}_{column}`, as the paper
    does; the repository interpolates."""

    def __init__(self, classes, widths, deep, transposed=False):
        super().__init__()
        self.levels, self.deep, self.transposed = len(widths) - 1, deep, transposed
        channels = 3
        for row, width in enumerate(widths):
            self.add_module(f"conv{row}_0", Node(channels, width))
            channels = width
        for column in range(1, self.levels + 1):
            for row in range(self.levels + 1 - column):
                below = widths[row + 1]
                if transposed:
                    self.add_module(f"up{row}_{column}", nn.ConvTranspose2d(below, widths[row], 2, stride=2))
                    below = widths[row]
                self.add_module(f"conv{row}_{column}", Node(column * widths[row] + below, widths[row]))
        for index in range(1, self.levels + 1):
            if deep:
                self.add_module(f"final{index}", nn.Conv2d(widths[0], classes, 1))
        if not deep:
            self.final = nn.Conv2d(widths[0], classes, 1)

    def forward(self, image):
        nodes = {(0, 0): self.conv0_0(image)}
        for row in range(1, self.levels + 1):
            nodes[row, 0] = getattr(self, f"conv{row}_0")(F.max_pool2d(nodes[row - 1, 0], 2))
        for column in range(1, self.levels + 1):
            for row in range(self.levels + 1 - column):
                below = nodes[row + 1, column - 1]
                if self.transposed:
                    below = getattr(self, f"up{row}_{column}")(below)
                else:
                    below = F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=True)
                earlier = [nodes[row, index] for index in range(column)]
                nodes[row, column] = getattr(self, f"conv{row}_{column}")(torch.cat([*earlier, below], 1))
        if not self.deep:
            return {"logits": self.final(nodes[0, self.levels])}
        logits = {f"logits{i}": getattr(self, f"final{i}")(nodes[0, i]) for i in range(1, self.levels + 1)}
        logits["logits"] = logits.pop(f"logits{self.levels}")
        return logits


def without_numbers(level):
    def outputs(result):
        """Of a network pruned to a level: its logits and those of the nodes before."""
        return {**{f"logits{i}": result[f"logits{i}"] for i in range(1, level)}, "logits": result[f"logits{level}"]}

    return outputs


class Encoded(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.conv2 = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x):
        return self.conv2(self.conv1(x))


class UNet3Plus(nn.Module):
    """The names of the authors' code, whose attributes are written out one by one there."""

    def __init__(self, classes, widths, deep):
        super().__init__()
        self.levels, self.deep = len(widths), deep
        joined = len(widths) * widths[0]
        channels = 3
        for level, width in enumerate(widths):
            self.add_module(f"conv{level + 1}", Encoded(channels, width))
            channels = width
        for target in range(self.levels - 1, 0, -1):
            for source in range(1, self.levels + 1):
                name = self.name(source, target)
                channels = widths[source - 1] if source <= target or source == self.levels else joined
                self.add_module(f"{name}_conv", nn.Conv2d(channels, widths[0], 3, padding=1))
                self.add_module(f"{name}_bn", nn.BatchNorm2d(widths[0]))
            self.add_module(f"conv{target}d_1", nn.Conv2d(joined, joined, 3, padding=1))
            self.add_module(f"bn{target}d_1", nn.BatchNorm2d(joined))
        self.outconv1 = nn.Conv2d(joined, classes, 3, padding=1)
        if deep:
            for level in range(2, self.levels + 1):
                channels = widths[-1] if level == self.levels else joined
                self.add_module(f"outconv{level}", nn.Conv2d(channels, classes, 3, padding=1))

    @staticmethod
    def name(source, target):
        if source < target:
            return f"h{source}_PT_hd{target}"
        return f"h{source}_Cat_hd{target}" if source == target else f"hd{source}_UT_hd{target}"

    def forward(self, image):
        maps, x = {}, image
        for level in range(1, self.levels + 1):
            x = getattr(self, f"conv{level}")(x if level == 1 else F.max_pool2d(x, 2))
            maps[level] = x
        decoded = {self.levels: x}
        for target in range(self.levels - 1, 0, -1):
            parts = []
            for source in range(1, self.levels + 1):
                name = self.name(source, target)
                if source < target:
                    x = F.max_pool2d(maps[source], 2 ** (target - source), ceil_mode=True)
                elif source == target:
                    x = maps[source]
                else:
                    x = F.interpolate(
                        decoded[source], scale_factor=2 ** (source - target), mode="bilinear", align_corners=False)
                parts.append(F.relu(getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(x))))
            x = getattr(self, f"bn{target}d_1")(getattr(self, f"conv{target}d_1")(torch.cat(parts, 1)))
            decoded[target] = F.relu(x)
        result = {"logits": self.outconv1(decoded[1])}
        if self.deep:
            for level in range(2, self.levels + 1):
                logits = getattr(self, f"outconv{level}")(decoded[level])
                result[f"logits{level}"] = F.interpolate(
                    logits, scale_factor=2 ** (level - 1), mode="bilinear", align_corners=False)
        return result


def as_it_is(result):
    return result


def networks():
    widths = [32, 64, 128, 256, 512]
    sizes = [(1, 3, 256, 256), (2, 3, 96, 208)]
    return {
        "unetpp": Reference(lambda: NestedUNet(21, widths, False), sizes, outputs=as_it_is),
        "unetpp-deep": Reference(lambda: NestedUNet(21, widths, True), sizes, outputs=as_it_is, form="safetensors"),
        "unetpp-deep-l2": Reference(
            lambda: NestedUNet(21, widths, True), sizes, outputs=without_numbers(2)),
        "unet3plus": Reference(
            lambda: UNet3Plus(21, [64, 128, 256, 512, 1024], False), [(1, 3, 256, 256)], outputs=as_it_is),
        "unet3plus-deep": Reference(
            lambda: UNet3Plus(21, [64, 128, 256, 512, 1024], True), [(1, 3, 160, 208)], outputs=as_it_is),
    }


def fixtures():
    sizes = [(1, 3, 16, 24), (2, 3, 24, 8)]
    return {
        "unetpp": Reference(lambda: NestedUNet(3, [4, 5, 6, 7], False), sizes, outputs=as_it_is),
        "unetpp-deep": Reference(lambda: NestedUNet(3, [4, 5, 6, 7], True), sizes, outputs=as_it_is),
        "unetpp-pruned": Reference(
            lambda: NestedUNet(3, [4, 5, 6, 7], True), sizes, outputs=without_numbers(2), state=pruned),
        "unetpp-transposed": Reference(lambda: NestedUNet(3, [4, 5, 6, 7], False, True), sizes, outputs=as_it_is),
        "unet3plus": Reference(lambda: UNet3Plus(3, [4, 5, 6, 7], False), sizes, outputs=as_it_is),
        "unet3plus-deep": Reference(lambda: UNet3Plus(3, [4, 5, 6, 7], True), sizes, outputs=as_it_is),
    }


def pruned(state):
    """What a network of three halvings that is pruned to the second node needs."""
    left = [f"conv{row}_{column}." for row in range(4) for column in range(4 - row) if row + column == 3] + ["final3."]
    return {key: value for key, value in state.items() if not key.startswith(tuple(left))}
