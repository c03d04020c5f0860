"""Makes label images as programs store them, and `expected.json`, which says what labels each holds.

Needs numpy, Pillow and tifffile. Run it in any folder: it writes beside itself. The labels are drawn here, written by Pillow, tifffile
or NumPy, read back by the same library and compared with what was drawn.

`expected.json`: file -> {width, height, labels}, row by row; 65535 stands for a pixel without a label.
"""

import json
import pathlib

import numpy as np
import tifffile
from PIL import Image

here = pathlib.Path(__file__).parent
random = np.random.default_rng(5)
height, width = 5, 7
expected = {}


def note(name, labels):
    expected[name] = {"width": width, "height": height, "labels": np.where(labels < 0, 65535, labels).ravel().tolist()}


def pillow(name, array, labels, mode=None, **options):
    image = Image.fromarray(array, mode) if mode else Image.fromarray(array)
    image.save(here / name, **options)
    assert (np.array(Image.open(here / name)) == array).all(), name
    note(name, labels)


def tiff(name, array, labels, **options):
    tifffile.imwrite(here / name, array, **options)
    assert (tifffile.imread(here / name) == array).all() or np.isnan(array).any(), name
    note(name, labels)


labels = random.integers(0, 21, (height, width))
labels[2, 3] = 255
signed = np.where(labels == 255, -1, labels)
byte = labels.astype(np.uint8)

# Channels that say the same, and alpha that says nothing.
pillow("rgb_equal.png", np.stack([byte] * 3, -1), labels)
pillow("rgba_equal.png", np.stack([byte] * 3 + [np.full_like(byte, 255)], -1), labels)
pillow("grey_alpha.png", np.stack([byte, np.full_like(byte, 255)], -1), labels)
pillow("rgb_equal.bmp", np.stack([byte] * 3, -1), labels)
pillow("rgb_equal.webp", np.stack([byte] * 3, -1), labels, lossless=True)
tiff("rgb_equal.tif", np.stack([byte] * 3, -1), labels, photometric="rgb")
tiff("rgb_equal16.tif", np.stack([(labels * 200).astype(np.uint16)] * 3, -1), labels * 200, photometric="rgb")
# Formats of one channel.
pillow("grey.bmp", byte, labels)
pillow("grey.pgm", byte, labels)
pillow("bits.png", labels % 2 == 1, labels % 2)
pillow("bits.tif", labels % 2 == 1, labels % 2)
pillow("bits.pbm", labels % 2 == 1, labels % 2)
# Numbers of other types.
for type_ in ("int8", "int16", "int32", "int64", "float32", "float64"):
    tiff(f"{type_}.tif", signed.astype(type_), signed)
tiff("uint32.tif", (labels * 257).astype(np.uint32), np.minimum(labels * 257, 65535))
np.save(here / "int64.npy", signed)
note("int64.npy", signed)

# Colours. VOC's map: bit k of the label's three lowest bits goes to the k-th bit from above of each channel.
voc = np.zeros((256, 3), np.uint8)
for index in range(256):
    for bit in range(8):
        for channel in range(3):
            voc[index, channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
pillow("voc_colors.png", voc[labels], np.where(labels == 255, -1, labels))
tiff("voc_colors16.tif", voc[labels].astype(np.uint16) * 257, np.where(labels == 255, -1, labels), photometric="rgb")
image = Image.fromarray(byte)
image.putpalette(voc.tobytes())
image.save(here / "voc_palette.png")
note("voc_palette.png", labels)
image.save(here / "voc_palette.gif")
# Pillow orders a GIF's palette anew: the labels are the indices that it reads.
note("voc_palette.gif", np.array(Image.open(here / "voc_palette.gif")).astype(int))

# Refused: what is in them is said in the tests.
other = voc[labels]
other[4, 6] = (1, 2, 3)
Image.fromarray(other).save(here / "unknown_color.png")
road = np.full((height, width, 3), 140, np.uint8)
Image.fromarray(road).save(here / "ade20k_140.png")
clear = np.stack([byte, np.full_like(byte, 255)], -1)
clear[1, 2, 1] = 254
Image.fromarray(clear).save(here / "clear.png")
tifffile.imwrite(here / "uint32_large.tif", np.where(labels == labels.max(), 70000, labels).astype(np.uint32))
fraction = labels.astype(np.float32)
fraction[0, 1] = 2.5
tifffile.imwrite(here / "fraction.tif", fraction)
fraction[0, 1] = np.nan
tifffile.imwrite(here / "nan.tif", fraction)
Image.fromarray(np.stack([byte] * 3, -1)).save(here / "lossy.webp", quality=90)
# Colours whose indices are in the order in which they occur, as programs make them that shrink files.
found, indices = np.unique(voc[np.where(labels == 255, 0, labels)].reshape(-1, 3), axis=0, return_inverse=True)
found, indices = found[::-1], len(found) - 1 - indices
image = Image.fromarray(indices.reshape(height, width).astype(np.uint8))
image.putpalette(found.tobytes())
image.save(here / "shrunk_palette.png")

with open(here / "expected.json", "w") as file:
    json.dump(expected, file, sort_keys=True)
    file.write("\n")
