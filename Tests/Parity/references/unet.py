"""The common PyTorch U-Net (Pytorch-UNet's module names) as a plain module."""
import torch
from torch import nn
from torch.nn import functional as F

from . import Reference


class DoubleConv(nn.Module):
    def __init__(self, channels, width, last=None):
        super().__init__()
        last = last or width
        self.double_conv = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, last, 3, padding=1, bias=False), nn.BatchNorm2d(last), nn.ReLU())

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(channels, width))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, channels, skip, last, bilinear):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = DoubleConv(channels + skip, skip, last)
        else:
            self.up = nn.ConvTranspose2d(channels, skip, 2, stride=2)
            self.conv = DoubleConv(2 * skip, skip, last)

    def forward(self, x, skip):
        x = self.up(x)
        height, width = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        x = F.pad(x, [width // 2, width - width // 2, height // 2, height - height // 2])
        return self.conv(torch.cat([skip, x], 1))


class Out(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.conv = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        return self.conv(x)


class UNet(nn.Module):
    def __init__(self, classes, widths, bilinear=False, narrows=False):
        super().__init__()
        self.levels = len(widths) - 1
        self.inc = DoubleConv(3, widths[0])
        for level in range(1, self.levels + 1):
            self.add_module(f"down{level}", Down(widths[level - 1], widths[level]))
        channels = widths[-1]
        for level in range(1, self.levels + 1):
            skip = widths[self.levels - level]
            last = widths[max(self.levels - level - 1, 0)] if narrows else skip
            self.add_module(f"up{level}", Up(channels, skip, last, bilinear))
            channels = last
        self.outc = Out(channels, classes)

    def forward(self, x):
        maps = [self.inc(x)]
        for level in range(1, self.levels + 1):
            maps.append(getattr(self, f"down{level}")(maps[-1]))
        x = maps[-1]
        for level in range(1, self.levels + 1):
            x = getattr(self, f"up{level}")(x, maps[self.levels - level])
        return self.outc(x)


def networks():
    return {
        "unet": Reference(lambda: UNet(21, [64, 128, 256, 512, 1024]), [(1, 3, 256, 256), (1, 3, 197, 240)]),
        "unet-bilinear": Reference(
            lambda: UNet(21, [64, 128, 256, 512, 512], True, True), [(1, 3, 256, 256), (1, 3, 197, 240)],
            form="safetensors"),
    }


def fixtures():
    sizes = [(1, 3, 16, 24), (2, 3, 21, 17)]
    return {
        "unet": Reference(lambda: UNet(3, [4, 6, 8]), sizes),
        "unet-bilinear": Reference(lambda: UNet(3, [4, 6, 8], True), sizes),
    }
