"""Times of torchmetrics' confusion matrix and scipy's distance transform on the pixels of MetricSpeedTests.

    python -m venv .venv && .venv/bin/pip install -r ../Tests/Fixtures/metrics/requirements.txt && .venv/bin/python metrics.py
"""

import statistics
import time
import warnings

import numpy as np
import torch

# torchvision's wheel on PyPI registers operators of the CUDA build, which fails beside torch for the CPU; none is needed here.
register_fake = torch.library.register_fake
torch.library.register_fake = lambda *_, **__: lambda function: function
import torchvision  # noqa: E402, F401

torch.library.register_fake = register_fake
warnings.filterwarnings("ignore")

from scipy import ndimage  # noqa: E402
from torchmetrics.classification import MulticlassConfusionMatrix, MulticlassJaccardIndex  # noqa: E402


def measure(name, body, rounds=9):
    body()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        body()
        times.append((time.perf_counter() - start) * 1e3)
    print(f"{name}: {statistics.median(times):.3f} ms, least {min(times):.3f}")


width, height = 2048, 1024
row, column = np.indices((height, width))


def label(row, column):
    return (row // 37 * 7 + column // 53 * 3) % 19


truth = np.where((row * width + column) % 97 == 0, 255, label(row, column))
noisy = np.where((row * 31 + column) % 11 == 0, (row + column) % 19, label(row + 2, column + 3))
smooth = truth[np.maximum(0, np.arange(height) - 2)]
smooth = np.where(smooth == 255, 0, smooth)
options = {"num_classes": 19, "ignore_index": 255, "validate_args": False}
for threads in (1, 2):
    torch.set_num_threads(threads)
    t = torch.from_numpy(truth)
    for name, labels in (("regions with noise", noisy), ("regions", smooth)):
        p = torch.from_numpy(labels)

        def update(metric, p=p):
            metric.reset()
            metric.update(p, t)
            return metric.compute()

        matrix, jaccard = MulticlassConfusionMatrix(**options), MulticlassJaccardIndex(**options)
        measure(f"torchmetrics confusion matrix, {name}, {threads} threads", lambda: update(matrix))
        measure(f"torchmetrics mean IoU, {name}, {threads} threads", lambda: update(jaccard))

index = np.arange(2048 * 2048, dtype=np.uint64)
sparse = ((index * np.uint64(2654435761)) >> np.uint64(7) & np.uint64(4095) == 0).reshape(2048, 2048)
y, x = np.indices((2048, 2048))
blocks = (y // 128 + x // 128) % 3 == 0
for name, mask in (("one pixel in 4096", sparse), ("blocks", blocks)):
    measure(f"scipy distance_transform_edt, 2048², {name}", lambda mask=mask: ndimage.distance_transform_edt(~mask), 5)

logits = torch.randn(1, 19, 512, 512, requires_grad=True)
target = torch.from_numpy(truth.ravel()[: 512 * 512].reshape(1, 512, 512))
for threads in (1, 2):
    torch.set_num_threads(threads)

    def backward():
        logits.grad = None
        torch.nn.functional.cross_entropy(logits, target, ignore_index=255).backward()

    measure(f"PyTorch cross-entropy with gradient, 512², 19 classes, {threads} threads", backward)
