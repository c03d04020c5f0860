"""ENet, BiSeNet, BiSeNetV2 and Fast-SCNN as plain modules with the names of their common PyTorch ports."""
import torch
from torch import nn
from torch.nn import functional as F

from . import Reference, places

# ENet.


class Activations:
    """The port uses one PReLU at all places of a block and so saves its slope under several names. `shared=False` gives each place
    its own, so that a test sees which slope stands where; `channels=True` gives each channel its own, as the paper does."""

    def __init__(self, relu, shared=True, channels=False):
        self.relu, self.channels = relu, channels
        self.one = nn.PReLU() if shared and not relu else None

    def __call__(self, channels):
        return nn.ReLU() if self.relu else self.one or nn.PReLU(channels if self.channels else 1)


def step(channels, width, kernel, activation, **options):
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, bias=False, **options), nn.BatchNorm2d(width), activation(width))


class InitialBlock(nn.Module):
    def __init__(self, width, activation):
        super().__init__()
        self.main_branch = nn.Conv2d(3, width - 3, 3, stride=2, padding=1, bias=False)
        self.ext_branch = nn.MaxPool2d(3, stride=2, padding=1)
        self.batch_norm = nn.BatchNorm2d(width)
        self.out_prelu = activation(width)

    def forward(self, x):
        return self.out_prelu(self.batch_norm(torch.cat([self.main_branch(x), self.ext_branch(x)], 1)))


class Bottleneck(nn.Module):
    def __init__(self, channels, activation, dilation=1, asymmetric=False):
        super().__init__()
        width = channels // 4
        self.ext_conv1 = step(channels, width, 1, activation)
        if asymmetric:
            self.ext_conv2 = nn.Sequential(
                *step(width, width, (5, 1), activation, padding=(2, 0)),
                *step(width, width, (1, 5), activation, padding=(0, 2)))
        else:
            self.ext_conv2 = step(width, width, 3, activation, padding=dilation, dilation=dilation)
        self.ext_conv3 = step(width, channels, 1, activation)
        self.out_prelu = activation(channels)

    def forward(self, x):
        return self.out_prelu(x + self.ext_conv3(self.ext_conv2(self.ext_conv1(x))))


class DownBottleneck(nn.Module):
    def __init__(self, channels, width, activation):
        super().__init__()
        self.main_max1 = nn.MaxPool2d(2, stride=2, return_indices=True)
        self.ext_conv1 = step(channels, channels // 4, 2, activation, stride=2)
        self.ext_conv2 = step(channels // 4, channels // 4, 3, activation, padding=1)
        self.ext_conv3 = step(channels // 4, width, 1, activation)
        self.out_prelu = activation(width)

    def forward(self, x):
        main, places = self.main_max1(x)
        y = self.ext_conv3(self.ext_conv2(self.ext_conv1(x)))
        main = F.pad(main, (0, 0, 0, 0, 0, y.shape[1] - main.shape[1]))
        return self.out_prelu(main + y), places


class UpBottleneck(nn.Module):
    def __init__(self, channels, width, activation, kernel):
        super().__init__()
        middle = channels // 4
        self.main_conv1 = nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width))
        self.main_unpool1 = nn.MaxUnpool2d(2)
        self.ext_conv1 = step(channels, middle, 1, activation)
        self.ext_tconv1 = nn.ConvTranspose2d(middle, middle, kernel, stride=2, padding=kernel // 3, bias=False)
        self.ext_tconv1_bnorm = nn.BatchNorm2d(middle)
        self.ext_tconv1_activation = activation(middle)
        self.ext_conv2 = step(middle, width, 1, activation)
        self.out_prelu = activation(width)

    def forward(self, x, places, size):
        main = self.main_unpool1(self.main_conv1(x), places, output_size=size)
        y = self.ext_tconv1(self.ext_conv1(x), output_size=size)
        y = self.ext_conv2(self.ext_tconv1_activation(self.ext_tconv1_bnorm(y)))
        return self.out_prelu(main + y)


class ENet(nn.Module):
    STAGE = [
        ("regular", {}), ("dilated", {"dilation": 2}), ("asymmetric", {"asymmetric": True}), ("dilated", {"dilation": 4}),
        ("regular", {}), ("dilated", {"dilation": 8}), ("asymmetric", {"asymmetric": True}), ("dilated", {"dilation": 16})]

    def __init__(self, classes, widths=(16, 64, 128), shared=True, channels=False, kernel=2):
        super().__init__()
        slopes, relu = lambda: Activations(False, shared, channels), lambda: Activations(True)
        self.initial_block = InitialBlock(widths[0], slopes())
        self.downsample1_0 = DownBottleneck(widths[0], widths[1], slopes())
        self.encoder, self.second, self.third = [], [], []
        for index in range(1, 5):
            self.append(self.encoder, f"regular1_{index}", Bottleneck(widths[1], slopes()))
        self.downsample2_0 = DownBottleneck(widths[1], widths[2], slopes())
        for stage, names, start in [(2, self.second, 1), (3, self.third, 0)]:
            for index, (kind, options) in enumerate(self.STAGE):
                self.append(names, f"{kind}{stage}_{start + index}", Bottleneck(widths[2], slopes(), **options))
        self.upsample4_0 = UpBottleneck(widths[2], widths[1], relu(), kernel)
        self.regular4_1 = Bottleneck(widths[1], relu())
        self.regular4_2 = Bottleneck(widths[1], relu())
        self.upsample5_0 = UpBottleneck(widths[1], widths[0], relu(), kernel)
        self.regular5_1 = Bottleneck(widths[0], relu())
        self.transposed_conv = nn.ConvTranspose2d(widths[0], classes, 3, stride=2, padding=1, bias=False)

    def append(self, names, name, module):
        names.append(name)
        self.add_module(name, module)

    def through(self, names, x):
        for name in names:
            x = getattr(self, name)(x)
        return x

    def forward(self, image):
        first = self.initial_block(image)
        x, places1 = self.downsample1_0(first)
        quarter = self.through(self.encoder, x)
        x, places2 = self.downsample2_0(quarter)
        x = self.through(self.second + self.third, x)
        x = self.regular4_2(self.regular4_1(self.upsample4_0(x, places2, quarter.shape[2:])))
        x = self.regular5_1(self.upsample5_0(x, places1, first.shape[2:]))
        return self.transposed_conv(x, output_size=image.shape[2:])


# BiSeNet.


class ConvBNReLU(nn.Module):
    def __init__(self, channels, width, kernel=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Residual(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        return F.relu(shortcut + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class ContextPath(nn.Module):
    def __init__(self, stem, blocks, path):
        super().__init__()
        self.resnet = nn.Module()
        self.resnet.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.resnet.bn1 = nn.BatchNorm2d(stem)
        channels = stem
        for stage in range(4):
            layers = []
            for index in range(blocks):
                layers.append(Residual(channels, stem << stage, 2 if stage and not index else 1))
                channels = stem << stage
            self.resnet.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.arm16 = Refinement(channels // 2, path)
        self.arm32 = Refinement(channels, path)
        self.conv_head32 = ConvBNReLU(path, path)
        self.conv_head16 = ConvBNReLU(path, path)
        self.conv_avg = ConvBNReLU(channels, path, 1)

    def forward(self, image):
        net = self.resnet
        x = F.max_pool2d(F.relu(net.bn1(net.conv1(image))), 3, 2, 1)
        eighth = net.layer2(net.layer1(x))
        sixteenth = net.layer3(eighth)
        last = net.layer4(sixteenth)
        x = self.arm32(last) + self.conv_avg(last.mean((2, 3), keepdim=True))
        deep = self.conv_head32(F.interpolate(x, sixteenth.shape[2:]))
        x = self.arm16(sixteenth) + deep
        return self.conv_head16(F.interpolate(x, eighth.shape[2:])), deep


class Refinement(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.conv = ConvBNReLU(channels, width)
        self.conv_atten = nn.Conv2d(width, width, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(width)

    def forward(self, x):
        x = self.conv(x)
        return x * self.bn_atten(self.conv_atten(x.mean((2, 3), keepdim=True))).sigmoid()


class FeatureFusion(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.convblk = ConvBNReLU(channels, width, 1)
        self.conv1 = nn.Conv2d(width, width // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(width // 4, width, 1, bias=False)

    def forward(self, *maps):
        x = self.convblk(torch.cat(maps, 1))
        return x + x * self.conv2(F.relu(self.conv1(x.mean((2, 3), keepdim=True)))).sigmoid()


class BiSeNetHead(nn.Module):
    def __init__(self, channels, width, classes):
        super().__init__()
        self.conv = ConvBNReLU(channels, width)
        self.conv_out = nn.Conv2d(width, classes, 1, bias=False)

    def forward(self, x, size):
        return F.interpolate(self.conv_out(self.conv(x)), size, mode="bilinear", align_corners=True)


class BiSeNetV1(nn.Module):
    def __init__(self, classes, stem=64, blocks=2, spatial=64, path=128, fusion=256):
        super().__init__()
        self.cp = ContextPath(stem, blocks, path)
        self.sp = nn.Module()
        self.sp.conv1 = ConvBNReLU(3, spatial, 7, 2)
        self.sp.conv2 = ConvBNReLU(spatial, spatial, 3, 2)
        self.sp.conv3 = ConvBNReLU(spatial, spatial, 3, 2)
        self.sp.conv_out = ConvBNReLU(spatial, path, 1)
        self.ffm = FeatureFusion(2 * path, fusion)
        self.conv_out = BiSeNetHead(fusion, fusion, classes)
        self.conv_out16 = BiSeNetHead(path, fusion // 4, classes)
        self.conv_out32 = BiSeNetHead(path, fusion // 4, classes)

    def forward(self, image):
        size = image.shape[2:]
        fine, deep = self.cp(image)
        spatial = self.sp.conv_out(self.sp.conv3(self.sp.conv2(self.sp.conv1(image))))
        return {
            "logits": self.conv_out(self.ffm(spatial, fine), size), "auxiliary16": self.conv_out16(fine, size),
            "auxiliary32": self.conv_out32(deep, size)}


# BiSeNetV2.


def conv_bn(channels, width, kernel=3, stride=1, groups=1):
    return [nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(width)]


class Stem(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = ConvBNReLU(3, width, stride=2)
        self.left = nn.Sequential(ConvBNReLU(width, width // 2, 1), ConvBNReLU(width // 2, width, stride=2))
        self.right = nn.MaxPool2d(3, stride=2, padding=1)
        self.fuse = ConvBNReLU(2 * width, width)

    def forward(self, x):
        x = self.conv(x)
        return self.fuse(torch.cat([self.left(x), self.right(x)], 1))


class GatherExpand(nn.Module):
    def __init__(self, channels, width, halving):
        super().__init__()
        hidden = 6 * channels
        self.halving = halving
        self.conv1 = ConvBNReLU(channels, channels)
        if halving:
            self.dwconv1 = nn.Sequential(*conv_bn(channels, hidden, stride=2, groups=channels))
            self.dwconv2 = nn.Sequential(*conv_bn(hidden, hidden, groups=hidden), nn.ReLU())
            self.shortcut = nn.Sequential(
                *conv_bn(channels, channels, stride=2, groups=channels), *conv_bn(channels, width, 1))
        else:
            self.dwconv = nn.Sequential(*conv_bn(channels, hidden, groups=channels), nn.ReLU())
        self.conv2 = nn.Sequential(*conv_bn(hidden, width, 1))

    def forward(self, x):
        y = self.conv1(x)
        if self.halving:
            return F.relu(self.conv2(self.dwconv2(self.dwconv1(y))) + self.shortcut(x))
        return F.relu(self.conv2(self.dwconv(y)) + x)


class ContextEmbedding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bn = nn.BatchNorm2d(width)
        self.conv_gap = ConvBNReLU(width, width, 1)
        self.conv_last = ConvBNReLU(width, width)

    def forward(self, x):
        return self.conv_last(self.conv_gap(self.bn(x.mean((2, 3), keepdim=True))) + x)


class Semantic(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.S1S2 = Stem(widths[0])
        for name, index, count in [("S3", 1, 2), ("S4", 2, 2), ("S5_4", 3, 4)]:
            layers = [GatherExpand(widths[index if layer else index - 1], widths[index], layer == 0) for layer in range(count)]
            self.add_module(name, nn.Sequential(*layers))
        self.S5_5 = ContextEmbedding(widths[3])

    def forward(self, x):
        maps = [self.S1S2(x)]
        for name in ["S3", "S4", "S5_4", "S5_5"]:
            maps.append(getattr(self, name)(maps[-1]))
        return maps


class Aggregation(nn.Module):
    def __init__(self, width):
        super().__init__()

        def separable():
            return nn.Sequential(*conv_bn(width, width, groups=width), nn.Conv2d(width, width, 1, bias=False))

        self.left1 = separable()
        self.left2 = nn.Sequential(*conv_bn(width, width, stride=2), nn.AvgPool2d(3, stride=2, padding=1))
        self.right1 = nn.Sequential(*conv_bn(width, width))
        self.right2 = separable()
        self.conv = nn.Sequential(*conv_bn(width, width), nn.ReLU())

    def forward(self, detail, semantic):
        gate = F.interpolate(self.right1(semantic), scale_factor=4)
        fine = self.left1(detail) * gate.sigmoid()
        coarse = self.left2(detail) * self.right2(semantic).sigmoid()
        return self.conv(fine + F.interpolate(coarse, scale_factor=4))


class Head(nn.Module):
    def __init__(self, channels, width, classes, factor, auxiliary):
        super().__init__()
        self.conv = ConvBNReLU(channels, width)
        inner = factor * factor if auxiliary else width
        self.conv_out = nn.Sequential(
            nn.Sequential(nn.Upsample(scale_factor=2), ConvBNReLU(width, inner)) if auxiliary else nn.Identity(),
            nn.Conv2d(inner, classes, 1),
            nn.Upsample(scale_factor=factor // 2 if auxiliary else factor, mode="bilinear", align_corners=False))

    def forward(self, x):
        return self.conv_out(self.conv(x))


class BiSeNetV2(nn.Module):
    HEADS = ["aux2", "aux3", "aux4", "aux5_4"]

    def __init__(self, classes, detail=(64, 64, 128), semantic=(16, 32, 64, 128), head=1024, auxiliary=128):
        super().__init__()
        self.detail = nn.Module()
        channels = 3
        for index, count in enumerate([2, 3, 3]):
            layers = []
            for layer in range(count):
                layers.append(ConvBNReLU(channels, detail[index], stride=1 if layer else 2))
                channels = detail[index]
            self.detail.add_module(f"S{index + 1}", nn.Sequential(*layers))
        self.segment = Semantic(semantic)
        self.bga = Aggregation(detail[2])
        self.head = Head(detail[2], head, classes, 8, False)
        for index, name in enumerate(self.HEADS):
            self.add_module(name, Head(semantic[index], auxiliary, classes, 4 << index, True))

    def forward(self, image):
        x = self.detail.S3(self.detail.S2(self.detail.S1(image)))
        maps = self.segment(image)
        result = {"logits": self.head(self.bga(x, maps[4]))}
        for name, x in zip(self.HEADS, maps):
            result[name] = getattr(self, name)(x)
        return result


# Fast-SCNN.


def sequence(*layers):
    module = nn.Module()
    module.conv = nn.Sequential(*layers)
    module.forward = module.conv.forward
    return module


def conv_bn_relu(channels, width, kernel=1, stride=1, padding=0, groups=1):
    return [
        nn.Conv2d(channels, width, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(width), nn.ReLU()]


def separable(channels, width, stride=1):
    return sequence(*conv_bn_relu(channels, channels, 3, stride, 1, channels), *conv_bn_relu(channels, width))


class InvertedResidual(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.residual = stride == 1 and channels == width
        hidden = 6 * channels
        self.block = nn.Sequential(
            sequence(*conv_bn_relu(channels, hidden)), sequence(*conv_bn_relu(hidden, hidden, 3, stride, 1, hidden)),
            nn.Conv2d(hidden, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


def aligned(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=True)


class PyramidPooling(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        for index in range(1, 5):
            self.add_module(f"conv{index}", sequence(*conv_bn_relu(channels, channels // 4)))
        self.out = sequence(*conv_bn_relu(2 * channels, width))

    def forward(self, x):
        parts = [x]
        for index, cells in enumerate([1, 2, 3, 6]):
            pooled = getattr(self, f"conv{index + 1}")(F.adaptive_avg_pool2d(x, cells))
            parts.append(aligned(pooled, x.shape[2:]))
        return self.out(torch.cat(parts, 1))


class Fusion(nn.Module):
    def __init__(self, fine, width):
        super().__init__()
        self.dwconv = sequence(*conv_bn_relu(width, width, 3, 1, 1, width))
        self.conv_lower_res = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width))
        self.conv_higher_res = nn.Sequential(nn.Conv2d(fine, width, 1), nn.BatchNorm2d(width))

    def forward(self, fine, coarse):
        coarse = F.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=True)
        return F.relu(self.conv_higher_res(fine) + self.conv_lower_res(self.dwconv(coarse)))


class FastSCNN(nn.Module):
    def __init__(self, classes, stem=(32, 48, 64), widths=(64, 96, 128), repeats=(3, 3, 3), width=128):
        super().__init__()
        self.learning_to_downsample = nn.Module()
        self.learning_to_downsample.conv = sequence(*conv_bn_relu(3, stem[0], 3, 2))
        self.learning_to_downsample.dsconv1 = separable(stem[0], stem[1], 2)
        self.learning_to_downsample.dsconv2 = separable(stem[1], stem[2], 2)
        self.global_feature_extractor = nn.Module()
        channels = stem[2]
        for group, (wide, count) in enumerate(zip(widths, repeats)):
            layers = []
            for index in range(count):
                layers.append(InvertedResidual(channels, wide, 2 if index == 0 and group < 2 else 1))
                channels = wide
            self.global_feature_extractor.add_module(f"bottleneck{group + 1}", nn.Sequential(*layers))
        self.global_feature_extractor.ppm = PyramidPooling(channels, width)
        self.feature_fusion = Fusion(stem[2], width)
        self.classifier = nn.Module()
        self.classifier.dsconv1 = separable(width, width)
        self.classifier.dsconv2 = separable(width, width)
        self.classifier.conv = nn.Sequential(nn.Dropout(0.1), nn.Conv2d(width, classes, 1))
        self.auxlayer = nn.Sequential(
            nn.Conv2d(stem[2], stem[2] // 2, 3, padding=1, bias=False), nn.BatchNorm2d(stem[2] // 2), nn.ReLU(),
            nn.Dropout(0.1), nn.Conv2d(stem[2] // 2, classes, 1))

    def forward(self, image):
        stem, deep, size = self.learning_to_downsample, self.global_feature_extractor, image.shape[2:]
        fine = stem.dsconv2(stem.dsconv1(stem.conv(image)))
        coarse = deep.ppm(deep.bottleneck3(deep.bottleneck2(deep.bottleneck1(fine))))
        x = self.feature_fusion(fine, coarse)
        x = self.classifier.conv(self.classifier.dsconv2(self.classifier.dsconv1(x)))
        return {"logits": aligned(x, size), "auxiliary": aligned(self.auxlayer(fine), size)}


def as_it_is(result):
    return result


def networks():
    return {
        "enet": Reference(lambda: ENet(19), [(1, 3, 512, 1024), (2, 3, 101, 115)], settle=places.untied),
        "bisenetv1": Reference(lambda: BiSeNetV1(19), [(1, 3, 512, 1024), (2, 3, 200, 333)], outputs=as_it_is),
        "bisenetv2": Reference(lambda: BiSeNetV2(19), [(1, 3, 512, 1024), (2, 3, 256, 320)], outputs=as_it_is),
        "fast-scnn": Reference(
            lambda: FastSCNN(19), [(1, 3, 512, 1024), (2, 3, 256, 320)], outputs=as_it_is, form="safetensors"),
    }


def fixtures():
    return {
        "enet": Reference(lambda: ENet(4, (8, 16, 32), shared=False), [(1, 3, 32, 48), (2, 3, 37, 27)]),
        "enet-published": Reference(
            lambda: ENet(4, (8, 16, 32), shared=False, channels=True, kernel=3), [(1, 3, 32, 48), (2, 3, 40, 24)]),
        "bisenetv1": Reference(
            lambda: BiSeNetV1(3, 4, 1, 4, 8, 12), [(1, 3, 32, 64), (2, 3, 45, 37)], outputs=as_it_is),
        "bisenetv2": Reference(
            lambda: BiSeNetV2(3, (4, 4, 8), (4, 4, 6, 8), 12, 6), [(1, 3, 32, 64), (2, 3, 64, 32)], outputs=as_it_is),
        "fast-scnn": Reference(
            lambda: FastSCNN(3, (4, 6, 8), (8, 8, 12), (1, 2, 2), 8), [(1, 3, 64, 32), (2, 3, 32, 64)],
            outputs=as_it_is),
    }
