"""The reference networks of the zoo, a module a family.

Each module has two functions that give references by name:

- `networks()`: those of the registry at full size (`seg models`), for `make parity`;
- `fixtures()`: small ones whose outputs are committed under `Tests/Fixtures/zoo`, with the configurations of
  `Tests/SegModelsTests/Zoo`.
"""
import dataclasses
import importlib
from typing import Any, Callable

FAMILIES = [
    "unet", "upsampling", "skips", "nested", "encoder_unets", "torchvision_networks", "segmentation_models", "vgg", "backbones",
    "transformers", "realtime", "salient"]


@dataclasses.dataclass
class Reference:
    """How a reference network is made and what it is run on."""

    # Makes the module, with weights as it draws them.
    make: Callable[[], Any]
    # Images [batch, channels, height, width].
    inputs: list
    # From the module's result to a dict with `logits` and the auxiliary outputs by the names that the project gives them.
    outputs: Callable[[Any], dict] = lambda result: {"logits": result}
    # From the module's state dict to what people save.
    state: Callable[[dict], dict] = lambda state: state
    # The image that is compared, made of a random one; see `places`.
    settle: Callable[[Any, Any], Any] = None
    # Whether the module has trained weights and statistics, which are kept as they are.
    trained: bool = False
    # How the state dict is saved: "pth" or "safetensors".
    form: str = "pth"


def collect(kind):
    """All references of a kind, `networks` or `fixtures`, by name."""
    result = {}
    for family in FAMILIES:
        result.update(getattr(importlib.import_module(f"references.{family}"), kind)())
    return result
