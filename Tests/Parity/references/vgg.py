"""FCN-32s, 16s and 8s, DeepLab v1 and DeepLab v2 as plain modules with the names of the common PyTorch ports."""
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from . import Reference

BLOCKS = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]


class FCN(nn.Module):
    """The authors' networks: the image padded by 100, poolings that round up, crops at fixed offsets."""

    def __init__(self, stride, classes, width=4096):
        super().__init__()
        self.stride = stride
        channels = 3
        for block, (layers, features) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                padding = 100 if block == layer == 1 else 1
                self.add_module(f"conv{block}_{layer}", nn.Conv2d(channels, features, 3, padding=padding))
                channels = features
        self.fc6 = nn.Conv2d(512, width, 7)
        self.fc7 = nn.Conv2d(width, width, 1)
        self.score_fr = nn.Conv2d(width, classes, 1)

        def up(factor):
            return nn.ConvTranspose2d(classes, classes, 2 * factor, stride=factor, bias=False)

        if stride == 32:
            self.upscore = up(32)
        else:
            self.upscore2 = up(2)
            self.score_pool4 = nn.Conv2d(512, classes, 1)
            if stride == 16:
                self.upscore16 = up(16)
            else:
                self.upscore_pool4 = up(2)
                self.score_pool3 = nn.Conv2d(256, classes, 1)
                self.upscore8 = up(8)

    def forward(self, image):
        x, pools = image, []
        for block, (layers, _) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                x = F.relu(getattr(self, f"conv{block}_{layer}")(x))
            x = F.max_pool2d(x, 2, ceil_mode=True)
            pools.append(x)
        x = self.score_fr(F.relu(self.fc7(F.relu(self.fc6(x)))))

        def crop(map, offset, like):
            return map[:, :, offset : offset + like.shape[2], offset : offset + like.shape[3]]

        if self.stride == 32:
            return crop(self.upscore(x), 19, image)
        x = self.upscore2(x)
        x = x + crop(self.score_pool4(pools[3]), 5, x)
        if self.stride == 16:
            return crop(self.upscore16(x), 27, image)
        x = self.upscore_pool4(x)
        x = x + crop(self.score_pool3(pools[2]), 9, x)
        return crop(self.upscore8(x), 31, image)


class LargeFOV(nn.Module):
    """DeepLab v1."""

    def __init__(self, classes, width=1024):
        super().__init__()
        layers, channels = [], 3
        for block, (count, features) in enumerate(BLOCKS):
            rate = 2 if block == 4 else 1
            for _ in range(count):
                layers += [nn.Conv2d(channels, features, 3, padding=rate, dilation=rate), nn.ReLU()]
                channels = features
            layers.append(nn.MaxPool2d(3, stride=2 if block < 3 else 1, padding=1))
        layers.append(nn.AvgPool2d(3, stride=1, padding=1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Conv2d(512, width, 3, padding=12, dilation=12), nn.ReLU(), nn.Dropout2d(), nn.Conv2d(width, width, 1),
            nn.ReLU(), nn.Dropout2d(), nn.Conv2d(width, classes, 1))

    def forward(self, image):
        x = self.classifier(self.features(image))
        return F.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=True)


class ConvNorm(nn.Sequential):
    def __init__(self, channels, width, kernel, stride, padding, rate, activated=True):
        layers = [
            ("conv", nn.Conv2d(channels, width, kernel, stride, padding, rate, bias=False)), ("bn", nn.BatchNorm2d(width))]
        super().__init__(OrderedDict(layers + ([("relu", nn.ReLU())] if activated else [])))


class CaffeBottleneck(nn.Module):
    """The residual block with the stride in its first 1×1 convolution."""

    def __init__(self, channels, width, stride, rate, projects):
        super().__init__()
        self.reduce = ConvNorm(channels, width, 1, stride, 0, 1)
        self.conv3x3 = ConvNorm(width, width, 3, 1, rate, rate)
        self.increase = ConvNorm(width, 4 * width, 1, 1, 0, 1, False)
        self.shortcut = ConvNorm(channels, 4 * width, 1, stride, 0, 1, False) if projects else nn.Identity()

    def forward(self, x):
        return F.relu(self.increase(self.conv3x3(self.reduce(x))) + self.shortcut(x))


class PyramidSum(nn.Module):
    def __init__(self, channels, classes, rates):
        super().__init__()
        for index, rate in enumerate(rates):
            self.add_module(f"c{index}", nn.Conv2d(channels, classes, 3, padding=rate, dilation=rate))

    def forward(self, x):
        return sum(branch(x) for branch in self.children())


class DeepLabV2(nn.Sequential):
    def __init__(self, classes, blocks, rates=(6, 12, 18, 24)):
        super().__init__()
        stem = nn.Sequential()
        stem.add_module("conv1", ConvNorm(3, 64, 7, 2, 3, 1))
        stem.add_module("pool", nn.MaxPool2d(3, 2, 1, ceil_mode=True))
        self.add_module("layer1", stem)
        channels = 64
        for stage, (count, stride, rate) in enumerate(zip(blocks, (1, 2, 1, 1), (1, 1, 2, 4))):
            width = 64 * 2**stage
            layer = nn.Sequential()
            for block in range(count):
                layer.add_module(
                    f"block{block + 1}", CaffeBottleneck(channels, width, stride if block == 0 else 1, rate, block == 0))
                channels = 4 * width
            self.add_module(f"layer{stage + 2}", layer)
        self.add_module("aspp", PyramidSum(channels, classes, rates))


class MultiScale(nn.Module):
    """The maximum of the scores over several sizes of the image."""

    def __init__(self, base, scales):
        super().__init__()
        self.base = base
        self.scales = scales

    def forward(self, image):
        scores = self.base(image)
        everything = [scores]
        for scale in self.scales:
            other = self.base(F.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False))
            everything.append(F.interpolate(other, size=scores.shape[2:], mode="bilinear", align_corners=False))
        scores = torch.stack(everything).max(0)[0]
        return F.interpolate(scores, size=image.shape[2:], mode="bilinear", align_corners=False)


def networks():
    sizes = [(1, 3, 321, 321), (1, 3, 225, 304)]
    return {
        "fcn32s-vgg16": Reference(lambda: FCN(32, 21), sizes),
        "fcn16s-vgg16": Reference(lambda: FCN(16, 21), sizes, form="safetensors"),
        "fcn8s-vgg16": Reference(lambda: FCN(8, 21), sizes),
        "deeplabv1-vgg16": Reference(lambda: LargeFOV(21), sizes),
        "deeplabv2-resnet101": Reference(lambda: MultiScale(DeepLabV2(21, [3, 4, 23, 3]), [0.5, 0.75]), sizes),
    }


def fixtures():
    sizes = [(1, 3, 40, 57), (2, 3, 33, 48)]
    return {
        "fcn32s-vgg16": Reference(lambda: FCN(32, 3, 24), sizes),
        "fcn16s-vgg16": Reference(lambda: FCN(16, 3, 24), sizes),
        "fcn8s-vgg16": Reference(lambda: FCN(8, 3, 24), sizes),
        "deeplabv1-vgg16": Reference(lambda: LargeFOV(3, 24), sizes),
        "deeplabv2-resnet": Reference(lambda: MultiScale(DeepLabV2(3, [1, 2, 1, 2]), [0.5, 0.75]), sizes),
        "deeplabv2-resnet-single": Reference(lambda: MultiScale(DeepLabV2(3, [1, 2, 1, 2]), []), sizes),
    }
