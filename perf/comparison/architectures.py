"""Networks of the comparison that no library has, as plain PyTorch modules."""
import torch
from torch import nn


class DoubleConvolution(nn.Module):
    """Twice: 3×3 convolution, batch norm, ReLU."""

    def __init__(self, inputs, outputs, bias):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.double_conv(x)


class UNet(nn.Module):
    """The U-Net with padded convolutions: four levels of pooling, transposed convolutions 2×2, skips by concatenation."""

    def __init__(self, inputs=3, classes=21, base=64):
        super().__init__()
        widths = [base << level for level in range(5)]
        self.encoder = nn.ModuleList(
            DoubleConvolution(before, after, bias=False) for before, after in zip([inputs] + widths, widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in widths[-2::-1])
        self.decoder = nn.ModuleList(DoubleConvolution(2 * width, width, bias=False) for width in widths[-2::-1])
        self.head = nn.Conv2d(base, classes, 1)

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(nn.functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()
        for up, block in zip(self.up, self.decoder):
            x = block(torch.cat([skips.pop(), up(x)], 1))
        return self.head(x)


class PupilUNet(nn.Module):
    """The demo's U-Net with one spatial attention gate; its keys are those of the published weights."""

    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

        def forward(self, x):
            return x * torch.sigmoid(self.conv(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))

    def __init__(self):
        super().__init__()
        self.inc = DoubleConvolution(1, 32, bias=True)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConvolution(32, 64, bias=True))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConvolution(64, 128, bias=True))
        self.att = self.Gate()
        self.up1 = nn.ConvTranspose2d(128, 64, 2, stride=2)
        self.conv1 = DoubleConvolution(128, 64, bias=True)
        self.up2 = nn.ConvTranspose2d(64, 32, 2, stride=2)
        self.conv2 = DoubleConvolution(64, 32, bias=True)
        self.outc = nn.Conv2d(32, 1, 1)

    def forward(self, image):
        x1 = self.inc(image)
        x2 = self.down1(x1)
        x = self.att(self.down2(x2))
        x = self.conv1(torch.cat([self.up1(x), x2], 1))
        x = self.conv2(torch.cat([self.up2(x), x1], 1))
        return self.outc(x)


class SETRNaive(nn.Module):
    """SETR with the naive decoder: the tokens of a vision transformer as a map, two 1×1 convolutions, bilinear ×16."""

    def __init__(self, transformer, patch=16, classes=21):
        super().__init__()
        self.transformer = transformer
        self.patch = patch
        self.decoder = nn.Sequential(
            nn.Conv2d(transformer.embed_dim, 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU(inplace=True),
            nn.Conv2d(256, classes, 1))

    def forward(self, image):
        height, width = image.shape[2] // self.patch, image.shape[3] // self.patch
        tokens = self.transformer.forward_features(image)[:, self.transformer.num_prefix_tokens:]
        x = self.decoder(tokens.transpose(1, 2).reshape(-1, self.transformer.embed_dim, height, width))
        return nn.functional.interpolate(x, scale_factor=self.patch, mode="bilinear", align_corners=False)
