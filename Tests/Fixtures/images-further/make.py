"""Makes further image fixtures and `expected.json`, which says what each file holds.

Needs numpy, pillow, tifffile, imagecodecs and pillow-heif (requirements.txt). Run it in any folder: it writes beside itself. What no library
writes is written here byte by byte; what is expected is what Pillow or tifffile reads, or else the samples that were written.

`expected.json`: file -> {width, height, layout, type, white, samples}, after orientation, samples as hexadecimal digits of their
big-endian bytes; `stored` holds palette indices or unscaled grey values; `tolerance` is the largest difference between two decoders of
a lossy format or two roundings; `warnings` names what reading gives beside the image. A number behind a file's name is that of the
page. A file of `damaged` is to be an error with that word.
"""

import io
import json
import pathlib
import struct
import zlib

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageOps, PngImagePlugin

here = pathlib.Path(__file__).parent
random = np.random.default_rng(11)
expected = {}
damaged = {}
H, W = 7, 9


def digits(values):
    return values.astype(values.dtype.newbyteorder(">")).tobytes().hex()


def note(name, samples, layout=None, white=None, stored=None, tolerance=0, warnings=(), page=1):
    name = name if page == 1 else f"{name} {page}"
    samples = np.asarray(samples)
    if samples.ndim == 2:
        samples = samples[:, :, None]
    channels = samples.shape[2]
    usual = {"uint8": 255, "uint16": 65535, "float32": 1}
    expected[name] = {
        "width": samples.shape[1],
        "height": samples.shape[0],
        "layout": layout or ["grey", "greyAlpha", "rgb", "rgba"][channels - 1],
        "type": samples.dtype.name,
        "white": usual[samples.dtype.name] if white is None else white,
        "samples": digits(samples),
    }
    if stored is not None:
        stored = np.asarray(stored).astype(np.float64)
        expected[name]["stored"] = stored.ravel().tolist()
    if tolerance:
        expected[name]["tolerance"] = tolerance
    if warnings:
        expected[name]["warnings"] = list(warnings)


def integers(dtype, channels=1, low=None, high=None):
    info = np.iinfo(dtype)
    low, high = info.min if low is None else low, info.max if high is None else high
    values = random.integers(low, high, (H, W, channels), dtype=dtype, endpoint=True)
    values[0, 0], values[0, 1] = low, high
    return values


def floats(dtype, channels=1, high=1.0):
    values = (random.random((H, W, channels)) * high).astype(dtype)
    values[0, 0], values[0, 1] = 0, high
    return values


def as_float(values):
    return values.astype(np.float32)


# --- JPEG ----------------------------------------------------------------------------------------------------------------

y, x = np.mgrid[0:18, 0:21]
photo = np.stack([x * 11, y * 13, 255 - 6 * (x + y)], axis=2).astype(np.uint8)


def jpeg(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def shown(data):
    """What Pillow shows of a whole file."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    return np.asarray(image if image.mode in ("L", "RGB", "RGBA", "LA") else image.convert("RGB"))


def write_jpeg(name, data, whole=None, tolerance=1, warnings=()):
    (here / name).write_bytes(data)
    note(name, shown(whole or data), tolerance=tolerance, warnings=warnings)


rgb = Image.fromarray(photo)
baseline = jpeg(rgb, subsampling=0)
assert baseline[-2:] == b"\xff\xd9"
write_jpeg("no_end.jpg", baseline[:-2], baseline, warnings=["noEndMarker"])
write_jpeg("half_end.jpg", baseline[:-1], baseline, warnings=["noEndMarker"])
write_jpeg("zero_end.jpg", baseline[:-2] + b"\0\0", baseline, warnings=["noEndMarker"])
write_jpeg("padded_end.jpg", baseline[:-2] + bytes(500), baseline, warnings=["noEndMarker"])
write_jpeg("trailing.jpg", baseline + b"\0\1\2 anything", baseline)
for name, data in {
    "420": jpeg(rgb, subsampling=2),
    "grey": jpeg(rgb.convert("L")),
    "progressive": jpeg(rgb, progressive=True),
    "restarts": jpeg(rgb, restart_marker_blocks=2),
    "cmyk": jpeg(rgb.convert("CMYK")),
}.items():
    write_jpeg(f"no_end_{name}.jpg", data[:-2], data, tolerance=2, warnings=["noEndMarker"])
    half = len(data) * 2 // 3
    (here / f"cut_{name}.jpg").write_bytes(data[:half])
    damaged[f"cut_{name}.jpg"] = "incomplete"

# Between two scans every byte is whole, but the picture is not.
progressive = jpeg(rgb, progressive=True)
scans = [i for i in range(len(progressive) - 1) if progressive[i : i + 2] == b"\xff\xda"]
(here / "cut_between_scans.jpg").write_bytes(progressive[: scans[-1]])
damaged["cut_between_scans.jpg"] = "incomplete"

cmyk = np.stack([x * 11, y * 13, 6 * (x + y), np.minimum(x, y) * 11], axis=2).astype(np.uint8)
inks = Image.fromarray(cmyk, mode="CMYK")
write_jpeg("cmyk.jpg", jpeg(inks), tolerance=2)
write_jpeg("cmyk_progressive.jpg", jpeg(inks, progressive=True), tolerance=2)
write_jpeg(
    "ycck.jpg",
    imagecodecs.jpeg8_encode(255 - cmyk, level=92, colorspace="CMYK", outcolorspace="YCCK"),
    tolerance=3,
)
write_jpeg(
    "ycck_420.jpg",
    imagecodecs.jpeg8_encode(255 - cmyk, level=92, colorspace="CMYK", outcolorspace="YCCK", subsampling="420"),
    tolerance=4,
)
data = jpeg(inks)
adobe = data.index(b"\xff\xee")
size = struct.unpack(">H", data[adobe + 2 : adobe + 4])[0]
write_jpeg("cmyk_without_adobe.jpg", data[:adobe] + data[adobe + 2 + size :], tolerance=2, warnings=["assumed"])
write_jpeg("rgb_unconverted.jpg", jpeg(rgb, keep_rgb=True))


def exif_of(orientation, order="<"):
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)


def xmp_of(orientation, is_element=False):
    inside = (
        f"><tiff:Orientation>{orientation}</tiff:Orientation></rdf:Description>"
        if is_element
        else f' tiff:Orientation="{orientation}"/>'
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{inside}</rdf:RDF></x:xmpmeta>'
    )


def segment(code, contents):
    return b"\xff" + bytes([code]) + struct.pack(">H", len(contents) + 2) + contents


start = baseline[:2]
write_jpeg("exif_big_endian.jpg", start + segment(0xE1, b"Exif\0\0" + exif_of(8, ">")) + baseline[2:])
xmp_name = b"http://ns.adobe.com/xap/1.0/\0"
write_jpeg("xmp_orientation.jpg", start + segment(0xE1, xmp_name + xmp_of(6).encode()) + baseline[2:])
write_jpeg("xmp_element.jpg", start + segment(0xE1, xmp_name + xmp_of(3, True).encode()) + baseline[2:])
both = segment(0xE1, b"Exif\0\0" + exif_of(2)) + segment(0xE1, xmp_name + xmp_of(6).encode())
write_jpeg("exif_and_xmp.jpg", start + both + baseline[2:])

# --- PNG -----------------------------------------------------------------------------------------------------------------


def chunk(kind, contents):
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def png(image, before=b"", behind=b""):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    data = buffer.getvalue()
    first = data.index(b"IDAT") - 4
    last = data.index(b"IEND") - 4
    return data[:first] + before + data[first:last] + behind + data[last:]


def write_png(name, data, **more):
    (here / name).write_bytes(data)
    note(name, shown(data), **more)


small = integers(np.uint8, 3)
for orientation in range(1, 9):
    write_png(f"exif{orientation}.png", png(Image.fromarray(small), chunk(b"eXIf", exif_of(orientation))))
write_png("exif_behind.png", png(Image.fromarray(small), behind=chunk(b"eXIf", exif_of(6, ">"))))
grey = integers(np.uint8)[:, :, 0]
data = png(Image.fromarray(grey), chunk(b"eXIf", exif_of(5)))
write_png("exif_grey.png", data, stored=shown(data))
values = integers(np.uint16)[:, :, 0]
data = png(Image.fromarray(values), chunk(b"eXIf", exif_of(7)))
(here / "exif_grey16.png").write_bytes(data)
turned = np.asarray(Image.fromarray(values).transpose(Image.Transpose.TRANSVERSE))
note("exif_grey16.png", turned.astype(np.uint16), stored=turned)
block = b"Exif\0\0" + exif_of(8)
lines = "\nexif\n%8d\n%s\n" % (len(block), "\n".join(block.hex()[i : i + 72] for i in range(0, 2 * len(block), 72)))
contents = b"Raw profile type exif\0\0" + zlib.compress(lines.encode())
write_png("exif_as_text.png", png(Image.fromarray(small), chunk(b"zTXt", contents)))
contents = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_of(6).encode()
write_png("xmp_orientation.png", png(Image.fromarray(small), chunk(b"iTXt", contents)))
values = integers(np.uint16, high=4095)[:, :, 0]
(here / "twelve_in_sixteen.png").write_bytes(png(Image.fromarray(values)))
note("twelve_in_sixteen.png", values, warnings=["littleOfRange"], stored=values)

# --- TIFF ----------------------------------------------------------------------------------------------------------------


def write_tiff(name, values, want=None, layout=None, white=None, warnings=(), tolerance=0, stored=None, **options):
    """tifffile's file, and as the oracle what tifffile reads of it, in the type that images have."""
    options.setdefault("photometric", "minisblack" if values.shape[-1] not in (3, 4) else "rgb")
    options.setdefault("metadata", None)
    squeezed = values[:, :, 0] if values.ndim == 3 and values.shape[2] == 1 else values
    tifffile.imwrite(here / name, squeezed, **options)
    if want is None:
        want = tifffile.imread(here / name)
        if options.get("planarconfig") == "separate":
            want = np.moveaxis(want, 0, -1)
        want = want if want.dtype in (np.uint8, np.uint16) else as_float(want)
    note(name, want, layout, white, stored, tolerance, warnings)


for dtype in ("float16", "float32", "float64"):
    values = floats(dtype)
    write_tiff(f"{dtype}.tif", values, stored=values.astype(np.float64))
    write_tiff(f"{dtype}_rgb.tif", floats(dtype, 3))
write_tiff("float32_big_endian.tif", floats("float32", 3), byteorder=">")
write_tiff("float16_big_endian.tif", floats("float16"), byteorder=">")
write_tiff("float32_predictor.tif", floats("float32"), compression="zlib", predictor=3)
write_tiff("float64_predictor.tif", floats("float64"), compression="lzw", predictor=3)
write_tiff("float16_predictor.tif", floats("float16", 3), compression="zlib", predictor=3)
write_tiff("float32_planar.tif", np.moveaxis(floats("float32", 3), -1, 0), planarconfig="separate", photometric="rgb")
write_tiff("float32_tiled.tif", floats("float32"), tile=(16, 16))
write_tiff("float32_alpha.tif", floats("float32", 4), extrasamples=["unassalpha"])
write_tiff("float32_255.tif", floats("float32", 3, 255.0), warnings=["beyondWhite"])
write_tiff("float32_little_over.tif", floats("float32", 1, 1.25))
values = floats("float32")
values[2, 3], values[3, 3], values[4, 4] = np.nan, np.inf, -np.inf
want = np.where(np.isfinite(values), values, 0)
write_tiff("float32_nan.tif", values, want, warnings=["notNumbers"])
values = floats("float32")
values[1, 1:4] = -9999
no_data = [(42113, "s", 6, "-9999", True)]
write_tiff("no_data.tif", values, np.where(values < 0, 0, values), warnings=["noData"], extratags=no_data)
write_tiff("far_below_black.tif", values, warnings=["belowBlack"])
values = integers("int16", low=0)
values[2, 2] = -9999
write_tiff("no_data_int16.tif", values, as_float(np.maximum(values, 0)), white=32767, warnings=["noData"], extratags=no_data)
write_tiff("no_data_zero.tif", integers("uint16"), extratags=[(42113, "s", 2, "0", True)])

for dtype in ("int8", "int16", "int32", "int64"):
    values = integers(dtype)
    white = float(np.float32(np.iinfo(dtype).max))
    write_tiff(f"{dtype}.tif", values, white=white, stored=None if dtype == "int64" else values)
write_tiff("int16_rgb.tif", integers("int16", 3, low=0), white=32767)
write_tiff("int16_predictor.tif", integers("int16"), white=32767, compression="lzw", predictor=2)
for dtype in ("uint32", "uint64"):
    values = integers(dtype)
    white = float(np.float32(np.iinfo(dtype).max))
    write_tiff(f"{dtype}.tif", values, white=white, stored=None if dtype == "uint64" else values)
write_tiff("uint32_predictor.tif", integers("uint32"), white=float(np.float32(2**32 - 1)), compression="zlib", predictor=2)
write_tiff("uint32_big_endian.tif", integers("uint32"), white=float(np.float32(2**32 - 1)), byteorder=">")
values = integers("uint32", high=3000)
write_tiff("uint32_small.tif", values, white=float(np.float32(2**32 - 1)), stored=values, warnings=["littleOfRange"])
values = integers("int16", low=-1, high=20)
write_tiff("int16_labels.tif", values, white=32767, stored=values, warnings=["littleOfRange"])

# 12 bits in 16.
values = integers("uint16", high=4095)
write_tiff("twelve_in_sixteen.tif", values, warnings=["littleOfRange"])
write_tiff("max_sample_value.tif", values, white=4095, extratags=[(281, "H", 1, 4095, True)])
write_tiff("s_max_sample_value.tif", values, white=4095, extratags=[(341, "H", 1, 4095, True)])
write_tiff("max_sample_value_rgb.tif", integers("uint16", 3, high=1000), white=1023, extratags=[(281, "H", 3, (1023,) * 3, True)])
write_tiff("max_sample_value_odd.tif", integers("uint16", high=9000), white=10000, warnings=["statedWhite"], extratags=[(281, "H", 1, 10000, True)])
write_tiff("max_sample_value_wrong.tif", values, warnings=["littleOfRange"], extratags=[(281, "H", 1, 255, True)])
write_tiff("max_sample_value_full.tif", integers("uint16", high=52113), extratags=[(281, "H", 1, 52113, True)])
write_tiff("max_sample_value_int16.tif", integers("int16", low=-5, high=1023), white=1023, extratags=[(341, "h", 1, 1023, True)])


def packed(values, bits):
    """Rows of samples, each row padded to whole bytes, from the high bit."""
    rows = b""
    for row in values.reshape(values.shape[0], -1):
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        rows += bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    return rows


def tiff(tags, strips, order="<"):
    """A file of one directory. `tags`: number -> (type, values)."""
    kinds = {"B": (1, 1), "s": (2, 1), "H": (3, 2), "I": (4, 4)}
    tags = dict(tags)
    tags[273] = ("I", [0] * len(strips))
    tags[279] = ("I", [len(strip) for strip in strips])
    size = 8 + 2 + 12 * len(tags) + 4
    overflow = {}
    for tag, (kind, values) in sorted(tags.items()):
        count = len(values) * kinds[kind][1]
        if count > 4:
            overflow[tag] = size
            size += count + count % 2
    offsets = []
    for strip in strips:
        offsets.append(size)
        size += len(strip)
    tags[273] = ("I", offsets)
    entries = extra = b""
    for tag, (kind, values) in sorted(tags.items()):
        data = struct.pack(f"{order}{len(values)}{kind}", *values)
        entries += struct.pack(order + "HHI", tag, kinds[kind][0], len(values))
        if tag in overflow:
            entries += struct.pack(order + "I", overflow[tag])
            extra += data + b"\0" * (len(data) % 2)
        else:
            entries += data + b"\0" * (4 - len(data))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + extra + b"".join(strips)


def basic(bits, photometric, channels=1, compression=1, **more):
    tags = {256: ("I", [W]), 257: ("I", [H]), 258: ("H", [bits] * channels), 259: ("H", [compression])}
    if photometric is not None:
        tags[262] = ("H", [photometric])
    tags |= {277: ("H", [channels]), 278: ("I", [H])}
    return tags | {int(key[1:]): value for key, value in more.items()}


def write_raw_tiff(name, tags, strips, want, order="<", **more):
    (here / name).write_bytes(tiff(tags, strips, order))
    note(name, want, **more)


for bits in (9, 10, 11, 12, 13, 14, 15):
    values = integers("uint16", high=2**bits - 1)
    write_raw_tiff(f"bits{bits}.tif", basic(bits, 1), [packed(values, bits)], values, white=2**bits - 1, stored=values)
    assert bits not in (10, 12, 14) or (tifffile.imread(here / f"bits{bits}.tif") == values[:, :, 0]).all()
for bits in (10, 12, 14):
    values = integers("uint16", 3, high=2**bits - 1)
    write_raw_tiff(f"bits{bits}_rgb.tif", basic(bits, 2, 3), [packed(values, bits)], values, white=2**bits - 1)
values = integers("uint16", high=4095)
write_raw_tiff("bits12_big_endian.tif", basic(12, 1), [packed(values, 12)], values, ">", white=4095)
write_raw_tiff("bits12_white_is_zero.tif", basic(12, 0), [packed(values, 12)], 4095 - values, white=4095, stored=4095 - values)
write_raw_tiff("bits12_deflate.tif", basic(12, 1, 1, 8), [zlib.compress(packed(values, 12))], values, white=4095)
reverse = bytes(int(format(b, "08b")[::-1], 2) for b in range(256))
data = packed(values, 12).translate(reverse)
write_raw_tiff("bits12_fill_order.tif", basic(12, 1, t266=("H", [2])), [data], values, white=4095)
planes = integers("uint16", 3, high=4095)
write_raw_tiff("bits12_planar.tif", basic(12, 2, 3, t284=("H", [2])), [packed(planes[:, :, c], 12) for c in range(3)], planes, white=4095)
for bits in (3, 5, 6, 7):
    values = integers("uint8", high=2**bits - 1)
    write_raw_tiff(f"bits{bits}.tif", basic(bits, 1), [packed(values, bits)], values, white=2**bits - 1, stored=values)
values = integers("uint8", 3, high=15)
write_raw_tiff("bits4_rgb.tif", basic(4, 2, 3), [packed(values, 4)], values * 17)

# Inks.


def from_inks(values, white):
    """Red, green and blue as Pillow makes them of inks, for any white."""
    values = values.astype(np.int64)
    light = white - values[:, :, 3:4]
    return light - (values[:, :, :3] * light + white // 2) // white


values = integers("uint8", 4)
pillow = np.asarray(Image.fromarray(values, mode="CMYK").convert("RGB"))
assert (from_inks(values, 255) == pillow).all()
write_tiff("cmyk8.tif", values, pillow, photometric="separated")
write_tiff("cmyk8_tiled.tif", values, pillow, photometric="separated", tile=(16, 16), compression="lzw")
write_tiff("cmyk8_planar.tif", np.moveaxis(values, -1, 0), pillow, photometric="separated", planarconfig="separate")
five = integers("uint8", 5)
rgb_of_five = np.asarray(Image.fromarray(five[:, :, :4].copy(), mode="CMYK").convert("RGB"))
write_tiff("cmyk8_extra.tif", five, rgb_of_five, photometric="separated", extrasamples=["unspecified"])
write_tiff("cmyk8_alpha.tif", five, np.concatenate([rgb_of_five, five[:, :, 4:]], 2), photometric="separated", extrasamples=["unassalpha"])
values = integers("uint16", 4)
write_tiff("cmyk16.tif", values, from_inks(values, 65535).astype(np.uint16), photometric="separated")
values = integers("uint8", 5)
write_raw_tiff("five_inks.tif", basic(8, 5, 5, t332=("H", [2])), [values.tobytes()], values, layout="bands5")

# Luma and chroma: what Pillow shows of the same file.
planes = np.asarray(Image.fromarray(photo[:H, :W]).convert("YCbCr"))
tags = basic(8, 6, 3, t530=("H", [1, 1]))
(here / "ycbcr.tif").write_bytes(tiff(tags, [planes.tobytes()]))
note("ycbcr.tif", np.asarray(Image.fromarray(photo[:H, :W])), tolerance=2)
subsampled = b""
for row in range(0, 8, 2):
    for column in range(0, 10, 2):
        at = [(min(row + r, H - 1), min(column + c, W - 1)) for r in (0, 1) for c in (0, 1)]
        subsampled += bytes(int(planes[p][0]) for p in at) + bytes(int(planes[at[0]][c]) for c in (1, 2))
tags = basic(8, 6, 3, 8, t530=("H", [2, 2]))
(here / "ycbcr_420.tif").write_bytes(tiff(tags, [zlib.compress(subsampled)]))
note("ycbcr_420.tif", np.asarray(Image.open(here / "ycbcr_420.tif").convert("RGB")), tolerance=2)
tifffile.imwrite(here / "ycbcr_jpeg.tif", photo[:16, :16], photometric="ycbcr", compression="jpeg", compressionargs={"level": 95}, metadata=None)
note("ycbcr_jpeg.tif", np.asarray(Image.open(here / "ycbcr_jpeg.tif").convert("RGB")), tolerance=2)

# Bands.
extra = ["unspecified"]
for count, dtype in ((2, "uint8"), (3, "uint8"), (4, "uint16"), (5, "uint16"), (12, "uint16")):
    values = integers(dtype, count)
    write_tiff(f"bands{count}.tif", values, layout=f"bands{count}", photometric="minisblack", extrasamples=extra * (count - 1))
    write_tiff(
        f"bands{count}_planar.tif", np.moveaxis(values, -1, 0), layout=f"bands{count}", photometric="minisblack",
        planarconfig="separate", extrasamples=extra * (count - 1))
values = integers("uint16", 6)
write_raw_tiff("bands6_unstated.tif", basic(16, 1, 6), [values.astype("<u2").tobytes()], values, layout="bands6")
values = floats("float32", 4)
write_tiff("bands4_float32.tif", values, layout="bands4", photometric="minisblack", extrasamples=extra * 3)
values = integers("int16", 4, low=0)
write_tiff("bands4_int16.tif", values, layout="bands4", white=32767, photometric="minisblack", extrasamples=extra * 3)
write_tiff("rgb_infrared.tif", integers("uint8", 4), layout="bands4", extrasamples=extra)
write_tiff("rgb_two_more.tif", integers("uint16", 5), layout="bands5", photometric="rgb", extrasamples=extra * 2)
write_tiff("bands4_tiled.tif", integers("uint8", 4), layout="bands4", photometric="minisblack", extrasamples=extra * 3, tile=(16, 16), compression="zlib")
values = integers("uint8", 2)
write_raw_tiff("grey_alpha_unstated.tif", basic(8, 1, 2), [values.tobytes()], values)
values = integers("uint8", 4)
write_raw_tiff("rgb_alpha_unstated.tif", basic(8, 2, 4), [values.tobytes()], values)

# Palettes.
colors = random.integers(0, 256, (3, 16))
indices = integers("uint8", high=15)
want = colors.T[indices[:, :, 0]].astype(np.uint8)
map16 = ("H", [int(c) * 257 for c in colors.ravel()])
map8 = ("H", [int(c) for c in colors.ravel()])
write_raw_tiff("palette4.tif", basic(4, 3, t320=map16), [packed(indices, 4)], want, stored=indices)
write_raw_tiff("palette4_of_bytes.tif", basic(4, 3, t320=map8), [packed(indices, 4)], want, stored=indices, warnings=["assumed"])
both = np.concatenate([indices, integers("uint8", high=15)], 2)
tags = basic(4, 3, 2, t320=map16, t338=("H", [2]))
write_raw_tiff("palette4_alpha.tif", tags, [packed(both, 4)], np.concatenate([want, both[:, :, 1:] * 17], 2))
write_raw_tiff("palette4_extra.tif", basic(4, 3, 2, t320=map16, t338=("H", [0])), [packed(both, 4)], want)

# Pages, meanings that are not stated, compressions.
with tifffile.TiffWriter(here / "three_pages.tif") as file:
    pages = [integers("uint8") for _ in range(3)]
    for page in pages:
        file.write(page[:, :, 0], photometric="minisblack", metadata=None, contiguous=False)
for number, page in enumerate(pages):
    note("three_pages.tif", page, warnings=["furtherPages"], page=number + 1)
with tifffile.TiffWriter(here / "reduced_copies.tif") as file:
    page = integers("uint8", 3)
    file.write(page, photometric="rgb", metadata=None, contiguous=False)
    file.write(page[::2, ::2], photometric="rgb", metadata=None, contiguous=False, subfiletype=1)
    file.write(page[::4, ::4], photometric="rgb", metadata=None, contiguous=False, subfiletype=1)
note("reduced_copies.tif", page)
tifffile.imwrite(here / "only_reduced.tif", grey[:4, :5], subfiletype=1, metadata=None)
note("only_reduced.tif", grey[:4, :5], warnings=["assumed"])
values = integers("uint8", 3)
write_raw_tiff("unstated_rgb.tif", basic(8, None, 3), [values.tobytes()], values, warnings=["assumed"])
values = integers("uint8")
write_raw_tiff("unstated_grey.tif", basic(8, None), [values.tobytes()], values, stored=values, warnings=["assumed"])
for name in ("zstd", "lzma", "packbits"):
    write_tiff(f"{name}.tif", integers("uint16", 3), compression=name)
write_tiff("zlib_predictor.tif", integers("uint16", 3), compression="zlib", predictor=2)
write_tiff("orientation5_float.tif", floats("float32", 3), extratags=[(274, "H", 1, 5, True)])
expected["orientation5_float.tif"] |= {
    "width": H,
    "height": W,
    "samples": digits(np.swapaxes(tifffile.imread(here / "orientation5_float.tif"), 0, 1)),
}

# --- BMP -----------------------------------------------------------------------------------------------------------------


def bmp(name, bits, rows, header=40, compression=0, height=H, palette=b"", masks=(), colors=0, offset=None):
    size = 14 + header + (4 * len(masks) if header == 40 else 0) + len(palette)
    start = size if offset is None else offset
    if header == 12:
        info = struct.pack("<IHHHH", 12, W, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, W, height, 1, bits, compression, len(rows), 2835, 2835, colors, 0)
        info += struct.pack(f"<{len(masks)}I", *masks)
        info = info.ljust(header, b"\0") if header > 40 else info
    (here / name).write_bytes(b"BM" + struct.pack("<IHHI", size + len(rows), 0, 0, start) + info + palette + rows)


def padded(values, bits):
    """Rows from the bottom, each padded to four bytes."""
    rows = b""
    for row in values[::-1]:
        data = packed(row[None], bits) if bits < 16 else row.tobytes()
        rows += data + b"\0" * (-len(data) % 4)
    return rows


def in_pillow(name):
    image = Image.open(here / name)
    return np.asarray(image.convert("RGBA" if image.mode == "RGBA" else "RGB"))


for bits in (1, 4, 8):
    table = random.integers(0, 256, (2**bits, 3)).astype(np.uint8)
    indices = integers("uint8", high=2**bits - 1)[:, :, 0]
    entries = b"".join(bytes(c[::-1]) + b"\0" for c in table)
    bmp(f"palette{bits}.bmp", bits, padded(indices, bits), palette=entries)
    assert (in_pillow(f"palette{bits}.bmp") == table[indices]).all()
    note(f"palette{bits}.bmp", table[indices], stored=indices)
    bmp(f"palette{bits}_top.bmp", bits, padded(indices[::-1], bits), palette=entries, height=-H)
    note(f"palette{bits}_top.bmp", in_pillow(f"palette{bits}_top.bmp"), stored=indices)
    bmp(f"palette{bits}_os2.bmp", bits, padded(indices, bits), header=12, palette=b"".join(bytes(c[::-1]) for c in table))
    note(f"palette{bits}_os2.bmp", in_pillow(f"palette{bits}_os2.bmp"), stored=indices)
table = random.integers(0, 256, (4, 3)).astype(np.uint8)
indices = integers("uint8", high=3)[:, :, 0]
bmp("palette2.bmp", 2, padded(indices, 2), palette=b"".join(bytes(c[::-1]) + b"\0" for c in table))
note("palette2.bmp", table[indices], stored=indices)
table = random.integers(0, 256, (5, 3)).astype(np.uint8)
indices = integers("uint8", high=4)[:, :, 0]
bmp("palette8_of_five.bmp", 8, padded(indices, 8), palette=b"".join(bytes(c[::-1]) + b"\0" for c in table), colors=5)
note("palette8_of_five.bmp", in_pillow("palette8_of_five.bmp"), stored=indices)
ramp = b"".join(bytes([i, i, i, 0]) for i in range(256))
indices = integers("uint8")[:, :, 0]
bmp("grey8.bmp", 8, padded(indices, 8), palette=ramp)
note("grey8.bmp", in_pillow("grey8.bmp"), stored=indices)

# Run-length encoding: a run, a stretch, a jump over pixels that stay 0, an odd stretch with its padding.
table = random.integers(0, 256, (16, 3)).astype(np.uint8)
entries = b"".join(bytes(c[::-1]) + b"\0" for c in table)
runs8, runs4, want = b"", b"", np.zeros((H, W), np.uint8)
for row in range(H - 1, -1, -1):
    if row == 3:  # two columns to the right, none up
        runs8 += bytes([0, 2, 2, 0, 7, 5, 0, 0])
        runs4 += bytes([0, 2, 2, 0, 7, 0x5A, 0, 0])
        want[row, 2:] = 5
    else:
        stretch = random.integers(0, 16, 5).astype(np.uint8)
        runs8 += bytes([4, 9, 0, 5, *stretch, 0, 0, 0])
        runs4 += bytes([4, 0x9C, 0, 5, stretch[0] << 4 | stretch[1], stretch[2] << 4 | stretch[3], stretch[4] << 4, 0, 0, 0])
        want[row, :4], want[row, 4:] = 9, stretch
want4 = want.copy()
for row in range(H):
    if row == 3:
        want4[row, 2:] = [5, 10, 5, 10, 5, 10, 5]
    else:
        want4[row, :4] = [9, 12, 9, 12]
bmp("runs8.bmp", 8, runs8 + b"\0\1", compression=1, palette=entries, colors=16)
bmp("runs4.bmp", 4, runs4 + b"\0\1", compression=2, palette=entries, colors=16)
bmp("runs8_unended.bmp", 8, runs8[:-2], compression=1, palette=entries, colors=16)
for name, indices in (("runs8.bmp", want), ("runs4.bmp", want4), ("runs8_unended.bmp", want)):
    assert name == "runs8_unended.bmp" or (in_pillow(name) == table[indices]).all()
    note(name, table[indices], stored=indices)
bmp("runs8_cut.bmp", 8, runs8[: len(runs8) // 2], compression=1, palette=entries, colors=16)
damaged["runs8_cut.bmp"] = "incomplete"

values = integers("uint16")[:, :, 0]
for name, compression, masks in (
    ("rgb555.bmp", 0, ()),
    ("rgb555_masks.bmp", 3, (0x7C00, 0x3E0, 0x1F)),
    ("rgb565.bmp", 3, (0xF800, 0x7E0, 0x1F)),
):
    bmp(name, 16, padded(values, 16), compression=compression, masks=masks)
    note(name, in_pillow(name))
values = integers("uint8", 3)
bmp("rgb24.bmp", 24, padded(values, 24))
note("rgb24.bmp", in_pillow("rgb24.bmp"))
bmp("rgb24_top.bmp", 24, padded(values, 24), height=-H)
note("rgb24_top.bmp", in_pillow("rgb24_top.bmp"))
bmp("rgb24_os2.bmp", 24, padded(values, 24), header=12)
note("rgb24_os2.bmp", in_pillow("rgb24_os2.bmp"))
bmp("rgb24_v5.bmp", 24, padded(values, 24), header=124)
note("rgb24_v5.bmp", in_pillow("rgb24_v5.bmp"))
values = integers("uint8", 4)
bmp("rgbx32.bmp", 32, padded(values, 32))
note("rgbx32.bmp", in_pillow("rgbx32.bmp"))
bmp("rgb32_masks.bmp", 32, padded(values, 32), compression=3, masks=(0xFF000000, 0xFF0000, 0xFF00))
note("rgb32_masks.bmp", in_pillow("rgb32_masks.bmp"))
for header in (108, 124):
    bmp(f"rgba32_{header}.bmp", 32, padded(values, 32), header=header, compression=3, masks=(0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    note(f"rgba32_{header}.bmp", in_pillow(f"rgba32_{header}.bmp"))
bmp("rgb24_cut.bmp", 24, padded(integers("uint8", 3), 24)[:100])
damaged["rgb24_cut.bmp"] = "incomplete"

# --- GIF -----------------------------------------------------------------------------------------------------------------


def lzw(indices, bits):
    """Codes of one width: the table is cleared before it would grow."""
    width, clear = bits + 1, 1 << bits
    codes = []
    for number, index in enumerate(indices):
        if number % max(1, (1 << bits) - 2) == 0:
            codes.append(clear)
        codes.append(int(index))
    codes.append(clear + 1)
    text = "".join(format(code, f"0{width}b")[::-1] for code in codes)
    text += "0" * (-len(text) % 8)
    data = bytes(int(text[i : i + 8][::-1], 2) for i in range(0, len(text), 8))
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return bytes([bits]) + blocks + b"\0"


def frame(values, left=0, top=0, bits=4, local=None, interlaced=False, transparent=None):
    height, width = values.shape
    control = b"" if transparent is None else b"!\xf9\4" + bytes([1, 0, 0, transparent, 0])
    rows = values
    if interlaced:
        rows = np.concatenate([values[a::b] for a, b in ((0, 8), (4, 8), (2, 4), (1, 2))])
    flags = (0x40 if interlaced else 0) | (0x80 | bits - 1 if local is not None else 0)
    head = b"," + struct.pack("<HHHHB", left, top, width, height, flags)
    return control + head + (b"" if local is None else local.tobytes()) + lzw(rows.ravel(), bits)


def gif(name, frames, palette, size=(W, H), background=0):
    flags = 0x80 | 0x70 | 3 if palette is not None else 0x70
    screen = struct.pack("<HHBBB", *size, flags, background, 0)
    (here / name).write_bytes(
        b"GIF89a" + screen + (b"" if palette is None else palette.tobytes()) + b"".join(frames) + b";")


palette = random.integers(0, 256, (16, 3)).astype(np.uint8)
local = random.integers(0, 256, (16, 3)).astype(np.uint8)
indices = integers("uint8", high=15)[:, :, 0]


def note_gif(name, warnings=(), stored=None):
    image = Image.open(here / name)
    wanted = np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB"))
    note(name, wanted, warnings=warnings, stored=stored)


gif("plain.gif", [frame(indices)], palette)
note_gif("plain.gif", stored=indices)
gif("interlaced.gif", [frame(indices, interlaced=True)], palette)
note_gif("interlaced.gif", stored=indices)
gif("transparent.gif", [frame(indices, transparent=3)], palette)
note_gif("transparent.gif")
gif("local_palette.gif", [frame(indices, local=local)], palette)
note_gif("local_palette.gif")
gif("only_local_palette.gif", [frame(indices, local=local)], None)
note_gif("only_local_palette.gif")
gif("no_palette.gif", [frame(indices)], None)
note_gif("no_palette.gif", stored=indices)
gif("part_of_screen.gif", [frame(indices[:4, :5], 2, 1)], palette)
note_gif("part_of_screen.gif")
gif("part_of_screen_transparent.gif", [frame(indices[:4, :5], 2, 1, transparent=7)], palette)
note_gif("part_of_screen_transparent.gif")
gif("beyond_screen.gif", [frame(indices, 3, 2)], palette)
note_gif("beyond_screen.gif")
gif("animation.gif", [frame(indices), frame(15 - indices)], palette)
note_gif("animation.gif", warnings=["furtherFrames"])
gif("commented.gif", [b"!\xfe\5hello\0", b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", frame(indices, transparent=2)], palette)
note_gif("commented.gif")
data = (here / "plain.gif").read_bytes()
(here / "unended.gif").write_bytes(data[:-1])
note("unended.gif", np.asarray(Image.open(here / "plain.gif").convert("RGB")))
(here / "cut.gif").write_bytes(data[: len(data) - 25])
damaged["cut.gif"] = "incomplete"
Image.fromarray(photo).quantize(64).save(here / "pillow.gif")
note_gif("pillow.gif")

# --- WebP ----------------------------------------------------------------------------------------------------------------


def webp(name, image, warnings=(), tolerance=0, **options):
    image.save(here / name, "WEBP", **options)
    note(name, shown((here / name).read_bytes()), warnings=warnings, tolerance=tolerance)


rgba = Image.fromarray(integers("uint8", 4))
webp("lossless.webp", Image.fromarray(integers("uint8", 3)), lossless=True)
webp("lossless_alpha.webp", rgba, lossless=True, exact=True)
webp("lossy.webp", Image.fromarray(photo), quality=85, tolerance=2)
with_alpha = np.concatenate([photo, (x * 11)[:, :, None].astype(np.uint8)], 2)
webp("lossy_alpha.webp", Image.fromarray(with_alpha), quality=85, tolerance=2)
for orientation in (3, 6):
    webp(f"exif{orientation}.webp", Image.fromarray(small), lossless=True, exif=exif_of(orientation))
webp("xmp_orientation.webp", Image.fromarray(small), lossless=True, xmp=xmp_of(8).encode())
others = [Image.fromarray(integers("uint8", 3)) for _ in range(2)]
webp("animation.webp", Image.fromarray(small), warnings=["furtherFrames"], lossless=True, save_all=True, append_images=others)
webp("animation_alpha.webp", rgba, warnings=["furtherFrames"], lossless=True, exact=True, save_all=True, append_images=others)
data = (here / "lossless.webp").read_bytes()
(here / "cut.webp").write_bytes(data[: len(data) * 2 // 3])
damaged["cut.webp"] = "incomplete"

# --- netpbm --------------------------------------------------------------------------------------------------------------


def netpbm(name, header, data, want, **more):
    (here / name).write_bytes(header.encode() + data)
    note(name, want, **more)


bits = random.integers(0, 2, (H, W)).astype(np.uint8)
text = "\n".join("".join(map(str, row)) for row in bits)
netpbm("plain.pbm", f"P1\n# a comment\n{W} {H}\n{text}\n", b"", (1 - bits) * 255, stored=bits)
netpbm("raw.pbm", f"P4\n{W} {H}\n", packed(bits, 1), (1 - bits) * 255, stored=bits)
assert (np.asarray(Image.open(here / "raw.pbm").convert("L")) == (1 - bits) * 255).all()
values = integers("uint8", high=100)
text = "\n".join(" ".join(map(str, row)) for row in values[:, :, 0])
netpbm("plain.pgm", f"P2\n{W} {H} # width and height\n100\n{text}", b"", values, white=100, stored=values)
values = integers("uint8")
netpbm("raw.pgm", f"P5 {W} {H} 255\n", values.tobytes(), values, stored=values)
assert (np.asarray(Image.open(here / "raw.pgm")) == values[:, :, 0]).all()
values = integers("uint16", high=4095)
netpbm("raw12.pgm", f"P5\n{W} {H}\n4095\n", values.astype(">u2").tobytes(), values, white=4095, stored=values)
values = integers("uint16")
netpbm("raw16.pgm", f"P5\n{W}\n{H}\n65535\n", values.astype(">u2").tobytes(), values, stored=values)
values = integers("uint8", 3)
text = "\n".join(" ".join(map(str, row.ravel())) for row in values)
netpbm("plain.ppm", f"P3\n{W} {H}\n255\n{text}\n", b"", values)
netpbm("raw.ppm", f"P6\n{W} {H}\n255\n", values.tobytes(), values)
assert (np.asarray(Image.open(here / "raw.ppm")) == values).all()
values = integers("uint16", 3)
netpbm("raw16.ppm", f"P6\n{W} {H}\n65535\n", values.astype(">u2").tobytes(), values)
values = integers("uint8", 4)
pam = f"P7\nWIDTH {W}\nHEIGHT {H}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
netpbm("rgb_alpha.pam", pam, values.tobytes(), values)
netpbm("bands.pam", pam.replace("TUPLTYPE RGB_ALPHA\n", ""), values.tobytes(), values, layout="bands4")
values = floats("float32")
netpbm("little_endian.pfm", f"Pf\n{W} {H}\n-1.0\n", values[::-1].astype("<f4").tobytes(), values)
assert (np.asarray(Image.open(here / "little_endian.pfm")) == values[:, :, 0]).all()
values = floats("float32", 3)
netpbm("color.pfm", f"PF\n{W} {H}\n1.0\n", values[::-1].astype(">f4").tobytes(), values)
(here / "cut.ppm").write_bytes((here / "raw.ppm").read_bytes()[:-1])
damaged["cut.ppm"] = "incomplete"

# --- NumPy ---------------------------------------------------------------------------------------------------------------


def npy(name, array, want, **more):
    np.save(here / name, array)
    note(name, want, **more)


values = integers("uint8")
npy("grey8.npy", values[:, :, 0], values, stored=values)
values = integers("uint8", 3)
npy("hwc8.npy", values, values)
npy("chw8.npy", np.ascontiguousarray(np.moveaxis(values, -1, 0)), values)
npy("fortran.npy", np.asfortranarray(values), values)
npy("batch.npy", values[None], values)
npy("batch_chw.npy", np.moveaxis(values, -1, 0)[None].copy(), values)
values = integers("uint16", 4)
npy("hwc16.npy", values, values, layout="bands4")
npy("chw16_big_endian.npy", np.moveaxis(values, -1, 0).astype(">u2"), values, layout="bands4")
for dtype in ("float16", "float32", "float64"):
    values = floats(dtype, 3)
    npy(f"{dtype}.npy", values, as_float(values))
values = random.random((12, 20, 24)).astype(np.float32)
npy("twelve_bands.npy", values[:, :5], np.moveaxis(values[:, :5], 0, -1), layout="bands12")
values = integers("int16")
npy("int16.npy", values[:, :, 0], as_float(values), white=32767, stored=values)
values = integers("int32", low=0)
npy("int32.npy", values[:, :, 0], as_float(values), white=float(np.float32(2**31 - 1)))
values = integers("int64", low=0, high=9)
npy("int64_labels.npy", values[:, :, 0], as_float(values), white=float(np.float32(2**63 - 1)), stored=values, warnings=["littleOfRange"])
values = integers("uint8", high=1)
npy("bool.npy", values[:, :, 0].astype(bool), values * 255, stored=values)
np.save(here / "ambiguous.npy", np.zeros((9, 8, 10), np.uint8))
damaged["ambiguous.npy"] = "its first axis or its last"
np.save(here / "one_axis.npy", np.zeros(9, np.uint8))
damaged["one_axis.npy"] = "shape"

# --- HEIF and AVIF -------------------------------------------------------------------------------------------------------

# The decoders' own roundings from luma and chroma differ by some steps.
pillow_heif.register_heif_opener()
rgb.save(here / "photo.heic", quality=90, chroma=444)
note("photo.heic", photo, tolerance=12)
rgb.save(here / "photo.avif", quality=95, subsampling="4:4:4")
note("photo.avif", photo, tolerance=12)
Image.fromarray(with_alpha).save(here / "alpha.avif", quality=95, subsampling="4:4:4")
note("alpha.avif", with_alpha, tolerance=12)
for orientation in (6, 2):
    exif = Image.Exif()
    exif[0x112] = orientation
    # Pillow states it as properties of the image, and repeats it in EXIF.
    rgb.save(here / f"orientation{orientation}.avif", quality=95, subsampling="4:4:4", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(here / f"orientation{orientation}.avif"))
    way = {6: Image.Transpose.ROTATE_270, 2: Image.Transpose.FLIP_LEFT_RIGHT}[orientation]
    assert np.abs(np.asarray(upright).astype(int) - np.asarray(rgb.transpose(way))).max() < 12
    note(f"orientation{orientation}.avif", np.asarray(rgb.transpose(way)), tolerance=12)

(here / "expected.json").write_text(json.dumps({"images": expected, "damaged": damaged}, separators=(",", ":"), sort_keys=True) + "\n")
print(len(expected), "images,", len(damaged), "damaged,", sum(f.stat().st_size for f in here.iterdir()), "bytes")
