"""Makes the fixtures of the losses' tests with PyTorch, torchvision, segmentation-models-pytorch and MONAI (versions in
../metrics/requirements.txt), in float64 with their gradients by automatic differentiation.

Nothing here comes from the package under test. Where no library has a loss (softmax focal loss, the boundary loss, hard example mining, per-image
regions with absent classes) it is written here in PyTorch by its definition.

`losses.safetensors`: for each case `logits` and `gradient` [batch, height, width, classes], `targets` [batch, height, width], `elements` where
nothing is reduced, `weights` where there are class weights. Its metadata names the loss, its choices and its `value`.
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from scipy import ndimage
from torch.nn import functional as F

# torchvision's wheel on PyPI registers operators of the CUDA build, which fails beside torch for the CPU; none is needed here.
register_fake = torch.library.register_fake
torch.library.register_fake = lambda *_, **__: lambda function: function
import torchvision  # noqa: E402, F401

torch.library.register_fake = register_fake

import monai.losses as ml  # noqa: E402
import segmentation_models_pytorch.losses as sl  # noqa: E402
from torchvision.ops import sigmoid_focal_loss  # noqa: E402

here = pathlib.Path(__file__).parent
torch.set_num_threads(1)
generator = np.random.default_rng(11)
tensors, metadata = {}, {}


def data(batch=2, height=6, width=7, classes=4, ignored=0.1, scale=3.0, labels=None):
    """Logits NCHW float64 that float32 holds, targets NHW with 255 where ignored."""
    logits = (generator.standard_normal((batch, classes, height, width)) * scale).astype(np.float32)
    targets = generator.integers(0, labels or max(classes, 2), (batch, height, width))
    targets[generator.random(targets.shape) < ignored] = 255
    return torch.from_numpy(logits).double().requires_grad_(), torch.from_numpy(targets)


def case(name, loss, inputs, compute, weights=None, **choices):
    logits, targets = inputs
    result = compute(logits, targets)
    value = result.sum()
    gradient, = torch.autograd.grad(value, logits, allow_unused=True)
    gradient = torch.zeros_like(logits) if gradient is None else gradient
    assert torch.isfinite(value) and torch.isfinite(gradient).all(), name
    tensors[f"{name}.logits"] = logits.detach().permute(0, 2, 3, 1).float().numpy()
    tensors[f"{name}.gradient"] = gradient.permute(0, 2, 3, 1).float().numpy()
    tensors[f"{name}.targets"] = targets.numpy().astype(np.int32)
    if weights is not None:
        tensors[f"{name}.weights"] = np.array(weights, np.float32)
    if choices.get("reduction") == "none":
        tensors[f"{name}.elements"] = result.detach().float().numpy()
    metadata[name] = json.dumps({"loss": loss, "value": value.item(), **choices})


def weights_of(values):
    return torch.tensor(np.array(values, np.float32).astype(np.float64))


WEIGHTS = [0.5, 2.0, 1.25, 0.75]

# Cross-entropy.

for reduction in ("mean", "sum", "none"):
    for smoothing in (0.0, 0.1):
        for weights in (None, WEIGHTS):
            case(
                f"cross_entropy_{reduction}_{int(smoothing * 10)}_{'weighted' if weights else 'plain'}", "crossEntropy", data(),
                lambda z, t: F.cross_entropy(
                    z, t, None if weights is None else weights_of(weights), ignore_index=255, reduction=reduction,
                    label_smoothing=smoothing),
                weights, reduction=reduction, smoothing=smoothing)
case(
    "cross_entropy_large_logits", "crossEntropy", data(scale=60),
    lambda z, t: F.cross_entropy(z, t, ignore_index=255), reduction="mean")
case(
    "cross_entropy_many_classes", "crossEntropy", data(1, 40, 33, 19),
    lambda z, t: F.cross_entropy(z, t, ignore_index=255), reduction="mean")
case(
    "cross_entropy_one_label", "crossEntropy", data(labels=1),
    lambda z, t: F.cross_entropy(z, t, ignore_index=255), reduction="mean")


# Sigmoids.


def positives(z, t):
    """One-hot targets [batch, channels, height, width] and which pixels count."""
    valid = (t != 255)[:, None].expand_as(z)
    if z.shape[1] == 1:
        return (t == 1)[:, None].double(), valid
    return torch.stack([t == c for c in range(z.shape[1])], 1).double(), valid


def binary_cross_entropy(z, t, reduction, smoothing=0.0, positive=1.0, weights=None):
    y, valid = positives(z, t)
    y = y * (1 - smoothing) + smoothing / 2
    weight = None
    if weights is not None:
        w = weights_of(weights)
        weight = w[(t == 1).long()][:, None] if z.shape[1] == 1 else w[None, :, None, None].expand_as(z)
    loss = F.binary_cross_entropy_with_logits(
        z, y, weight, reduction="none", pos_weight=torch.tensor(positive, dtype=torch.float64))
    if reduction == "mean":
        return loss[valid].mean()
    return (loss * valid).sum() if reduction == "sum" else (loss * valid).sum(1)


for channels in (1, 3):
    for reduction in ("mean", "sum", "none"):
        case(
            f"binary_{channels}_{reduction}", "binaryCrossEntropy", data(classes=channels),
            lambda z, t: binary_cross_entropy(z, t, reduction), reduction=reduction)
    weights = [0.5, 1.5] if channels == 1 else [0.5, 1.5, 2.0]
    case(
        f"binary_{channels}_weighted", "binaryCrossEntropy", data(classes=channels),
        lambda z, t: binary_cross_entropy(z, t, "mean", 0.2, 3.0, weights), weights, reduction="mean", smoothing=0.2,
        positive=3.0)
case(
    "binary_large_logits", "binaryCrossEntropy", data(classes=1, scale=200),
    lambda z, t: binary_cross_entropy(z, t, "mean"), reduction="mean")


def binary_focal(z, t, gamma, alpha, reduction):
    y, valid = positives(z, t)
    loss = sigmoid_focal_loss(z, y, alpha=-1 if alpha is None else alpha, gamma=gamma, reduction="none")
    if reduction == "mean":
        return loss[valid].mean()
    return (loss * valid).sum() if reduction == "sum" else (loss * valid).sum(1)


for channels in (1, 3):
    for reduction in ("mean", "none"):
        for gamma, alpha in ((2.0, 0.25), (1.5, None), (0.0, 0.6), (0.5, 0.25)):
            name = f"binary_focal_{channels}_{reduction}_{gamma}_{alpha}".replace(".", "")
            choices = {} if alpha is None else {"alpha": alpha}
            case(
                name, "binaryFocal", data(classes=channels), lambda z, t: binary_focal(z, t, gamma, alpha, reduction),
                reduction=reduction, gamma=gamma, **choices)
# The same loss where segmentation-models-pytorch takes each class against the rest.
case(
    "binary_focal_smp", "binaryFocal", data(),
    lambda z, t: sl.FocalLoss("multiclass", alpha=0.25, gamma=2.0, ignore_index=255)(z, t), reduction="mean", gamma=2.0,
    alpha=0.25)


def focal(z, t, gamma, alpha, reduction):
    log_p = F.log_softmax(z, 1)
    valid = t != 255
    y = torch.where(valid, t, 0)
    log_p = log_p.gather(1, y[:, None])[:, 0]
    loss = -((1 - log_p.exp()) ** gamma) * log_p
    if alpha is not None:
        loss = loss * weights_of(alpha)[y]
    return loss[valid].mean() if reduction == "mean" else loss[valid].sum() if reduction == "sum" else loss * valid


for reduction in ("mean", "sum", "none"):
    for gamma, alpha in ((2.0, None), (2.0, WEIGHTS), (0.0, None), (1.5, WEIGHTS)):
        name = f"focal_{reduction}_{gamma}_{'weighted' if alpha else 'plain'}".replace(".", "")
        case(
            name, "focal", data(scale=2), lambda z, t: focal(z, t, gamma, alpha, reduction), alpha, reduction=reduction,
            gamma=gamma)
# MONAI's with a softmax, which sums over the classes of one-hot targets, divides by their number too.
case(
    "focal_monai", "focal", data(ignored=0, scale=2),
    lambda z, t: ml.FocalLoss(to_onehot_y=True, use_softmax=True, gamma=2.0)(z, t[:, None]) * z.shape[1], reduction="mean",
    gamma=2.0)

# Overlap.


def smp(kind, **options):
    return lambda z, t: kind("multiclass", from_logits=True, **options)(z, t)


# segmentation-models-pytorch: over the batch, absent classes 0; its denominators are at least 1e-7, which changes nothing here. Its Dice is
# (TP + s) / (TP + FP / 2 + FN / 2 + s), and so has twice the smoothing.
for smoothing in (0.0, 1.0):
    case(
        f"dice_smp_{int(smoothing)}", "dice", data(), smp(sl.DiceLoss, smooth=smoothing, ignore_index=255), smoothing=2 * smoothing,
        absent="zero", reduction="mean")
    case(
        f"dice_smp_absent_{int(smoothing)}", "dice", data(labels=2), smp(sl.DiceLoss, smooth=smoothing, ignore_index=255),
        smoothing=2 * smoothing, absent="zero", reduction="mean")
    case(
        f"jaccard_smp_{int(smoothing)}", "jaccard", data(ignored=0), smp(sl.JaccardLoss, smooth=smoothing), smoothing=smoothing,
        absent="zero", reduction="mean")
    case(
        f"tversky_smp_{int(smoothing)}", "tversky", data(ignored=0, labels=3),
        smp(sl.TverskyLoss, smooth=smoothing, alpha=0.3, beta=0.7), smoothing=smoothing, absent="zero", reduction="mean", alpha=0.3,
        beta=0.7)
case(
    "dice_smp_weights", "dice", data(),
    lambda z, t: sl.DiceLoss("multiclass", from_logits=True, ignore_index=255, class_weights=WEIGHTS)(z, t), WEIGHTS, smoothing=0.0,
    absent="zero", reduction="mean")
case(
    "dice_smp_binary", "dice", data(classes=1),
    lambda z, t: sl.DiceLoss("binary", from_logits=True, smooth=1.0, ignore_index=255)(z, t), smoothing=2.0, absent="zero",
    reduction="mean")

# MONAI: per image or over the batch, absent classes by the formula.
for batch in (False, True):
    for squared in (False, True):
        for background in (False, True):
            case(
                f"dice_monai_{int(batch)}{int(squared)}{int(background)}", "dice", data(ignored=0, labels=3),
                lambda z, t: ml.DiceLoss(
                    include_background=background, to_onehot_y=True, softmax=True, squared_pred=squared, batch=batch,
                    smooth_nr=1e-5, smooth_dr=1e-5)(z, t[:, None]),
                smoothing=1e-5, absent="counted", region="batch" if batch else "image", squared=squared, background=background,
                reduction="mean")
# MONAI's Jaccard has 2 in numerator and denominator, and so twice the smoothing.
case(
    "jaccard_monai", "jaccard", data(ignored=0, labels=3),
    lambda z, t: ml.DiceLoss(to_onehot_y=True, softmax=True, jaccard=True, smooth_nr=2e-5, smooth_dr=2e-5)(z, t[:, None]),
    smoothing=1e-5, absent="counted", region="image", squared=False, reduction="mean")
case(
    "dice_monai_sigmoid", "dice", data(classes=1, ignored=0),
    lambda z, t: ml.DiceLoss(sigmoid=True, smooth_nr=1e-5, smooth_dr=1e-5)(z, t[:, None]), smoothing=1e-5, absent="counted",
    region="image", reduction="mean")
case(
    "tversky_monai", "tversky", data(ignored=0, labels=3),
    lambda z, t: ml.TverskyLoss(to_onehot_y=True, softmax=True, alpha=0.6, beta=0.3, smooth_nr=1e-3, smooth_dr=1e-3)(z, t[:, None]),
    smoothing=1e-3, absent="counted", region="image", reduction="mean", alpha=0.6, beta=0.3)


def overlap(z, t, ratio, region, absent, flattened, reduction):
    y, valid = positives(z, t)
    p = torch.softmax(z, 1) * valid
    y = y * valid
    dims = (0, 2, 3) if region == "batch" else (2, 3)
    i, p, y = ((x.sum(dims) if region == "image" else x.sum(dims)[None]) for x in (p * y, p, y))
    if flattened:
        i, p, y = (x.sum(1, keepdim=True) for x in (i, p, y))
    loss = ratio(i, p, y)
    counts = y > 0
    if absent == "leftOut":
        loss = torch.where(counts, loss, 0)
        return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.sum() / counts.sum()
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


def dice_ratio(s):
    return lambda i, p, y: 1 - (2 * i + s) / (p + y + s)


def jaccard_ratio(s):
    return lambda i, p, y: 1 - (i + s) / (p + y - i + s)


def tversky_ratio(alpha, beta, gamma, s):
    return lambda i, p, y: (1 - (i + s) / (i + alpha * (p - i) + beta * (y - i) + s)) ** gamma


for reduction in ("mean", "sum", "none"):
    for region in ("image", "batch"):
        for flattened in (False, True):
            choices = {"smoothing": 0.5, "absent": "leftOut", "region": region, "flattened": flattened, "reduction": reduction}
            suffix = f"{reduction}_{region}_{int(flattened)}"
            case(
                f"dice_{suffix}", "dice", data(labels=3),
                lambda z, t: overlap(z, t, dice_ratio(0.5), region, "leftOut", flattened, reduction), **choices)
            case(
                f"jaccard_{suffix}", "jaccard", data(labels=3),
                lambda z, t: overlap(z, t, jaccard_ratio(0.5), region, "leftOut", flattened, reduction), **choices)
            case(
                f"focal_tversky_{suffix}", "tversky", data(labels=3),
                lambda z, t: overlap(z, t, tversky_ratio(0.3, 0.7, 0.75, 0.5), region, "leftOut", flattened, reduction), alpha=0.3,
                beta=0.7, gamma=0.75, **choices)

# Lovász.

# segmentation-models-pytorch has it in float32 only.
for region in ("image", "batch"):
    case(
        f"lovasz_smp_{region}", "lovasz", data(labels=3, ignored=0),
        lambda z, t: sl.LovaszLoss("multiclass", per_image=region == "image")(z.float(), t).double(), region=region, classes="present",
        reduction="mean")


def lovasz(z, t, region, classes, reduction):
    """Berman et al. 2018, algorithm 1, on the pixels that count."""
    y, _ = positives(z, t)
    p = torch.sigmoid(z) if z.shape[1] == 1 else torch.softmax(z, 1)
    losses = []
    for images in [[b] for b in range(len(z))] if region == "image" else [list(range(len(z)))]:
        valid = t[images] != 255
        single = []
        for c in range(z.shape[1]):
            truth, probability = y[images, c][valid], p[images, c][valid]
            if classes == "present" and truth.sum() == 0:
                continue
            errors, order = torch.sort((truth - probability).abs(), descending=True)
            sorted_truth = truth[order]
            intersection = truth.sum() - sorted_truth.cumsum(0)
            union = truth.sum() + (1 - sorted_truth).cumsum(0)
            jaccard = 1 - intersection / union
            single.append(torch.dot(errors, torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])))
        losses.append(torch.stack(single).mean())
    losses = torch.stack(losses)
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


for channels in (1, 4):
    for region in ("image", "batch"):
        for classes in ("present", "all"):
            for reduction in ("mean", "none"):
                case(
                    f"lovasz_{channels}_{region}_{classes}_{reduction}", "lovasz", data(classes=channels, labels=2 if channels == 1 else 3),
                    lambda z, t: lovasz(z, t, region, classes, reduction), region=region, classes=classes, reduction=reduction)

# Kervadec's boundary loss.


def distance_maps(z, t):
    """one_hot2dist of the published code, by its definition."""
    maps = np.zeros(z.shape)
    y = positives(z, t)[0].numpy() > 0
    for b in range(z.shape[0]):
        for c in range(z.shape[1]):
            inside = y[b, c]
            if inside.any() and not inside.all():
                maps[b, c] = ndimage.distance_transform_edt(~inside) * ~inside - (ndimage.distance_transform_edt(inside) - 1) * inside
    return torch.from_numpy(maps)


def boundary(z, t, channels, reduction):
    valid = (t != 255)[:, None]
    p = torch.sigmoid(z) if z.shape[1] == 1 else torch.softmax(z, 1)
    loss = p * distance_maps(z, t) * valid
    if reduction == "none":
        kept = torch.zeros_like(loss)
        kept[:, channels] = loss[:, channels]
        return kept.permute(0, 2, 3, 1)
    loss = loss[:, channels]
    return loss.sum() if reduction == "sum" else loss.sum() / (valid.sum() * len(channels))


def patches(classes, ignored):
    z, t = data(classes=classes, height=12, width=14, ignored=0)
    t[:] = 0
    t[0, 2:7, 3:9], t[1, 5:12, 0:6] = 1, 1
    if classes > 2:
        t[0, 6:11, 7:13] = 2
    t[torch.from_numpy(generator.random(t.shape) < ignored)] = 255
    return z, t


for reduction in ("mean", "sum", "none"):
    case(
        f"boundary_binary_{reduction}", "boundary", patches(1, 0.05), lambda z, t: boundary(z, t, [0], reduction),
        reduction=reduction)
    case(
        f"boundary_{reduction}", "boundary", patches(4, 0.05), lambda z, t: boundary(z, t, [1, 2, 3], reduction),
        reduction=reduction)

# Hard examples.


def hardest(z, t, threshold, minimum, reduction):
    """BiSeNet's."""
    loss = F.cross_entropy(z, t, ignore_index=255, reduction="none")
    valid = t != 255
    limit = -np.log(threshold)
    kept = valid & (loss > limit)
    if kept.sum() < minimum:
        order = torch.where(valid, loss, -1.0).flatten().topk(minimum).indices
        kept = torch.zeros(t.numel(), dtype=torch.bool)
        kept[order] = True
        kept = kept.reshape(t.shape)
    if reduction == "none":
        return loss * kept
    return loss[kept].mean() if reduction == "mean" else loss[kept].sum()


for reduction in ("mean", "sum", "none"):
    for threshold, minimum in ((0.7, 5), (0.001, 20)):
        case(
            f"hardest_{reduction}_{minimum}", "hardest", data(), lambda z, t: hardest(z, t, threshold, minimum, reduction),
            threshold=threshold, minimum=minimum, reduction=reduction)

# A sum: Dice and boundary, half way through the rebalancing.
case(
    "rebalanced", "rebalanced", patches(3, 0),
    lambda z, t: 0.5 * sl.DiceLoss("multiclass", from_logits=True, smooth=1.0)(z, t) + 0.5 * boundary(z, t, [1, 2], "mean"),
    smoothing=2.0, absent="zero", reduction="mean")

save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, here / "losses.safetensors", metadata)
(here / "losses.safetensors").chmod(0o644)
print(len(metadata), "cases")
