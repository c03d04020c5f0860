"""SegFormer (segmentation-models-pytorch), vision transformers (timm), SETR and Segmenter (plain modules with the names of
mmsegmentation and of the Segmenter repository)."""
import functools
import re

import torch
from library_networks import torchvision_importable
from torch import nn
from torch.nn import functional as F

from . import Reference

with torchvision_importable():
    import segmentation_models_pytorch as smp
    import timm
    from segmentation_models_pytorch.base import SegmentationHead, SegmentationModel
    from segmentation_models_pytorch.decoders.segformer.decoder import SegformerDecoder
    from segmentation_models_pytorch.encoders import mix_transformer

# SegFormer.


class SmallSegformer(SegmentationModel):
    """segmentation-models-pytorch's Segformer on an encoder that it has no name for."""

    def __init__(self, widths, depths, width, classes):
        super().__init__()
        self.encoder = mixed(widths, depths, 1e-6)
        self.decoder = SegformerDecoder(self.encoder._out_channels, segmentation_channels=width)
        self.segmentation_head = SegmentationHead(width, classes, kernel_size=1, upsampling=4)
        self.classification_head = None


def mixed(widths, depths, epsilon):
    return mix_transformer.MixVisionTransformerEncoder(
        out_channels=[3, 0, *widths], patch_size=4, embed_dims=widths, num_heads=[1, 2, 5, 8], mlp_ratios=[4] * 4,
        qkv_bias=True, norm_layer=functools.partial(mix_transformer.LayerNorm, eps=epsilon), depths=depths,
        sr_ratios=[8, 4, 2, 1])


class MixedClassifier(mix_transformer.MixVisionTransformerEncoder):
    """The encoder as it is trained on ImageNet."""

    def __init__(self, widths, depths, classes):
        super().__init__(
            out_channels=[3, 0, *widths], patch_size=4, embed_dims=widths, num_heads=[1, 2, 5, 8], mlp_ratios=[4] * 4,
            qkv_bias=True, norm_layer=functools.partial(mix_transformer.LayerNorm, eps=1e-6), depths=depths,
            sr_ratios=[8, 4, 2, 1])
        self.head = nn.Linear(widths[3], classes)

    def forward(self, image):
        return self.head(super().forward(image)[-1].mean((2, 3)))


class PublishedSegformer(nn.Module):
    """The decoder of the paper, whose logits are enlarged between half pixels. Hugging Face's layer normalisations all add 1e-5."""

    def __init__(self, widths, depths, width, classes, epsilon):
        super().__init__()
        self.encoder = mixed(widths, depths, epsilon)
        self.projections = nn.ModuleList([nn.Linear(channels, width) for channels in widths])
        self.fuse = nn.Conv2d(4 * width, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.classifier = nn.Conv2d(width, classes, 1)

    def forward(self, image):
        maps = self.encoder(image)[2:]
        size = maps[0].shape[2:]
        projected = [
            F.interpolate(linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), size, mode="bilinear", align_corners=False)
            for linear, x in zip(self.projections, maps)]
        x = F.relu(self.norm(self.fuse(torch.cat(projected[::-1], 1))))
        return F.interpolate(self.classifier(x), image.shape[2:], mode="bilinear", align_corners=False)


def as_original(state):
    """The names of the authors' repository, and the head that its decoder inherits and leaves unused."""
    result = {}
    for key, value in state.items():
        key = re.sub(r"^encoder\.", "backbone.", key)
        key = re.sub(r"^projections\.(\d)", lambda m: f"decode_head.linear_c{int(m[1]) + 1}.proj", key)
        key = re.sub(r"^fuse\.", "decode_head.linear_fuse.conv.", key)
        key = re.sub(r"^norm\.", "decode_head.linear_fuse.bn.", key)
        key = re.sub(r"^classifier\.", "decode_head.linear_pred.", key)
        result[key] = value
    return result


def with_inherited_head(state):
    classes = state["decode_head.linear_pred.weight"].shape[0]
    return {
        **state, "decode_head.conv_seg.weight": torch.zeros(classes, 128, 1, 1),
        "decode_head.conv_seg.bias": torch.zeros(classes)}


def as_hugging_face(state):
    """The names of the published Hugging Face checkpoints, where keys and values have a layer each."""
    patterns = [
        (r"^encoder\.patch_embed(\d)\.norm", lambda m: f"segformer.encoder.patch_embeddings.{int(m[1]) - 1}.layer_norm"),
        (r"^encoder\.patch_embed(\d)", lambda m: f"segformer.encoder.patch_embeddings.{int(m[1]) - 1}"),
        (r"^encoder\.norm(\d)", lambda m: f"segformer.encoder.layer_norm.{int(m[1]) - 1}"),
        (r"^encoder\.block(\d)\.(\d+)", lambda m: f"segformer.encoder.block.{int(m[1]) - 1}.{m[2]}"),
        (r"\.norm(\d)\.", r".layer_norm_\1."),
        (r"\.attn\.proj\.", ".attention.output.dense."),
        (r"\.attn\.q\.", ".attention.self.query."),
        (r"\.attn\.norm\.", ".attention.self.layer_norm."),
        (r"\.attn\.", ".attention.self."),
        (r"\.mlp\.fc(\d)\.", r".mlp.dense\1."),
        (r"^projections\.(\d)", r"decode_head.linear_c.\1.proj"),
        (r"^fuse\.", "decode_head.linear_fuse."),
        (r"^norm\.", "decode_head.batch_norm."),
        (r"^classifier\.", "decode_head.classifier."),
    ]
    result = {}
    for key, value in state.items():
        for pattern, replacement in patterns:
            key = re.sub(pattern, replacement, key)
        if ".kv." in key:
            half = value.shape[0] // 2
            result[key.replace(".kv.", ".key.")] = value[:half]
            result[key.replace(".kv.", ".value.")] = value[half:]
        else:
            result[key] = value
    return result


WIDTHS = {0: [32, 64, 160, 256]}
DEPTHS = [[2, 2, 2, 2], [2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 18, 3], [3, 8, 27, 3], [3, 6, 40, 3]]


def published(index, epsilon):
    return PublishedSegformer(
        WIDTHS.get(index, [64, 128, 320, 512]), DEPTHS[index], 256 if index < 2 else 768, 150, epsilon)


# SETR and Segmenter.


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, count, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, count, width))


class Perceptron(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Names of timm and of the Segmenter repository."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Perceptron(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Wrapped(nn.Module):
    def __init__(self, name, module):
        super().__init__()
        self.add_module(name, module)
        self.inner = name

    def forward(self, *inputs):
        return getattr(self, self.inner)(*inputs)


class MMBlock(nn.Module):
    """Names of mmsegmentation."""

    def __init__(self, width, heads):
        super().__init__()
        self.ln1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Wrapped("attn", nn.MultiheadAttention(width, heads, batch_first=True))
        self.ln2 = nn.LayerNorm(width, eps=1e-6)
        self.ffn = Wrapped(
            "layers", nn.Sequential(nn.Sequential(nn.Linear(width, 4 * width), nn.GELU()), nn.Linear(4 * width, width)))

    def forward(self, x):
        y = self.ln1(x)
        x = x + self.attn.attn(y, y, y, need_weights=False)[0]
        return x + self.ffn(self.ln2(x))


def padded(image, patch):
    return F.pad(image, (0, -image.shape[3] % patch, 0, -image.shape[2] % patch))


def placed(positions, grid, size):
    """Position embeddings for a grid of another size, and the class token's before them."""
    token, rest = positions[:, :1], positions[:, 1:]
    if grid != size:
        rest = rest.reshape(1, *grid, -1).permute(0, 3, 1, 2)
        rest = F.interpolate(rest, size, mode="bilinear", align_corners=False).flatten(2).transpose(1, 2)
    return torch.cat([token, rest], 1)


class MMTransformer(nn.Module):
    def __init__(self, width, depth, heads, patch, size, levels, with_token):
        super().__init__()
        self.patch, self.grid, self.levels, self.with_token = patch, (size // patch, size // patch), levels, with_token
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + self.grid[0] * self.grid[1], width))
        self.patch_embed = Wrapped("projection", nn.Conv2d(3, width, patch, patch))
        self.layers = nn.ModuleList([MMBlock(width, heads) for _ in range(depth)])

    def forward(self, image):
        x = self.patch_embed(padded(image, self.patch))
        size = tuple(x.shape[2:])
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
        x = x + placed(self.pos_embed, self.grid, size)
        if not self.with_token:
            x = x[:, 1:]
        maps = []
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self.levels:
                tokens = x[:, 1:] if self.with_token else x
                maps.append(tokens.transpose(1, 2).reshape(len(x), -1, *size))
        return maps


class ConvModule(nn.Module):
    def __init__(self, channels, width, kernel):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def normalized(norm, x):
    return norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def enlarging(factor):
    return nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False)


class UpHead(nn.Module):
    def __init__(self, channels, width, classes, count, kernel, factor):
        super().__init__()
        self.conv_seg = nn.Conv2d(width, classes, 1)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.up_convs = nn.ModuleList([
            nn.Sequential(ConvModule(width if index else channels, width, kernel), enlarging(factor))
            for index in range(count)])

    def forward(self, x):
        x = normalized(self.norm, x)
        for step in self.up_convs:
            x = step(x)
        return self.conv_seg(x)


class MultiLevelNeck(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.norm = nn.ModuleList([nn.LayerNorm(channels, eps=1e-6) for _ in range(4)])
        self.mla = nn.Module()
        self.mla.channel_proj = nn.ModuleList([ConvModule(channels, width, 1) for _ in range(4)])
        self.mla.feat_extract = nn.ModuleList([ConvModule(width, width, 3) for _ in range(4)])

    def forward(self, maps):
        narrow = [step(normalized(norm, x)) for norm, step, x in zip(self.norm, self.mla.channel_proj, maps)]
        sums = [narrow[3]]
        for x in narrow[2::-1]:
            sums.append(sums[-1] + x)
        return [step(x) for step, x in zip(self.mla.feat_extract, sums)]


class MultiLevelHead(nn.Module):
    def __init__(self, channels, width, classes):
        super().__init__()
        self.conv_seg = nn.Conv2d(4 * width, classes, 1)
        self.up_convs = nn.ModuleList([
            nn.Sequential(ConvModule(channels, width, 3), ConvModule(width, width, 3), enlarging(4)) for _ in range(4)])

    def forward(self, maps):
        return self.conv_seg(torch.cat([step(x) for step, x in zip(self.up_convs, maps)], 1))


class SETR(nn.Module):
    def __init__(self, decoder, width, depth, heads, size, levels, classes, patch=16, head_width=256, level_width=128,
                 auxiliary=1):
        super().__init__()
        self.backbone = MMTransformer(width, depth, heads, patch, size, levels, decoder != "mla")
        if decoder == "mla":
            self.neck = MultiLevelNeck(width, head_width)
            self.decode_head = MultiLevelHead(head_width, level_width, classes)
            self.auxiliary_head = nn.ModuleList([
                Wrapped("conv_seg", nn.Conv2d(head_width, classes, 1)) for _ in range(4)])
        else:
            kernel = 1 if decoder == "naive" else 3
            count, factor = (1, 4) if decoder == "naive" else (4, 2)
            self.decode_head = UpHead(width, head_width, classes, count, kernel, factor)
            self.auxiliary_head = nn.ModuleList([
                UpHead(width, head_width, classes, auxiliary, kernel, 4) for _ in range(3)])

    def forward(self, image):
        maps = self.backbone(image)
        if hasattr(self, "neck"):
            maps = self.neck(maps)
            logits = [self.decode_head(maps)] + [head(x) for head, x in zip(self.auxiliary_head, maps)]
        else:
            logits = [self.decode_head(maps[3])] + [head(x) for head, x in zip(self.auxiliary_head, maps[:3])]
        logits = [F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=False) for x in logits]
        return {"logits": logits[0], **{f"auxiliary.{i}": x for i, x in enumerate(logits[1:])}}


class SegmenterEncoder(nn.Module):
    def __init__(self, width, depth, heads, patch, size):
        super().__init__()
        self.patch, self.grid = patch, (size // patch, size // patch)
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + self.grid[0] * self.grid[1], width))
        self.patch_embed = Wrapped("proj", nn.Conv2d(3, width, patch, patch))
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        # For classification; saved, and not used here.
        self.head = nn.Linear(width, 1000)

    def forward(self, image):
        x = self.patch_embed(image)
        size = tuple(x.shape[2:])
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
        x = x + placed(self.pos_embed, self.grid, size)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 1:], size


class MaskTransformer(nn.Module):
    def __init__(self, width, depth, heads, classes):
        super().__init__()
        self.classes = classes
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.cls_emb = nn.Parameter(0.02 * torch.randn(1, classes, width))
        self.proj_dec = nn.Linear(width, width)
        self.proj_patch = nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.proj_classes = nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.decoder_norm = nn.LayerNorm(width)
        self.mask_norm = nn.LayerNorm(classes)

    def forward(self, x):
        x = torch.cat([self.proj_dec(x), self.cls_emb.expand(len(x), -1, -1)], 1)
        for block in self.blocks:
            x = block(x)
        x = self.decoder_norm(x)
        patches, classes = x[:, : -self.classes] @ self.proj_patch, x[:, -self.classes :] @ self.proj_classes
        patches = patches / patches.norm(dim=-1, keepdim=True)
        classes = classes / classes.norm(dim=-1, keepdim=True)
        return self.mask_norm(patches @ classes.transpose(1, 2))


class Segmenter(nn.Module):
    def __init__(self, width, depth, heads, patch, size, classes, mask_depth):
        super().__init__()
        self.patch = patch
        self.encoder = SegmenterEncoder(width, depth, heads, patch, size)
        self.decoder = (
            MaskTransformer(width, mask_depth, heads, classes)
            if mask_depth else Wrapped("head", nn.Linear(width, classes)))

    def forward(self, image):
        whole = padded(image, self.patch)
        x, size = self.encoder(whole)
        masks = self.decoder(x).transpose(1, 2).reshape(len(x), -1, *size)
        masks = F.interpolate(masks, whole.shape[2:], mode="bilinear", align_corners=False)
        return masks[:, :, : image.shape[2], : image.shape[3]]


def without_classifier(state):
    return {key: value for key, value in state.items() if not key.startswith("encoder.head.")}


SIZES = {"t": (192, 12, 3), "s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}


def networks():
    result = {}
    for index in range(6):
        result[f"segformer-b{index}"] = Reference(
            lambda index=index: smp.Segformer(f"mit_b{index}", encoder_weights=None, classes=150),
            [(1, 3, 512, 512)] + ([(2, 3, 192, 256)] if index == 0 else []), form="pth" if index % 2 else "safetensors")
        result[f"segformer-b{index}-hf"] = Reference(
            lambda index=index: published(index, 1e-5), [(1, 3, 512, 512)] + ([(1, 3, 200, 333)] if index == 0 else []),
            state=as_hugging_face, form="safetensors" if index % 2 else "pth")
    for letter, levels, mla in [("l", [9, 14, 19, 23], [5, 11, 17, 23]), ("b", [4, 7, 9, 11], [2, 5, 8, 11])]:
        for decoder in ["naive", "pup", "mla"]:
            name = f"setr-{decoder}" + ("" if letter == "l" else "-b")
            result[name] = Reference(
                lambda decoder=decoder, letter=letter, levels=levels, mla=mla: SETR(
                    decoder, *SIZES[letter], 768, mla if decoder == "mla" else levels, 19),
                [(1, 3, 768, 768)] if letter == "l" else [(1, 3, 512, 400)], outputs=lambda result: result)
    for letter in SIZES:
        size = 640 if letter == "l" else 512
        result[f"segmenter-{letter}-mask"] = Reference(
            lambda letter=letter, size=size: Segmenter(*SIZES[letter], 16, size, 150, 2),
            [(1, 3, size, size)] + ([(1, 3, 250, 333)] if letter == "t" else []))
    for letter in "bl":
        size = 640 if letter == "l" else 512
        result[f"segmenter-{letter}-linear"] = Reference(
            lambda letter=letter, size=size: Segmenter(*SIZES[letter], 16, size, 150, 0), [(1, 3, size, size)])
    return result


def fixtures():
    tiny = [(1, 3, 32, 32), (2, 3, 27, 45)]
    result = {
        # A grid of position embeddings as it is, larger, and smaller.
        "vit": Reference(
            lambda: timm.models.VisionTransformer(
                img_size=48, patch_size=8, embed_dim=24, depth=3, num_heads=3, num_classes=5, dynamic_img_size=True,
                dynamic_img_pad=True), [(1, 3, 48, 48), (2, 3, 77, 60), (1, 3, 20, 33)]),
        "mit": Reference(lambda: MixedClassifier([8, 8, 10, 16], [1, 1, 2, 1], 5), [(1, 3, 48, 48), (2, 3, 64, 37)]),
        "segformer": Reference(
            lambda: SmallSegformer([8, 8, 10, 16], [1, 1, 2, 1], 12, 3), [(1, 3, 32, 64), (2, 3, 64, 32)]),
        "segformer-original": Reference(
            lambda: PublishedSegformer([8, 8, 10, 16], [1, 1, 2, 1], 12, 3, 1e-6), [(1, 3, 32, 64), (2, 3, 45, 37)],
            state=as_original),
        "segformer-hf": Reference(
            lambda: PublishedSegformer([8, 8, 10, 16], [1, 1, 2, 1], 12, 3, 1e-5), [(1, 3, 32, 64), (2, 3, 45, 37)],
            state=as_hugging_face),
        "segmenter-mask": Reference(lambda: Segmenter(24, 2, 3, 8, 32, 4, 2), tiny, state=without_classifier),
        "segmenter-linear": Reference(lambda: Segmenter(24, 2, 3, 8, 32, 4, 0), tiny, state=without_classifier),
    }
    for decoder in ["naive", "pup", "mla"]:
        result[f"setr-{decoder}"] = Reference(
            lambda decoder=decoder: SETR(
                decoder, 16, 4, 2, 32, [0, 1, 2, 3], 3, patch=8, head_width=8, level_width=4,
                auxiliary=2 if decoder == "pup" else 1), tiny, outputs=lambda result: result)
    return result
