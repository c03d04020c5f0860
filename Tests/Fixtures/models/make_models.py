"""Makes the fixtures of the network and prediction tests, and the weights under `Examples/pupil`.

Needs torch, numpy, safetensors and Pillow 12 or older (from 13 on it resizes some images vertically first, which rounds
otherwise), and the unpacked source distribution of mouse-pupil-analysis 0.3.0:

    pip download --no-deps --no-binary :all: mouse-pupil-analysis==0.3.0
    tar xf mouse_pupil_analysis-0.3.0.tar.gz
    python make_models.py mouse_pupil_analysis-0.3.0

Everything here is computed by PyTorch, Pillow and NumPy; nothing comes from the package under test.

- `../../../Examples/pupil/pupil-unet.safetensors`: the package's own weights, names and values unchanged.
- `pupil.safetensors`, `pupil.json`: what its network sees and says of the three example frames, and how well it scores.
- `unets.safetensors`, `unets.json`: small U-Nets with random weights, their inputs and outputs (NCHW).
- `images.safetensors`, `images.json`: images resized by Pillow in every way that `Preprocessing` knows.
- `attack.pth`: a checkpoint whose pickle would make a file named `attacked` where it is loaded.
- `labels.safetensors`, `labels.json`: logits brought back to an image's size by PyTorch, and the labels there.
"""

import glob
import importlib.util
import json
import os
import pathlib
import sys

import numpy as np
import PIL
import torch
from PIL import Image
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

here = pathlib.Path(__file__).parent
example = here.parent.parent.parent / "Examples" / "pupil"
torch.set_num_threads(1)
assert int(PIL.__version__.split(".")[0]) <= 12, f"Pillow {PIL.__version__} resizes in another order"


def write(path, tensors):
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, path)
    path.chmod(0o644)


def save(name, tensors, description):
    write(here / f"{name}.safetensors", tensors)
    (here / f"{name}.json").write_text(json.dumps(description) + "\n")


def letterboxed(image, height, width, resample=Image.BILINEAR):
    """The image at the largest size of its own aspect that fits, and where it lies: top, left, height, width."""
    if image.height * width <= image.width * height:
        w, h = width, max(1, round(image.height * width / image.width))
    else:
        w, h = max(1, round(image.width * height / image.height)), height
    return image.resize((w, h), resample), ((height - h) // 2, (width - w) // 2, h, w)


def padded(array, place, height, width):
    result = np.zeros((height, width) + array.shape[2:], array.dtype)
    top, left, h, w = place
    result[top : top + h, left : left + w] = array
    return result


# The pupil network.


def pupil(package):
    spec = importlib.util.spec_from_file_location("unet", package / "mouse_pupil_analysis" / "unet.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checkpoint = glob.glob(str(package / "mouse_pupil_analysis" / "checkpoints" / "*.pth"))[0]
    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)
    write(example / "pupil-unet.safetensors", {key: value.numpy() for key, value in weights.items()})
    net = module.UNet(1, 1, True)
    net.load_state_dict(weights)
    net.eval()

    tensors, frames = {}, {}
    for path in sorted((example / "images").glob("*.png")):
        image = Image.open(path).convert("L")
        mask = Image.fromarray((np.array(Image.open(example / "masks" / path.name)) > 0).astype(np.uint8))
        small, place = letterboxed(image, 148, 148)
        seen = padded(np.array(small), place, 148, 148)
        truth = padded(np.array(letterboxed(mask, 148, 148, Image.NEAREST)[0]), place, 148, 148) > 0
        with torch.no_grad():
            logits = net(torch.from_numpy(seen).float()[None, None] / 255)
        top, left, h, w = place
        whole = F.interpolate(
            logits[:, :, top : top + h, left : left + w], size=(image.height, image.width), mode="bilinear",
            align_corners=False)
        tensors[f"{path.stem}/input"] = seen
        tensors[f"{path.stem}/probability"] = torch.sigmoid(logits)[0, 0].numpy()
        # A piece of the input for itself, small enough for slow arithmetic.
        with torch.no_grad():
            piece = net(torch.from_numpy(seen[54:90, 50:94]).float()[None, None] / 255)
        tensors[f"{path.stem}/pieceLogits"] = piece[0, 0].numpy()
        frame = {"width": image.width, "height": image.height, "place": list(place)}
        for name, z, t in (("network", logits, truth), ("image", whole, np.array(mask) > 0)):
            p = torch.sigmoid(z)[0, 0].numpy()
            # No pixel is so near the threshold that another order of summation could move it across.
            assert np.abs(p - 0.7).min() > 1e-5, np.abs(p - 0.7).min()
            p = p > 0.7
            frame[name] = {
                "intersection": int((p & t).sum()), "prediction": int(p.sum()), "truth": int(t.sum()),
                "iou": float((p & t).sum() / (p | t).sum())}
        frames[path.stem] = frame
    save("pupil", tensors, frames)
    for name, frame in frames.items():
        print(name, frame["network"]["iou"], frame["image"]["iou"])


# U-Nets.


class DoubleConv(nn.Module):
    def __init__(self, channels, width, last, config):
        super().__init__()
        layers = []
        for a, b in ((channels, width), (width, last)):
            layers.append(nn.Conv2d(a, b, 3, padding=1, bias=config["convolutionBias"]))
            if config["normalization"] == "batch":
                layers.append(nn.BatchNorm2d(b))
            layers.append(nn.ReLU())
        self.double_conv = nn.Sequential(*layers)

    def forward(self, x):
        return self.double_conv(x)


class Gate(nn.Module):
    """Additive attention of Oktay et al. 2018 on maps of one size."""

    def __init__(self, gate, channels, width):
        super().__init__()
        self.W_g = nn.Sequential(nn.Conv2d(gate, width, 1), nn.BatchNorm2d(width))
        self.W_x = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width))
        self.psi = nn.Sequential(nn.Conv2d(width, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, g, x):
        return x * self.psi(torch.relu(self.W_g(g) + self.W_x(x)))


class Spatial(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        pooled = torch.stack([x.mean(1), x.amax(1)], dim=1)
        return x * torch.sigmoid(self.conv(pooled))


def holder(**modules):
    """A module that only gives names."""
    module = nn.Module()
    for name, child in modules.items():
        setattr(module, name, child)
    return module


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        widths, common = config["widths"], config["keys"] == "common"
        self.depth = len(widths) - 1
        self.inc = DoubleConv(config["inputChannels"], widths[0], widths[0], config)
        for i in range(1, self.depth + 1):
            body = nn.Sequential(nn.MaxPool2d(2), DoubleConv(widths[i - 1], widths[i], widths[i], config))
            setattr(self, f"down{i}", holder(maxpool_conv=body) if common else body)
        if config["attendsBottleneck"]:
            self.att = Spatial()
        x = widths[-1]
        for i in range(1, self.depth + 1):
            skip = widths[self.depth - i]
            up = None
            if config["upsampling"] == "transposed":
                up = nn.ConvTranspose2d(x, skip, 2, 2)
                x = skip
            joined = skip if config["skip"] == "addition" else skip + x
            if config["skip"] == "attention":
                setattr(self, f"att{i}", Gate(x, skip, max(1, skip // 2)))
            last = widths[max(self.depth - i - 1, 0)] if config["narrowsDecoder"] else skip
            conv = DoubleConv(joined, skip, last, config)
            if common:
                setattr(self, f"up{i}", holder(conv=conv, **({"up": up} if up else {})))
            else:
                setattr(self, f"conv{i}", conv)
                if up:
                    setattr(self, f"up{i}", up)
            x = last
        outc = nn.Conv2d(x, config["classes"], 1)
        self.outc = holder(conv=outc) if common else outc

    def forward(self, x):
        config, common = self.config, self.config["keys"] == "common"
        x = self.inc(x)
        features = [x]
        for i in range(1, self.depth + 1):
            down = getattr(self, f"down{i}")
            x = (down.maxpool_conv if common else down)(x)
            features.append(x)
        if config["attendsBottleneck"]:
            x = self.att(x)
        for i in range(1, self.depth + 1):
            skip = features[self.depth - i]
            if config["upsampling"] == "transposed":
                x = (getattr(self, f"up{i}").up if common else getattr(self, f"up{i}"))(x)
            else:
                x = F.interpolate(
                    x, scale_factor=2, mode="bilinear", align_corners=config["upsampling"] == "bilinearAligned")
            dy, dx = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
            x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            if config["skip"] == "addition":
                x = x + skip
            elif config["skip"] == "attention":
                x = torch.cat([getattr(self, f"att{i}")(x, skip), x], 1)
            else:
                x = torch.cat([skip, x] if common else [x, skip], 1)
            x = (getattr(self, f"up{i}").conv if common else getattr(self, f"conv{i}"))(x)
        return (self.outc.conv if common else self.outc)(x)


def randomized(net):
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.2)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.3, 2.5)
            module.num_batches_tracked.fill_(1000)
    return net.eval()


def unets():
    torch.manual_seed(11)
    base = {
        "inputChannels": 3, "classes": 2, "widths": [3, 4, 5], "normalization": "batch", "convolutionBias": False,
        "upsampling": "transposed", "skip": "concatenation", "attendsBottleneck": False, "keys": "common",
        "narrowsDecoder": False}
    configs = []
    for upsampling in ("transposed", "bilinearAligned", "bilinear"):
        for skip in ("concatenation", "addition", "attention"):
            for keys in ("common", "plain"):
                # Without a transposed convolution the widths meet only where the decoder narrows or all are one.
                narrows = upsampling != "transposed" and skip == "addition"
                widths = [3, 4, 4] if narrows else [3, 4, 5]
                configs.append(base | {
                    "upsampling": upsampling, "skip": skip, "keys": keys, "narrowsDecoder": narrows, "widths": widths})
    configs += [
        # The common port's bilinear form: its two deepest levels have one width.
        base | {"upsampling": "bilinearAligned", "narrowsDecoder": True, "widths": [2, 3, 4, 4], "classes": 1},
        base | {"normalization": "none", "convolutionBias": True, "widths": [5, 7]},
        base | {"keys": "plain", "convolutionBias": True, "attendsBottleneck": True, "inputChannels": 1, "classes": 1},
        base | {
            "attendsBottleneck": True, "skip": "attention", "widths": [2, 3, 4, 5], "inputChannels": 2, "classes": 5},
    ]
    tensors = {}
    for number, config in enumerate(configs):
        config["name"] = f"{number:02}"
        net = randomized(UNet(config))
        for key, value in net.state_dict().items():
            tensors[f"{config['name']}/parameter/{key}"] = value.numpy()
        # A size that halves evenly, one that loses a row or column at every level, and the smallest there is.
        stride = 2 ** (len(config["widths"]) - 1)
        config["sizes"] = [[2 * stride, 3 * stride], [3 * stride - 1, 5 * stride - 1], [stride, stride]]
        for index, (height, width) in enumerate(config["sizes"]):
            x = torch.randn(2 if index == 0 else 1, config["inputChannels"], height, width)
            with torch.no_grad():
                y = net(x)
            tensors[f"{config['name']}/input/{index}"] = x.numpy()
            tensors[f"{config['name']}/output/{index}"] = y.numpy()
    save("unets", tensors, configs)


# Images.


def grey(rgb):
    return np.array(Image.fromarray(rgb).convert("L"))


def resized(array, height, width):
    """One or three channels; 8 bits as Pillow resizes them, others as float32, each channel by itself."""
    if array.dtype == np.uint8:
        return np.array(Image.fromarray(array).resize((width, height), Image.BILINEAR))
    planes = array if array.ndim == 3 else array[:, :, None]
    planes = [Image.fromarray(planes[:, :, c].astype(np.float32)) for c in range(planes.shape[2])]
    result = np.stack([np.array(p.resize((width, height), Image.BILINEAR)) for p in planes], 2)
    return result if array.ndim == 3 else result[:, :, 0]


def images():
    rng = np.random.default_rng(5)
    tensors, cases = {}, []
    sizes = {"small": (6, 5), "tall": (37, 11), "wide": (4, 61), "large": (64, 80), "pixel": (1, 1), "line": (1, 40)}
    layouts = {"grey": 1, "greyAlpha": 2, "rgb": 3, "rgba": 4}
    fits = [
        ("letterbox", 20, 28), ("letterbox", 17, 9), ("stretch", 7, 31), ("stretch", 12, 12), ("keep", 8, 8),
        ("keep", 1, 1)]
    for bits in (8, 16):
        for size, (height, width) in sizes.items():
            for layout, count in layouts.items():
                large = size == "large"
                # Alpha only has to be left out: the small images show that.
                has_alpha = layout in ("greyAlpha", "rgba")
                if (size in ("large", "wide") and bits == 16) or (has_alpha and size not in ("small", "tall")):
                    continue
                name = f"{size}-{layout}-{bits}"
                # Noise with hard edges: every weight of the filter matters, and sums reach both ends of the range.
                source = rng.integers(0, 2**bits, (height, width, count))
                source[rng.random((height, width)) < 0.2] = 0
                source[rng.random((height, width)) < 0.2] = 2**bits - 1
                tensors[f"{name}/image"] = source.astype(np.uint8 if bits == 8 else np.int32)
                source = source.astype(np.uint8) if bits == 8 else source.astype(np.float64)
                color = source[:, :, :3] if count >= 3 else np.repeat(source[:, :, :1], 3, 2)
                if count < 3:
                    luma = source[:, :, 0]
                elif bits == 8:
                    luma = grey(np.ascontiguousarray(color))
                else:
                    luma = ((color @ np.array([19595.0, 38470, 7471])) / 65536).astype(np.float32)
                for fit, h, w in fits if not large else fits[:4]:
                    # A rotation through the channel orders keeps the files small.
                    channels = ("grey", "rgb", "bgr")[len(cases) % 3]
                    plain = np.ascontiguousarray({"grey": luma, "rgb": color, "bgr": color[:, :, ::-1]}[channels])
                    if fit == "keep":
                        size_ = (-(-height // h) * h, -(-width // w) * w)
                        place, values = (0, 0, height, width), plain
                    elif fit == "stretch":
                        size_, place, values = (h, w), (0, 0, h, w), resized(plain, h, w)
                    else:
                        place = letterboxed(Image.new("L", (width, height)), h, w)[1]
                        size_, values = (h, w), resized(plain, place[2], place[3])
                    key = f"{len(cases):03}"
                    if bits == 16:
                        values = values.astype(np.float32)
                    tensors[f"{key}/expected"] = padded(values, place, *size_)
                    cases.append({
                        "key": key, "image": name, "layout": layout, "bits": bits, "channels": channels, "fit": fit,
                        "height": h, "width": w, "networkHeight": size_[0], "networkWidth": size_[1],
                        "place": list(place)})
    save("images", tensors, cases)


# Labels.


def labels():
    torch.manual_seed(17)
    tensors, cases = {}, []
    shapes = [("letterbox", (24, 24), (31, 57)), ("letterbox", (24, 24), (57, 13)), ("letterbox", (16, 28), (5, 7)),
              ("stretch", (13, 19), (40, 11)), ("stretch", (20, 20), (20, 20)), ("keep", (4, 4), (14, 17))]
    for fit, (h, w), (height, width) in shapes:
        for classes in (1, 4):
            image = Image.new("L", (width, height))
            if fit == "keep":
                size, place = (-(-height // h) * h, -(-width // w) * w), (0, 0, height, width)
            elif fit == "stretch":
                size, place = (h, w), (0, 0, h, w)
            else:
                size, place = (h, w), letterboxed(image, h, w)[1]
            logits = torch.randn(1, classes, *size) * 3
            top, left, ch, cw = place
            whole = F.interpolate(
                logits[:, :, top : top + ch, left : left + cw], size=(height, width), mode="bilinear",
                align_corners=False)
            key = f"{len(cases):02}"
            tensors[f"{key}/logits"] = logits.permute(0, 2, 3, 1).numpy()
            for name, z in (("image", whole), ("network", logits)):
                if classes == 1:
                    p = torch.sigmoid(z)[0, 0]
                    # 0.6 is none of the values: rounding cannot move a pixel across.
                    assert (p - 0.6).abs().min() > 1e-6
                    result = p > 0.6
                else:
                    best = z[0].topk(2, 0).values
                    assert (best[0] - best[1]).min() > 1e-5, (best[0] - best[1]).min()
                    result = z[0].argmax(0)
                tensors[f"{key}/{name}"] = result.numpy().astype(np.uint8)
            # A mask as the network would see it.
            mask = np.random.default_rng(len(cases)).integers(0, 5, (height, width)).astype(np.uint8)
            tensors[f"{key}/mask"] = mask
            small = np.array(Image.fromarray(mask).resize((cw, ch), Image.NEAREST))
            tensors[f"{key}/networkMask"] = padded(small, place, *size)
            cases.append({
                "key": key, "fit": fit, "height": h, "width": w, "imageHeight": height, "imageWidth": width,
                "classes": classes, "place": list(place)})
    save("labels", tensors, cases)


class Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


torch.save({"outc.weight": torch.ones(1), "x": Attack()}, here / "attack.pth")
pupil(pathlib.Path(sys.argv[1]))
unets()
images()
labels()
