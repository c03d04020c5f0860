#!/usr/bin/env python3
"""Saves networks of the zoo with random weights as training programs save them, by the programs themselves, and holds `seg run` on
each file against PyTorch.

    checkpoints.py --seg SEG [--table docs/checkpoints.md] [NAME ...]

Prints a line a file and fails where one does not load or its logits differ by more than 2e-4 of the largest. Where a package is not
installed the file is left out, and the line says so.
"""
import argparse
import contextlib
import functools
import importlib
import io
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import warnings

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "perf" / "reference")]
from library_networks import torchvision_importable  # noqa: E402
from references import collect, seeded  # noqa: E402

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
os.environ.update(HF_HUB_OFFLINE="1", WANDB_DISABLED="true", nnUNet_results="", nnUNet_raw="", nnUNet_preprocessed="")
for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517"}.items():
    os.environ.setdefault(name, value)

TOLERANCE = 2e-4
FORMS = {}


def form(network, size=(1, 3, 96, 128), arguments=()):
    """Adds a way of saving a network: a function of the module and a folder that trains it where it likes, saves it, and gives the
    file's path. Its doc string says what it is."""

    def add(function):
        FORMS[function.__name__.replace("_", "-")] = (function, network, size, list(arguments))
        return function

    return add


def batches(size, count=2):
    return [(torch.randn(2, *size), torch.zeros(2, *size[1:], dtype=torch.long)) for _ in range(count)]


def logits(result):
    for key in ("out", "logits"):
        if isinstance(result, dict) and key in result:
            return result[key]
    return result[0] if isinstance(result, (list, tuple)) else result


def step(network, optimizer, image=torch.randn(2, 3, 64, 64)):
    """One step of training, so that the optimiser has a state."""
    network.train()
    optimizer.zero_grad()
    logits(network(image)).square().mean().backward()
    optimizer.step()
    network.eval()


def trained(network):
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    step(network, optimizer)
    return optimizer


# --- PyTorch by itself ---------------------------------------------------------------------------------------------------


@form("unet")
def tutorial(network, folder):
    """PyTorch's tutorial on saving: epoch, model_state_dict, optimizer_state_dict, loss"""
    optimizer = trained(network)
    torch.save({
        "epoch": 5, "model_state_dict": network.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
        "loss": torch.tensor(0.4)}, folder / "checkpoint.tar")
    return folder / "checkpoint.tar"


@form("unet-resnet34")
def whole_module(network, folder):
    """torch.save(model) of segmentation-models-pytorch's Unet"""
    torch.save(network, folder / "model.pt")
    return folder / "model.pt"


@form("fpn-resnet34")
def before_zip(network, folder):
    """The format before PyTorch 1.6 (_use_new_zipfile_serialization=False)"""
    optimizer = trained(network)
    torch.save(
        {"net": network.state_dict(), "optimizer": optimizer.state_dict(), "acc": np.float64(0.9)}, folder / "ckpt.t7",
        _use_new_zipfile_serialization=False)
    return folder / "ckpt.t7"


@form("enet")
def distributed(network, folder):
    """DistributedDataParallel's state_dict, module. before every name"""
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    wrapped = torch.nn.parallel.DistributedDataParallel(network)
    trained(wrapped)
    torch.save(wrapped.state_dict(), folder / "ddp.pth")
    torch.distributed.destroy_process_group()
    return folder / "ddp.pth"


@form("fast-scnn")
def compiled(network, folder):
    """torch.compile's state_dict, _orig_mod. before every name, in bfloat16"""
    network.bfloat16()
    torch.save({"model": torch.compile(network).state_dict()}, folder / "compiled.pth")
    network.float()
    return folder / "compiled.pth"


@form("lraspp-mobilenet-v3-large")
def averaged(network, folder):
    """torch.optim.swa_utils.AveragedModel with update_bn: n_averaged and module."""
    average = torch.optim.swa_utils.AveragedModel(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    for _ in range(2):
        step(network, optimizer)
        average.update_parameters(network)
    torch.optim.swa_utils.update_bn(batches((3, 64, 64)), average)
    torch.save(average.state_dict(), folder / "swa.pth")
    network.load_state_dict(average.module.state_dict())
    return folder / "swa.pth"


@form("bisenetv2")
def half(network, folder):
    """A state dict in float16, numbers and texts beside it"""
    network.half()
    torch.save({"state_dict": network.state_dict(), "best_miou": np.float32(0.5), "arch": "bisenetv2"}, folder / "half.pth")
    network.float()
    return folder / "half.pth"


@form("segmenter-t-mask")
def activation_checkpointing(network, folder):
    """Blocks in torch.distributed's checkpoint_wrapper, names as their parameters have them"""
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing

    apply_activation_checkpointing(network, check_fn=lambda module: type(module).__name__ == "Block")
    torch.save({name: value for name, value in [*network.named_parameters(), *network.named_buffers()]}, folder / "wrapped.pth")
    return folder / "wrapped.pth"


# --- Lightning -----------------------------------------------------------------------------------------------------------


def lightning_module(package, network, **members):
    class Segmentation(package.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = network
            for name, value in members.items():
                setattr(self, name, value)
            # As in segmentation-models-pytorch's examples.
            self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
            self.register_buffer("std", torch.ones(1, 3, 1, 1))

        def training_step(self, batch, index):
            image, mask = batch
            return torch.nn.functional.cross_entropy(logits(self.model((image - self.mean) / self.std)), mask)

        def configure_optimizers(self):
            optimizer = torch.optim.Adam(self.parameters(), lr=1e-4)
            return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)]

    return Segmentation()


def fit(package, module, folder, callbacks=()):
    trainer = package.Trainer(
        max_steps=1, logger=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
        callbacks=[package.callbacks.ModelCheckpoint(folder, "last", save_last=False), *callbacks], accelerator="cpu")
    trainer.fit(module, torch.utils.data.DataLoader(batches((3, 64, 64)), batch_size=None))
    return folder / "last.ckpt"


@form("fpn-resnet34")
def smp_lightning(network, folder):
    """pytorch-lightning's Trainer on the module of segmentation-models-pytorch's example: model., mean, std"""
    return fit(importlib.import_module("pytorch_lightning"), lightning_module(
        importlib.import_module("pytorch_lightning"), network), folder)


@form("unet-resnet34")
def lightning(network, folder):
    """lightning's Trainer, a weighted loss and torchmetrics in the module, OmegaConf in its hyperparameters"""
    import omegaconf
    import torchmetrics

    package = importlib.import_module("lightning.pytorch")
    jaccard = torchmetrics.JaccardIndex(task="multiclass", num_classes=21)
    jaccard.persistent(True)
    module = lightning_module(
        package, torch.compile(network, backend="eager"), criterion=torch.nn.CrossEntropyLoss(weight=torch.ones(21)), train_iou=jaccard)
    module.save_hyperparameters({"config": omegaconf.OmegaConf.create({"lr": 1e-4, "sizes": [1, 2]})})
    return fit(package, module, folder)


@form("upernet-resnet34", arguments=["--checkpoint-key", "state_dict"])
def lightning_average(network, folder):
    """lightning's EMAWeightAveraging: state_dict is the average, current_model_state the other"""
    package = importlib.import_module("lightning.pytorch")
    module = lightning_module(package, network)
    path = fit(package, module, folder, [package.callbacks.EMAWeightAveraging(decay=0.5)])
    state = torch.load(path, weights_only=False)["state_dict"]
    network.load_state_dict({name.removeprefix("model."): value for name, value in state.items() if name.startswith("model.")})
    return path


@form("pspnet-resnet34")
def fabric(network, folder):
    """lightning's Fabric.save of model and optimiser"""
    Fabric = importlib.import_module("lightning.fabric").Fabric
    made = Fabric(accelerator="cpu", devices=1)
    model, optimizer = made.setup(network, torch.optim.AdamW(network.parameters(), lr=1e-4))
    made.save(folder / "fabric.ckpt", {"model": model, "optimizer": optimizer, "iteration": 3})
    return folder / "fabric.ckpt"


# --- Libraries of networks -----------------------------------------------------------------------------------------------


@form("unet-resnet34")
def smp_pretrained(network, folder):
    """segmentation-models-pytorch's save_pretrained: model.safetensors"""
    network.save_pretrained(folder)
    return folder / "model.safetensors"


def torchvision_reference(network, folder, **beside):
    """The dictionary of torchvision's references/segmentation/train.py."""
    optimizer = trained(network)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, 100, 0.9)
    arguments = argparse.Namespace(
        data_path="coco", model="deeplabv3_resnet50", device="cuda", batch_size=8, output_dir=pathlib.Path("runs"), lr=0.01, amp=True)
    torch.save({
        "model": network.state_dict(), "optimizer": optimizer.state_dict(), "lr_scheduler": schedule.state_dict(), "epoch": 3,
        "args": arguments, "scaler": torch.amp.GradScaler("cpu").state_dict(), **beside}, folder / "checkpoint.pth")
    return folder / "checkpoint.pth"


@form("deeplabv3-resnet50")
def torchvision(network, folder):
    """torchvision's reference script: model, optimizer, lr_scheduler, args (a Namespace), scaler"""
    return torchvision_reference(network, folder)


@form("fcn-resnet50", arguments=["--checkpoint-key", "model_ema"])
def torchvision_average(network, folder):
    """The same with model_ema, an AveragedModel"""
    average = torch.optim.swa_utils.AveragedModel(network, use_buffers=True)
    path = torchvision_reference(network, folder, model_ema=average.state_dict())
    network.load_state_dict(average.module.state_dict())
    return path


@form("deeplabv3plus-resnet34", arguments=["--checkpoint-key", "state_dict_ema"])
def timm(network, folder):
    """timm's CheckpointSaver with ModelEmaV3: state_dict and state_dict_ema"""
    from timm.utils import CheckpointSaver, ModelEmaV3

    average = ModelEmaV3(network, decay=0.5)
    optimizer = trained(network)
    average.update(network)
    saver = CheckpointSaver(
        network, optimizer, argparse.Namespace(model="deeplab", lr=0.1), average, checkpoint_dir=str(folder),
        recovery_dir=str(folder))
    saver.save_checkpoint(0, metric=0.5)
    network.load_state_dict(average.module.state_dict())
    return folder / "last.pth.tar"


@form("deeplabv3plus-mobilenet-v2", arguments=["--checkpoint-key", "ema_model"])
def ema_pytorch(network, folder):
    """ema-pytorch's EMA with both models in its state_dict"""
    from ema_pytorch import EMA

    average = EMA(network, beta=0.5, update_every=1, include_online_model=True)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    for _ in range(2):
        step(network, optimizer)
        average.update()
    torch.save(average.state_dict(), folder / "ema.pt")
    network.load_state_dict(average.ema_model.state_dict())
    return folder / "ema.pt"


# --- Hugging Face --------------------------------------------------------------------------------------------------------


@functools.cache
def hugging_face():
    with torchvision_importable():
        import transformers
    return transformers


def segformer():
    transformers = hugging_face()
    config = transformers.SegformerConfig(num_labels=150, decoder_hidden_size=256)
    return transformers.SegformerForSemanticSegmentation(config)


@form("segformer-b0-hf")
def transformers_saved(network, folder):
    """transformers' save_pretrained: model.safetensors"""
    network.save_pretrained(folder)
    return folder / "model.safetensors"


@form("segformer-b0-hf")
def transformers_memory(network, folder):
    """torch.save(model.state_dict(), "pytorch_model.bin") under transformers 5, with its names in memory"""
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


@form("segformer-b0-hf")
def transformers_trainer(network, folder):
    """transformers' Trainer: checkpoint-1/model.safetensors"""
    package = hugging_face()
    arguments = package.TrainingArguments(
        str(folder), max_steps=1, save_steps=1, per_device_train_batch_size=2, report_to=[], use_cpu=True, disable_tqdm=True,
        remove_unused_columns=False)
    data = [{"pixel_values": torch.randn(3, 64, 64), "labels": torch.zeros(64, 64, dtype=torch.long)} for _ in range(2)]
    package.Trainer(network, arguments, train_dataset=data).train()
    return folder / "checkpoint-1" / "model.safetensors"


@form("segformer-b0")
def accelerate(network, folder):
    """accelerate's save_state: model.safetensors beside the states of optimiser and generators"""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model, _ = accelerator.prepare(network, trained(network))
    accelerator.save_state(str(folder))
    return folder / "model.safetensors"


# --- Training programs ---------------------------------------------------------------------------------------------------


@form("setr-naive-b", size=(1, 3, 768, 768))
def mmengine(network, folder):
    """mmengine's Runner.save_checkpoint of a segmentor with mmsegmentation's names: meta, state_dict, optimizer, message_hub"""
    runner = mmengine_runner(network, folder)
    runner.save_checkpoint(str(folder), "iter_1.pth")
    return folder / "iter_1.pth"


@form("setr-naive-b", size=(1, 3, 768, 768), arguments=["--checkpoint-key", "ema_state_dict"])
def mmengine_average(network, folder):
    """The same with the EMAHook: ema_state_dict beside state_dict"""
    runner = mmengine_runner(network, folder, [dict(type="EMAHook", momentum=0.5)])
    runner.call_hook("before_run")
    with torch.no_grad():
        for value in runner.model.parameters():
            value.mul_(0.9)
    runner.save_checkpoint(str(folder), "iter_1.pth")
    state = torch.load(folder / "iter_1.pth", weights_only=False)["ema_state_dict"]
    network.load_state_dict({name.removeprefix("module."): value for name, value in state.items() if name != "steps"})
    return folder / "iter_1.pth"


def mmengine_runner(network, folder, hooks=None):
    from mmengine.config import Config
    from mmengine.model import BaseModel
    from mmengine.runner import Runner

    class EncoderDecoder(BaseModel):
        def __init__(self):
            super().__init__()
            for name, part in network.named_children():
                self.add_module(name, part)

        def forward(self, inputs, data_samples=None, mode="tensor"):
            return network(inputs)

    runner = Runner(
        EncoderDecoder(), str(folder), train_dataloader=dict(dataset=[0, 1], batch_size=1, sampler=dict(type="DefaultSampler"), num_workers=0),
        train_cfg=dict(by_epoch=False, max_iters=1), optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.01)),
        param_scheduler=dict(type="ConstantLR"), custom_hooks=hooks, cfg=Config(dict(norm=dict(type="SyncBN"))), log_level="ERROR",
        experiment_name=folder.name)
    # What Runner.train does before its first iteration.
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    return runner


@form("unet")
def nnunet(network, folder):
    """nnU-Net v2's nnUNetTrainer.save_checkpoint: network_weights, optimizer_state, init_args"""
    with torchvision_importable():
        from nnunetv2.training.logging.nnunet_logger import MetaLogger
        from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    trainer = nnUNetTrainer.__new__(nnUNetTrainer)
    trainer.local_rank, trainer.disable_checkpointing, trainer.is_ddp = 0, False, False
    trainer.network, trainer.optimizer, trainer.grad_scaler = torch.compile(network, backend="eager"), trained(network), None
    trainer.logger = MetaLogger(str(folder), resume=False, verbose=False)
    trainer._best_ema, trainer.current_epoch, trainer.inference_allowed_mirroring_axes = np.float64(0.5), 10, (0, 1)
    trainer.my_init_kwargs = {
        "plans": {"plans_name": "nnUNetPlans", "configurations": {"2d": {"spacing": np.array([1.0, 1.0])}}}, "configuration": "2d",
        "fold": 0, "dataset_json": {"labels": {"background": 0, "pupil": 1}}, "device": torch.device("cpu")}
    trainer.save_checkpoint(str(folder / "checkpoint_final.pth"))
    return folder / "checkpoint_final.pth"


@form("unetpp")
def ignite(network, folder):
    """ignite's Checkpoint of model, optimiser and engine"""
    from ignite.engine import Engine, Events
    from ignite.handlers import Checkpoint, DiskSaver

    engine = Engine(lambda engine, batch: None)
    saver = Checkpoint(
        {"model": network, "optimizer": trained(network), "trainer": engine}, DiskSaver(str(folder), create_dir=False), n_saved=1)
    engine.add_event_handler(Events.ITERATION_COMPLETED, saver)
    engine.run([0])
    return folder / saver.last_checkpoint


@form("unet-bilinear")
def monai(network, folder):
    """MONAI's CheckpointSaver handler: network and optimiser"""
    from ignite.engine import Engine
    from monai.handlers import CheckpointSaver

    engine = Engine(lambda engine, batch: None)
    CheckpointSaver(
        str(folder), {"network": network, "optimizer": trained(network)}, save_final=True, final_filename="final.pt").attach(engine)
    engine.run([0])
    return folder / "final.pt"


class Images(list):
    """A data set that a learner can leave out when it is exported."""

    def new_empty(self):
        return Images()


def fastai_learner(network, folder):
    with torchvision_importable():
        from fastai.data.core import DataLoader, DataLoaders
        from fastai.learner import Learner

    loader = DataLoader(Images(batches((3, 64, 64), 1)), bs=1)
    return Learner(DataLoaders(loader, loader), network, loss_func=torch.nn.CrossEntropyLoss(), path=folder, model_dir=".")


@form("unetpp-resnet34")
def fastai(network, folder):
    """fastai's Learner.save with the optimiser: model and opt"""
    learner = fastai_learner(network, folder)
    learner.create_opt()
    learner.save("stage-1", with_opt=True)
    return folder / "stage-1.pth"


@form("unet-resnet18")
def fastai_export(network, folder):
    """fastai's Learner.export: the whole learner, its network as an attribute"""
    fastai_learner(network, folder).export("export.pkl")
    return folder / "export.pkl"


# Packages that cannot be installed everywhere: their published formats, written out.


@form("unet-mobilenet-v2")
def catalyst(network, folder):
    """catalyst's dictionary (its format, written out): model_state_dict, criterion_state_dict, optimizer_state_dict"""
    optimizer = trained(network)
    criterion = torch.nn.CrossEntropyLoss(weight=torch.ones(21))
    torch.save({
        "model_state_dict": network.state_dict(), "criterion_state_dict": criterion.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(), "scheduler_state_dict": {}, "epoch_metrics": {"valid": {"iou": 0.5}},
        "stage": "train", "epoch": 3}, folder / "best_full.pth")
    return folder / "best_full.pth"


@form("pspnet-resnet50")
def deepspeed(network, folder):
    """DeepSpeed's mp_rank_00_model_states.pt (its format, written out): module, buffer_names, ds_config"""
    torch.save({
        "module": network.state_dict(), "buffer_names": [name for name, _ in network.named_buffers()], "optimizer": None,
        "param_shapes": [{name: value.shape for name, value in network.named_parameters()}], "frozen_param_shapes": None,
        "shared_params": {}, "lr_scheduler": None, "sparse_tensor_module_names": set(), "skipped_steps": 0, "global_steps": 1,
        "dp_world_size": 1, "mp_world_size": 1, "ds_config": {"zero_optimization": {"stage": 1}}, "ds_version": "0.16.0"},
        folder / "mp_rank_00_model_states.pt")
    return folder / "mp_rank_00_model_states.pt"


# --- The comparison ------------------------------------------------------------------------------------------------------


def make(name, references, size):
    torch.manual_seed(1)
    reference = references[name]
    network = segformer() if name == "segformer-b0-hf" else reference.make()
    torch.manual_seed(2)
    seeded.train(network)
    if name != "segformer-b0-hf":
        seeded.calibrate(network, [torch.randn(2, *size[1:])])
    return network.eval()


def expected(name, network, reference, image):
    network.eval()
    with torch.no_grad():
        if name == "segformer-b0-hf":
            result = network(image).logits
            return torch.nn.functional.interpolate(result, size=image.shape[2:], mode="bilinear", align_corners=False).numpy()
        return reference.outputs(network(image))["logits"].numpy()


def check(key, seg, references):
    """The largest relative difference of the logits and the file, or words on why there is none."""
    save, name, size, arguments = FORMS[key]
    reference = references[name]
    network = make(name, references, size)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                path = save(network, folder)
        except ImportError as error:
            return None, None, f"not made: {error}"
        image = torch.randn(size)
        if reference.settle:
            image = reference.settle(network, image)
        wanted = expected(name, network, reference, image)
        given, taken = folder / "given.npz", folder / "taken.npz"
        np.savez(given, image=image.numpy())
        run = subprocess.run(
            [seg, "run", name, "--weights", str(path), "--input", str(given), "--output", str(taken), "--layout", "nchw", *arguments],
            capture_output=True, text=True)
        if run.returncode != 0:
            return None, path.name, run.stderr.strip().replace(str(folder) + "/", "")[:300]
        actual = np.load(taken)["logits"]
        if actual.shape != wanted.shape:
            return None, path.name, f"logits of {actual.shape}, not {wanted.shape}"
        return float(np.abs(actual - wanted).max() / np.abs(wanted).max()), path.name, run.stderr.strip().replace(str(folder) + "/", "")


HEAD = """# Checkpoints as people save them

Written by `make parity-checkpoints`. Each file is saved by the program itself from a network of the zoo with random weights, after a step
of training where the program needs one; `seg run NETWORK --weights FILE` loads it as it is, and its logits are held against PyTorch's. *Difference* is
the largest in proportion to the largest logit and must be at most 2e-4. Where several sets of weights in a file fit, `--checkpoint-key` says which is read.

| saved by | network | file | key | difference | left out |
|---|---|---|---|--:|---|
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="all where none is given")
    parser.add_argument("--seg", required=True, help="the seg executable")
    parser.add_argument("--table", type=pathlib.Path, help="the page that is written")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in FORMS]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(FORMS)}")
    references = collect("networks")
    rows, failures = [], 0
    for key in options.names or FORMS:
        save, name, _, arguments = FORMS[key]
        error, file, words = check(key, options.seg, references)
        holds = error is not None and error <= TOLERANCE
        failures += not holds and file is not None
        print(f"{'' if holds else 'FAILS ' if file else 'LEFT OUT '}{key:26} {name:28} {file or '':28} "
              f"{'' if error is None else f'{error:.1e}'} {words}", flush=True)
        left_out = words.split("left out ")[1].removesuffix(", which the network does not have") if "left out " in words else ""
        chosen = f"`{arguments[1]}`" if arguments else ""
        rows.append(
            f"| {save.__doc__} | `{name}` | `{file}` | {chosen} | {'–' if error is None else f'{error:.1e}'} | "
            f"{left_out if error is not None else words} |")
    if options.table:
        options.table.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    sys.exit(f"{failures} files failed" if failures else 0)


if __name__ == "__main__":
    main()
