"""Writes the results of training steps beside this file, computed by PyTorch (CPU) in float64 and rounded once to float32.

    python make_training.py             # PyTorch and safetensors; written with torch 2.13

`optimizers.safetensors`: for each case NAME the weights NAME.start<i>, ten gradients NAME.gradient<i> `[10, …]`, ten rates NAME.rates, and the
weights and states after ten steps. `network.safetensors`: a network of two convolutions with batch normalisation, images and labels of ten
steps, and for each optimiser the losses, weights and running statistics after them. Settings are JSON in the metadata.
"""

import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
generator = torch.Generator().manual_seed(20240612)


def draw(*shape, low=-1.0, high=1.0):
    return torch.rand(shape, generator=generator, dtype=torch.float32) * (high - low) + low


def write(name, tensors, attributes):
    path = HERE / f"{name}.safetensors"
    save_file({k: (v.float() if v.is_floating_point() else v).detach().clone().contiguous() for k, v in tensors.items()},
              path, metadata={k: json.dumps(v) for k, v in attributes.items()})
    print(path.name, path.stat().st_size, "bytes")


def make(settings, weights, decays):
    """The optimiser, with weight decay on some of the weights."""
    groups = [{"params": [w], "weight_decay": settings["decay"] if d else 0.0} for w, d in zip(weights, decays)]
    if settings["method"] == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=settings["momentum"], nesterov=settings["nesterov"])
    return torch.optim.AdamW(groups, lr=1.0, betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"])


SGD = {"method": "sgd", "momentum": 0.9, "nesterov": False, "decay": 0.0}
ADAM = {"method": "adamW", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": 0.01}


def optimizers():
    tensors, attributes = {}, {}
    for name, settings in {
        "sgd": SGD, "plain": {**SGD, "momentum": 0.0}, "nesterov": {**SGD, "nesterov": True},
        "decay": {**SGD, "decay": 0.05}, "nesterov_decay": {**SGD, "nesterov": True, "momentum": 0.7, "decay": 0.05},
        "adamW": ADAM, "adamW_decay": {**ADAM, "beta1": 0.8, "beta2": 0.95, "decay": 0.3, "epsilon": 1e-3},
        "sgd_clipped": {**SGD, "clipping": 2.0, "decay": 0.05}, "adamW_clipped": {**ADAM, "clipping": 0.5},
        "lion": {"method": "lion", "beta1": 0.9, "beta2": 0.99, "decay": 0.1},
        "lion_clipped": {"method": "lion", "beta1": 0.9, "beta2": 0.99, "decay": 0.1, "clipping": 1.0},
    }.items():
        starts = [draw(5, 7), draw(37)]
        gradients = [draw(10, 5, 7), draw(10, 37)]
        rates = draw(10, low=0.01, high=0.1)
        weights = [w.double().requires_grad_() for w in starts]
        momenta = [torch.zeros_like(w) for w in weights]
        optimizer = None if settings["method"] == "lion" else make(settings, weights, [True, True])
        norms = []
        for step in range(10):
            for w, g in zip(weights, gradients):
                w.grad = g[step].double()
            if "clipping" in settings:
                norms.append(nn.utils.clip_grad_norm_(weights, settings["clipping"]))
            rate = rates[step].double().item()
            if optimizer:
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.step()
                continue
            # PyTorch has no Lion: algorithm 2 of Chen et al. 2023.
            with torch.no_grad():
                for w, m in zip(weights, momenta):
                    update = (settings["beta1"] * m + (1 - settings["beta1"]) * w.grad).sign()
                    w -= rate * (update + settings["decay"] * w)
                    m.copy_(settings["beta2"] * m + (1 - settings["beta2"]) * w.grad)
        for i, w in enumerate(weights):
            tensors |= {f"{name}.start{i}": starts[i], f"{name}.gradient{i}": gradients[i], f"{name}.end{i}": w}
            if optimizer:
                state = optimizer.state[w]
                if settings["method"] == "adamW":
                    tensors |= {f"{name}.mean{i}": state["exp_avg"], f"{name}.square{i}": state["exp_avg_sq"]}
                elif state.get("momentum_buffer") is not None:
                    tensors[f"{name}.momentum{i}"] = state["momentum_buffer"]
            else:
                tensors[f"{name}.momentum{i}"] = momenta[i]
        tensors[f"{name}.rates"] = rates
        if norms:
            tensors[f"{name}.norms"] = torch.stack(norms)
        attributes[name] = settings
    write("optimizers", tensors, attributes)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.down = nn.Conv2d(8, 6, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.head = nn.Conv2d(6, 4, 1)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = F.hardswish(self.bn2(self.down(x)))
        return F.interpolate(self.head(x), scale_factor=2, mode="bilinear", align_corners=False)


def network():
    tensors, attributes = {}, {}
    images = draw(10, 2, 8, 10, 3)
    targets = torch.randint(0, 4, (10, 2, 8, 10), generator=generator)
    targets[:, 0, 0, :3] = 255
    tensors |= {"data.images": images, "data.targets": targets.to(torch.int32)}
    first = Network()
    with torch.no_grad():
        for name, x in first.named_parameters():
            x.copy_(draw(*x.shape, low=0.5 if name.startswith("bn") and name.endswith("weight") else -0.4,
                         high=1.5 if name.startswith("bn") and name.endswith("weight") else 0.4))
    for key, value in first.state_dict().items():
        if "num_batches" not in key:
            tensors[f"start:{key}"] = value
    for name, settings in {
        "sgd": {**SGD, "nesterov": True, "decay": 0.01, "rate": 0.05},
        "sgd_clipped": {**SGD, "decay": 0.01, "rate": 0.05, "clipping": 0.5, "averaging": 0.9},
        "adamW": {**ADAM, "decay": 0.05, "rate": 0.01},
        "frozen": {**SGD, "rate": 0.05, "frozen": True},
    }.items():
        model = Network()
        model.load_state_dict(first.state_dict())
        model.double().train(not settings.get("frozen", False))
        parameters = dict(model.named_parameters())
        optimizer = make(settings, list(parameters.values()), [x.ndim >= 2 for x in parameters.values()])
        averages = {k: v.detach().clone() for k, v in parameters.items()}
        losses = []
        for group in optimizer.param_groups:
            group["lr"] = settings["rate"]
        for step in range(10):
            optimizer.zero_grad()
            logits = model(images[step].double().permute(0, 3, 1, 2))
            loss = F.cross_entropy(logits, targets[step], ignore_index=255)
            loss.backward()
            if "clipping" in settings:
                nn.utils.clip_grad_norm_(parameters.values(), settings["clipping"])
            optimizer.step()
            losses.append(loss.detach())
            if "averaging" in settings:
                for k, v in parameters.items():
                    averages[k] = settings["averaging"] * averages[k] + (1 - settings["averaging"]) * v.detach()
        for key, value in model.state_dict().items():
            if "num_batches" not in key:
                tensors[f"{name}:{key}"] = value
        if "averaging" in settings:
            for key, value in averages.items():
                tensors[f"{name}:average/{key}"] = value
        tensors[f"{name}:losses"] = torch.stack(losses)
        attributes[name] = settings
    write("network", tensors, attributes)


optimizers()
network()
