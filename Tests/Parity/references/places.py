"""Where max pooling takes its values from, for networks that put them back there."""
import torch
from torch import nn


def are_certain(network, image, least=3e-5):
    """Whether rounding cannot change where the 2×2 poolings of a network find their maxima: in each window the largest value is
    apart from the second, or next to nothing. Two values that nearly tie may change places between two correct programs, and
    unpooling then puts a whole value elsewhere: no small difference."""
    certain = []

    def see(pool, inputs):
        x = inputs[0][..., : inputs[0].shape[2] // 2 * 2, : inputs[0].shape[3] // 2 * 2]
        b, c, h, w = x.shape
        windows = x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 1, 2, 4, 3, 5).reshape(-1, 4)
        first, second = windows.topk(2, 1).values.T
        margin = least * x.std()
        certain.append(bool(((first - second > margin) | (first.abs() <= margin)).all()))

    hooks = [
        module.register_forward_pre_hook(see) for module in network.modules()
        if isinstance(module, nn.MaxPool2d) and module.return_indices]
    with torch.no_grad():
        network(image)
    for hook in hooks:
        hook.remove()
    return all(certain)
