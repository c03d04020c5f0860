"""Numbers that the tests make bit for bit too (`SeededNumbers.swift`), and realistic statistics of batch normalisation."""
import numpy as np
import torch
from torch import nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)


def even(name, shape, low, high):
    """Numbers in [low, high): SplitMix64 counted from the FNV-1a hash of the name, the upper 24 bits as a fraction."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    fraction = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
    low, high = np.float32(low), np.float32(high)
    return torch.from_numpy((low + (high - low) * fraction).reshape(shape))


def image(index, shape):
    return even(f"input/{index}", shape, -2, 2)


def fill(state):
    """Gives every weight of a state dict its numbers by its name; statistics are left as they are."""
    for name, value in state.items():
        if not value.is_floating_point() or name.endswith(("running_mean", "running_var")):
            continue
        if value.dim() >= 2:
            bound = np.sqrt(6 / max(1, int(np.prod(value.shape[1:]))))
            value.copy_(even(name, tuple(value.shape), -bound, bound))
        elif name.endswith("weight"):
            value.copy_(even(name, tuple(value.shape), 0.5, 1.5))
        else:
            value.copy_(even(name, tuple(value.shape), -0.1, 0.1))


def train(network):
    """Gives the scales and offsets of batch normalisation values such as training leaves instead of ones and zeros. Those at the end
    of residual branches, which training begins at 0 or brings near it, are small: with ones a deep residual network of random weights
    multiplies the rounding of its first layers a thousandfold, in PyTorch too."""
    for module in network.modules():
        if isinstance(module, NORMS) and module.affine:
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)
    for module in network.modules():
        if type(module).__name__ in ("BasicBlock", "Bottleneck", "CaffeBottleneck"):
            branch = [
                norm for key, norm in module.named_modules()
                if isinstance(norm, NORMS) and not key.startswith(("downsample", "shortcut"))]
            branch[-1].weight.data.uniform_(0.1, 0.5)
        elif hasattr(module, "branch_end"):
            module.branch_end.weight.data.uniform_(0.1, 0.5)


def calibrate(network, images, half=False):
    """Gives batch normalisation the statistics of the maps that it sees for some images, as training leaves them: without them
    activations of random weights grow or vanish. With `half` they are numbers of float16."""
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, NORMS)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for batch in images:
            network(batch)
    for norm in norms:
        norm.eval()
        if half:
            norm.running_mean.copy_(norm.running_mean.half().float())
            norm.running_var.copy_(norm.running_var.clamp(1e-3, 6e4).half().float())
    return network
