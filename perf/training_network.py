"""The networks whose training is compared, and a process that trains one of them by PyTorch.

`training_network.py CASE THREADS LAYOUT` makes a step, prints a line of JSON, and then answers each line of standard input, a number of
steps, with another: their milliseconds, and the peak of the process's memory.
"""
import dataclasses
import json
import resource
import sys
import time


@dataclasses.dataclass
class Case:
    name: str
    project_name: str
    title: str
    size: int
    batch: int
    target: float
    auxiliary: bool = False


CLASSES = 21
CASES = [
    Case("unet64", "unet64", "U-Net 64, 256²", 256, 1, 2.2),
    Case("unet32", "unet32", "U-Net 32, 128²", 128, 4, 2.2),
    Case("fcn-resnet50", "fcn-resnet50", "FCN-ResNet50, auxiliary head, 224²", 224, 2, 1.6, True),
    Case("deeplabv3-mobilenetv3", "deeplabv3-mobilenet-v3-large", "DeepLabV3-MobileNetV3, auxiliary head, 256²", 256, 2, 1.6, True),
    Case("lraspp-mobilenetv3", "lraspp-mobilenet-v3-large", "LR-ASPP-MobileNetV3, 256²", 256, 4, 1.5),
    Case("segformer-b0", "segformer-b0-hf", "SegFormer-B0, 256²", 256, 2, 1.2),
]


def network(case):
    """The network, with dropout and stochastic depth off, as this project's step has none of them."""
    import torch
    from reference.library_networks import torchvision_importable

    if case.name.startswith("unet"):
        from comparison.architectures import UNet

        return UNet(3, CLASSES, int(case.name[4:]))
    if case.name == "segformer-b0":
        with torchvision_importable():
            from transformers import SegformerConfig, SegformerForSemanticSegmentation

        return SegformerForSemanticSegmentation(SegformerConfig(
            num_labels=CLASSES, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout_prob=0.0, drop_path_rate=0.0))
    with torchvision_importable():
        from torchvision.models import segmentation

    build = {
        "fcn-resnet50": segmentation.fcn_resnet50, "deeplabv3-mobilenetv3": segmentation.deeplabv3_mobilenet_v3_large,
        "lraspp-mobilenetv3": segmentation.lraspp_mobilenet_v3_large,
    }[case.name]
    options = {"aux_loss": True} if case.auxiliary else {}
    model = build(weights=None, weights_backbone=None, num_classes=CLASSES, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def loss(output, targets):
    import torch.nn.functional as F

    if isinstance(output, dict) and "out" in output:
        value = F.cross_entropy(output["out"], targets)
        return value + 0.5 * F.cross_entropy(output["aux"], targets) if "aux" in output else value
    if hasattr(output, "logits"):
        return F.cross_entropy(F.interpolate(output.logits, size=targets.shape[1:], mode="bilinear", align_corners=False), targets)
    return F.cross_entropy(output, targets)


def main(name, threads, layout):
    import torch

    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    case = next(case for case in CASES if case.name == name)
    model = network(case).train()
    images = torch.randn(case.batch, 3, case.size, case.size)
    targets = torch.randint(0, CLASSES, (case.batch, case.size, case.size))
    if layout == "channels-last":
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)

    def step():
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss(model(images), targets).backward()
        optimizer.step()
        return 1e3 * (time.perf_counter() - begin)

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    step()
    print(json.dumps({"peak_bytes": peak()}), flush=True)
    for line in sys.stdin:
        times = [step() for _ in range(int(line))]
        print(json.dumps({"milliseconds": times, "peak_bytes": peak()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
