"""U²-Net as a plain module with the parameter names of its authors' checkpoints."""
import pathlib

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from . import Reference


class Layer(nn.Module):
    def __init__(self, channels, width, dilation=1):
        super().__init__()
        self.conv_s1 = nn.Conv2d(channels, width, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(self.bn_s1(self.conv_s1(x)))


def sized(x, like):
    return F.interpolate(x, size=like.shape[2:], mode="bilinear")


class Block(nn.Module):
    """A residual U-block of `depth` layers; with `flat` maps keep their size and the layers dilate."""

    def __init__(self, depth, channels, inner, width, flat=False):
        super().__init__()
        self.depth, self.flat = depth, flat
        rate = (lambda k: 2 ** (k - 1)) if flat else (lambda k: 1)
        self.rebnconvin = Layer(channels, width)
        for k in range(1, depth):
            self.add_module(f"rebnconv{k}", Layer(width if k == 1 else inner, inner, rate(k)))
            self.add_module(f"rebnconv{k}d", Layer(2 * inner, width if k == 1 else inner, rate(k)))
        self.add_module(f"rebnconv{depth}", Layer(inner, inner, 2 ** (depth - 1) if flat else 2))

    @property
    def branch_end(self):
        """The batch normalisation at the end of the residual branch (`seeded.train`)."""
        return self.rebnconv1d.bn_s1

    def layer(self, name):
        return getattr(self, f"rebnconv{name}")

    def forward(self, image):
        x = self.rebnconvin(image)
        maps, y = [], x
        for k in range(1, self.depth):
            if k > 1 and not self.flat:
                y = F.max_pool2d(y, 2, ceil_mode=True)
            y = self.layer(k)(y)
            maps.append(y)
        y = self.layer(self.depth)(y)
        for k in range(self.depth - 1, 0, -1):
            y = self.layer(f"{k}d")(torch.cat([sized(y, maps[k - 1]), maps[k - 1]], 1))
        return x + y


class U2Net(nn.Module):
    def __init__(self, classes, widths, inner, decoder_inner):
        super().__init__()
        depths = [7, 6, 5, 4, 4, 4]
        for stage in range(6):
            self.add_module(
                f"stage{stage + 1}",
                Block(depths[stage], widths[stage - 1] if stage else 3, inner[stage], widths[stage], flat=stage > 3))
        for stage in range(5):
            below = widths[5] if stage == 4 else widths[stage]
            self.add_module(
                f"stage{stage + 1}d",
                Block(
                    depths[stage], below + widths[stage], decoder_inner[stage], widths[max(0, stage - 1)],
                    flat=stage > 3))
        for stage in range(6):
            width = widths[5] if stage == 5 else widths[max(0, stage - 1)]
            self.add_module(f"side{stage + 1}", nn.Conv2d(width, classes, 3, padding=1))
        self.outconv = nn.Conv2d(6 * classes, classes, 1)

    def forward(self, image):
        maps, x = [], image
        for stage in range(6):
            if stage:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = getattr(self, f"stage{stage + 1}")(x)
            maps.append(x)
        results = [maps[5]]
        for stage in range(4, -1, -1):
            block = getattr(self, f"stage{stage + 1}d")
            results.insert(0, block(torch.cat([sized(results[0], maps[stage]), maps[stage]], 1)))
        sides = [getattr(self, f"side{k + 1}")(result) for k, result in enumerate(results)]
        sides = sides[:1] + [sized(side, sides[0]) for side in sides[1:]]
        return {"logits": self.outconv(torch.cat(sides, 1)), **{f"side{k + 1}": side for k, side in enumerate(sides)}}


BUNDLED = pathlib.Path(__file__).resolve().parents[3] / "Sources/CBundledWeights/weights/u2netp.safetensors"


def bundled(network):
    """The network with the trained weights that are in the library."""
    state = {name: value.float() for name, value in load_file(BUNDLED).items()}
    counters = {name: value for name, value in network.state_dict().items() if name.endswith("num_batches_tracked")}
    network.load_state_dict({**counters, **state})
    return network


def as_it_is(result):
    return result


def networks():
    small = ([64] * 6, [16] * 6, [16] * 5)
    full = ([64, 128, 256, 512, 512, 512], [32, 32, 64, 128, 256, 256], [16, 32, 64, 128, 256])
    return {
        "u2netp": Reference(
            lambda: bundled(U2Net(1, *small)), [(1, 3, 320, 320), (2, 3, 203, 330)], outputs=as_it_is, trained=True),
        "u2net": Reference(lambda: U2Net(1, *full), [(1, 3, 320, 320), (2, 3, 101, 167)], outputs=as_it_is),
    }


def fixtures():
    return {
        "u2net": Reference(
            lambda: U2Net(2, [6, 8, 10, 12, 12, 12], [3, 3, 4, 4, 5, 6], [2, 3, 4, 5, 6]),
            [(1, 3, 32, 40), (2, 3, 27, 21)], outputs=as_it_is),
    }
