"""The plain U-Net with the other ways of enlarging a map: nearest neighbours, sub-pixel shuffling, max-unpooling."""
import torch
from torch import nn
from torch.nn import functional as F

from . import Reference
from .unet import DoubleConv, UNet


class Up(nn.Module):
    def __init__(self, way, channels, skip):
        super().__init__()
        self.way = way
        if way == "nearest":
            self.up = nn.Upsample(scale_factor=2, mode="nearest")
            self.conv = DoubleConv(channels + skip, skip)
        elif way == "subpixel":
            self.up = nn.Sequential(nn.Conv2d(channels, 4 * skip, 3, padding=1), nn.PixelShuffle(2))
            self.conv = DoubleConv(2 * skip, skip)
        else:
            self.up = nn.Conv2d(channels, skip, 1)
            self.conv = DoubleConv(2 * skip, skip)

    def forward(self, x, skip):
        x = self.up(x)
        if self.way == "unpooling":
            indices = F.max_pool2d(skip, 2, return_indices=True)[1]
            x = F.max_unpool2d(x, indices, 2, output_size=skip.shape[2:])
        height, width = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        x = F.pad(x, [width // 2, width - width // 2, height // 2, height - height // 2])
        return self.conv(torch.cat([skip, x], 1))


def make(way):
    network = UNet(3, [4, 6, 8])
    network.up1, network.up2 = Up(way, 8, 6), Up(way, 6, 4)
    return network


def networks():
    return {}


def fixtures():
    sizes = [(1, 3, 16, 24), (2, 3, 21, 17)]
    return {f"unet-{way}": Reference(lambda way=way: make(way), sizes) for way in ("nearest", "subpixel", "unpooling")}
