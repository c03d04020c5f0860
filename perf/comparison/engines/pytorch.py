"""PyTorch as it is called without compilation: eager, in inference mode."""
import numpy as np
import torch

from comparison import networks


class PyTorch:
    precision = "float32"

    def __init__(self, files, threads, channels_last=False):
        torch.set_num_threads(threads)
        networks.add_reference_folder()
        from library_networks import torchvision_importable
        layout = torch.channels_last if channels_last else torch.contiguous_format
        with torchvision_importable():
            self._module = torch.load(files.module, weights_only=False).to(memory_format=layout)
        self._image = torch.from_numpy(next(iter(np.load(files.input).values()))).to(memory_format=layout)
        self._result = None

    def run(self):
        with torch.inference_mode():
            self._result = self._module(self._image)

    def output(self):
        return self._result.numpy()
