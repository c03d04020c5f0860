"""Where max pooling takes its values from, for networks that put others back there.

Two values of a window that nearly tie change places by rounding alone, and unpooling then puts a whole value elsewhere: no small
difference, and none between programs of which one is right. So networks that unpool are compared on images without near ties, which
are made: a random image is changed by gradient descent, by far less than a step of its eighth bit, until no window has any.
"""
import copy

import torch
from torch import nn


def pooled(network, image):
    """What the poolings of a network that give places take, with gradients: before the ReLU where one stands in front, and whether
    one does. Below it zero is the value of all that is negative, and a tie there is none, for the first place is taken."""
    maps, rectified, hooks = [], {}, []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            hooks.append(
                module.register_forward_hook(lambda _, inputs, output: rectified.__setitem__(id(output), (inputs[0], output))))
        elif isinstance(module, nn.MaxPool2d) and module.return_indices:
            hooks.append(module.register_forward_pre_hook(
                lambda _, inputs: maps.append((rectified[id(inputs[0])][0], True) if id(inputs[0]) in rectified
                                              else (inputs[0], False))))
    network(image)
    for hook in hooks:
        hook.remove()
    return maps


def windows(x):
    """The values of 2×2 windows, `[windows, 4]`."""
    x = x[..., : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 1, 2, 4, 3, 5).reshape(-1, 4)


def certainty(x, is_rectified):
    """By how much the values of each window must change for another place to be taken, roughly."""
    first, second = windows(x).topk(2, 1).values.unbind(1)
    if is_rectified:
        # All negative: the first place, until one of them is positive. Else the largest, as long as it is positive.
        return torch.where(first > 0, torch.minimum(first - second.clamp(min=0), first), -first)
    # Equal in float64 are values that an overlapping pooling took from one place. They stay equal: the first is taken.
    return torch.where(first == second, torch.inf, first - second)


def untied(network, image, times=8, share=2e-5, most=400):
    """The image changed until in each window the largest value is apart from the second by `times` the largest error that PyTorch's
    float32 has in that map against its own float64, and by `share` of the map's largest value: PyTorch's error depends on the
    processor, and Winograd's filtering may err by more than `times` as much."""
    exact = copy.deepcopy(network).double()
    with torch.no_grad():
        margins = [
            max(times * float((x - y).abs().max()), share * float(y.abs().max()))
            for (x, _), (y, _) in zip(pooled(network, image), pooled(exact, image.double()))]
    for _ in range(most):
        changed = image.double().requires_grad_(True)
        missing = [
            (2 * margin - c[c <= margin]).sum()
            for (x, is_rectified), margin in zip(pooled(exact, changed), margins) for c in [certainty(x, is_rectified)]]
        total = sum(missing)
        if float(total.detach()) == 0:
            return image
        gradient, = torch.autograd.grad(total, changed)
        # The step after which all would be apart if they did not depend on each other's pixels.
        image = (image - gradient * (total.detach() / gradient.square().sum())).float()
    raise RuntimeError(f"after {most} steps windows still tie nearly")


def disagreements(network, image):
    """In how many windows float32 takes another place than float64, of how many, and the largest certainty among them, in proportion to
    the largest error of its map."""
    count, total, largest = 0, 0, 0.0
    with torch.no_grad():
        exact = pooled(copy.deepcopy(network).double(), image.double())
        for (x, is_rectified), (y, _) in zip(pooled(network, image), exact):
            rectify = torch.relu if is_rectified else lambda z: z
            differ = windows(rectify(x)).argmax(1) != windows(rectify(y)).argmax(1)
            count, total = count + int(differ.sum()), total + differ.numel()
            if differ.any():
                error = float((x - y).abs().max())
                largest = max(largest, float(certainty(y, is_rectified)[differ].max()) / error)
    return count, total, largest
