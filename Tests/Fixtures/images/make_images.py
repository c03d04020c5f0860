"""Makes the image fixtures and `expected.json`, which says what each file holds.

Needs numpy, pillow and tifffile. Run it in any folder: it writes beside itself. The PNG files are written here byte by byte,
because no common library writes every bit depth, interlacing and colour type.

`expected.json`: file -> {width, height, channels, bits, samples}, after orientation, samples as hexadecimal digits; `raw` holds
palette indices or unscaled grey values where a file can be read as labels; `tolerance` is the largest difference between two
JPEG decoders.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
random = np.random.default_rng(7)
expected = {}


def digits(values):
    """Hexadecimal, two or four digits a value."""
    return values.astype(values.dtype.newbyteorder(">")).tobytes().hex()


def note(name, samples, raw=None, tolerance=0):
    samples = np.asarray(samples)
    if samples.ndim == 2:
        samples = samples[:, :, None]
    entry = {
        "width": samples.shape[1],
        "height": samples.shape[0],
        "channels": samples.shape[2],
        "bits": samples.dtype.itemsize * 8,
        "samples": digits(samples),
    }
    if raw is not None:
        entry["raw"] = digits(np.asarray(raw))
    if tolerance:
        entry["tolerance"] = tolerance
    expected[name] = entry


# --- PNG -----------------------------------------------------------------------------------------------------------------


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(values, bits):
    """Rows of samples [h, w, c], each behind the filter byte 0."""
    out = b""
    for row in values:
        flat = row.ravel()
        if bits == 16:
            data = flat.astype(">u2").tobytes()
        else:
            text = "".join(format(int(v), f"0{bits}b") for v in flat)
            text += "0" * (-len(text) % 8)
            data = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
        out += b"\0" + data
    return out


ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def write_png(name, values, bits, color_type, palette=None, transparency=None, interlaced=False):
    values = values[:, :, None] if values.ndim == 2 else values
    height, width = values.shape[:2]
    if interlaced:
        passes = [values[y::dy, x::dx] for y, x, dy, dx in ADAM7]
        data = b"".join(pack_rows(part, bits) for part in passes if part.size)
    else:
        data = pack_rows(values, bits)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, interlaced))
    if palette is not None:
        png += chunk(b"PLTE", np.asarray(palette, np.uint8).tobytes())
    if transparency is not None:
        png += chunk(b"tRNS", transparency)
    png += chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
    (here / name).write_bytes(png)


W, H = 7, 5
u8 = lambda channels: random.integers(0, 256, (H, W, channels), dtype=np.uint8)
u16 = lambda channels: random.integers(0, 65536, (H, W, channels), dtype=np.uint16)

for kind, channels, color_type in [("grey", 1, 0), ("rgb", 3, 2), ("grey_alpha", 2, 4), ("rgba", 4, 6)]:
    for bits, make in [(8, u8), (16, u16)]:
        values = make(channels)
        if bits == 16:
            values[0, 0, 0], values[0, 1, 0], values[0, 2, 0] = 1, 255, 65535
        write_png(f"{kind}{bits}.png", values, bits, color_type)
        note(f"{kind}{bits}.png", values, raw=values if channels == 1 else None)
        write_png(f"{kind}{bits}_interlaced.png", values, bits, color_type, interlaced=True)
        note(f"{kind}{bits}_interlaced.png", values, raw=values if channels == 1 else None)

for bits in (1, 2, 4):
    raw = random.integers(0, 1 << bits, (H, W), dtype=np.uint8)
    write_png(f"grey{bits}.png", raw, bits, 0)
    note(f"grey{bits}.png", raw * (255 // ((1 << bits) - 1)), raw=raw)

for bits in (1, 2, 4, 8):
    count = min(1 << bits, 21)
    palette = random.integers(0, 256, (count, 3), dtype=np.uint8)
    raw = random.integers(0, count, (H, W), dtype=np.uint8)
    write_png(f"palette{bits}.png", raw, bits, 3, palette)
    note(f"palette{bits}.png", palette[raw], raw=raw)

alpha = random.integers(0, 256, 21, dtype=np.uint8)
write_png("palette8_transparent.png", raw, 8, 3, palette, alpha.tobytes())
note("palette8_transparent.png", np.concatenate([palette[raw], alpha[raw][:, :, None]], 2), raw=raw)

grey = random.integers(0, 4, (H, W), dtype=np.uint8)
write_png("grey8_transparent.png", grey, 8, 0, transparency=struct.pack(">H", 2))
note("grey8_transparent.png", np.stack([grey, np.where(grey == 2, 0, 255).astype(np.uint8)], 2), raw=grey)

# Every row filter, as an ordinary encoder chooses them.
ramp = np.add.outer(np.arange(24) * 5, np.arange(33) * 3).astype(np.uint8)
photo = np.stack([ramp, ramp[::-1], 255 - ramp], 2)
Image.fromarray(photo).save(here / "photo.png", optimize=True)
note("photo.png", photo)

for name in expected:
    pixels = expected[name]
    if pixels["bits"] == 8:
        mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixels["channels"]]
        seen = digits(np.asarray(Image.open(here / name).convert(mode)))
        assert seen == pixels["samples"], name

# --- JPEG ----------------------------------------------------------------------------------------------------------------


def note_jpeg(name, tolerance=1):
    image = ImageOps.exif_transpose(Image.open(here / name))
    note(name, np.asarray(image), tolerance=tolerance)


Image.fromarray(photo[:, :, 0]).save(here / "grey.jpg", quality=90)
Image.fromarray(photo).save(here / "rgb.jpg", quality=90, subsampling=0)
Image.fromarray(photo).save(here / "rgb_420.jpg", quality=90, subsampling=2)
Image.fromarray(photo).save(here / "rgb_progressive.jpg", quality=90, progressive=True, subsampling=0)
Image.fromarray(photo).convert("CMYK").save(here / "cmyk.jpg")
note_jpeg("grey.jpg")
note_jpeg("rgb.jpg")
note_jpeg("rgb_420.jpg", tolerance=3)
note_jpeg("rgb_progressive.jpg")

corner = np.zeros((8, 16, 3), np.uint8)
corner[:, 8:, 0] = 255
corner[4:, :, 1] = np.arange(16) * 16
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker"
    buffer = exif.tobytes()
    if orientation % 2:  # either byte order
        exif = Image.Exif()
        exif.endian = ">"
        exif[0x0112] = orientation
        entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
        buffer = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    name = f"orientation{orientation}.jpg"
    Image.fromarray(corner).save(here / name, quality=95, subsampling=0, exif=buffer)
    note_jpeg(name)

# --- TIFF ----------------------------------------------------------------------------------------------------------------


def write_tiff(name, values, want=None, raw=None, **options):
    tifffile.imwrite(here / name, values, metadata=None, software=False, **options)
    if want is None:
        want = values
    note(name, want, raw=raw)


grey8, grey16, rgb8, rgb16 = u8(1)[:, :, 0], u16(1)[:, :, 0], u8(3), u16(3)
write_tiff("grey8.tif", grey8, raw=grey8, photometric="minisblack")
write_tiff("grey16.tif", grey16, raw=grey16, photometric="minisblack", rowsperstrip=2)
write_tiff("grey16_big_endian.tif", grey16, raw=grey16, photometric="minisblack", byteorder=">")
write_tiff("grey16_bigtiff.tif", grey16, raw=grey16, photometric="minisblack", bigtiff=True)
write_tiff("grey8_white_is_zero.tif", grey8, 255 - grey8, raw=255 - grey8, photometric="miniswhite")
write_tiff("grey16_white_is_zero.tif", grey16, 65535 - grey16, raw=65535 - grey16, photometric="miniswhite")
write_tiff("rgb8.tif", rgb8, photometric="rgb", rowsperstrip=2)
write_tiff("rgb16.tif", rgb16, photometric="rgb", compression="zlib", predictor=True)
write_tiff("rgb16_planar.tif", rgb16.transpose(2, 0, 1), rgb16, photometric="rgb", planarconfig="separate", rowsperstrip=2)
write_tiff("rgba8.tif", u8(4), photometric="rgb", extrasamples=["unassalpha"])
write_tiff("rgbx8.tif", u8(4), photometric="rgb", extrasamples=["unspecified"])
write_tiff("grey_alpha16.tif", u16(2), photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
premultiplied = np.array([[[0, 0, 0, 0], [50, 100, 128, 128], [10, 20, 30, 255]]], np.uint8)
straight = np.array([[[0, 0, 0, 0], [100, 199, 255, 128], [10, 20, 30, 255]]], np.uint8)
write_tiff("rgba8_premultiplied.tif", premultiplied, straight, photometric="rgb", extrasamples=["assocalpha"])
tiled8 = random.integers(0, 256, (19, 21, 3), dtype=np.uint8)
tiled16 = random.integers(0, 9, (19, 21), dtype=np.uint16)
write_tiff("rgb8_tiled.tif", tiled8, photometric="rgb", tile=(16, 16))
write_tiff("rgb8_tiled_planar.tif", tiled8.transpose(2, 0, 1), tiled8, photometric="rgb", tile=(16, 16), planarconfig="separate")
write_tiff("grey16_tiled.tif", tiled16, raw=tiled16, photometric="minisblack", tile=(16, 16), compression="zlib", predictor=True)
colormap = random.integers(0, 256, (3, 256), dtype=np.uint16) * 257
indices = random.integers(0, 256, (H, W), dtype=np.uint8)
write_tiff("palette8.tif", indices, (colormap.T >> 8).astype(np.uint8)[indices], raw=indices, photometric="palette", colormap=colormap)
write_tiff("two_pages.tif", np.stack([grey8, 255 - grey8]), grey8, raw=grey8, photometric="minisblack")
turned = rgb8
write_tiff("orientation6.tif", turned, np.rot90(turned, -1), photometric="rgb", extratags=[(274, 3, 1, 6, True)])
tifffile.imwrite(here / "float32.tif", np.ones((2, 3), np.float32), metadata=None)
tifffile.imwrite(here / "two_channels.tif", u8(2), photometric="minisblack", planarconfig="contig", metadata=None,
                 extrasamples=["unspecified"])

bilevel = random.integers(0, 2, (H, W), dtype=np.uint8)
Image.fromarray(bilevel * 255).convert("1").save(here / "bilevel_group4.tif", compression="group4")
note("bilevel_group4.tif", bilevel * 255, raw=bilevel)
for compression in ("tiff_lzw", "packbits"):
    name = f"rgb8_{compression.removeprefix('tiff_')}.tif"
    Image.fromarray(photo).save(here / name, compression=compression)
    note(name, photo)
Image.fromarray(photo).save(here / "rgb8_jpeg.tif", compression="jpeg", quality=90)
note("rgb8_jpeg.tif", np.asarray(Image.open(here / "rgb8_jpeg.tif").convert("RGB")), tolerance=3)

(here / "expected.json").write_text(json.dumps(expected, separators=(",", ":"), sort_keys=True) + "\n")
