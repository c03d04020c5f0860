"""What it takes to use the networks of libraries for PyTorch as references."""
import contextlib

import torch


@contextlib.contextmanager
def torchvision_importable():
    """Lets torchvision be imported also where its compiled operators are those of another build of torch."""
    original = torch.library.register_fake
    torch.library.register_fake = lambda *args, **options: (lambda function: function)
    try:
        yield
    finally:
        torch.library.register_fake = original


class First(torch.nn.Module):
    """A network whose output is the map alone."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        result = self.network(image)
        return result["out"] if isinstance(result, dict) else result


def make(maker, seed=1):
    """A network for inference with random weights, which are the same for the same seed, and batch norm that does something."""
    torch.manual_seed(seed)
    network = maker()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()
