"""Makes GeoTIFF fixtures and `expected.json`, which says what GDAL and tifffile read of them.

Needs rasterio and tifffile (requirements.txt). Run it in any folder: it writes beside itself.

`expected.json`: file -> {transform, epsg, tags}: GDAL's geotransform of six numbers, or null if there is none; the code of the coordinate
reference system, or null; the elements of the tags of GeoTIFF and of GDAL's tag for missing data, by number, text as a list of bytes.
"""

import json
import pathlib

import numpy as np
import rasterio
import tifffile
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import Affine

here = pathlib.Path(__file__).parent
random = np.random.default_rng(5)
expected = {}
TAGS = [33550, 33922, 34264, 34735, 34736, 34737, 42113]
UTM = Affine(10.0, 0, 399960.0, 0, -10.0, 5900040.0)
TURNED = Affine(8.5, 2.25, 500000.125, 1.75, -9.5, 4649776.5)


def write(name, width=41, height=37, bands=3, dtype="uint8", crs=None, transform=None, gcps=None, tags=None, **options):
    path = here / name
    profile = dict(driver="GTiff", width=width, height=height, count=bands, dtype=dtype, **options)
    if transform is not None:
        profile["transform"] = transform
    # Smooth with noise: tiles differ, and deflate has something to do.
    rows, columns = np.mgrid[0:height, 0:width]
    top = np.iinfo(dtype).max
    pixels = np.stack([
        ((rows * (3 + band) + columns * 5) * top // 400 + random.integers(0, 9, (height, width))) % (top + 1)
        for band in range(bands)
    ]).astype(dtype)
    with rasterio.open(path, "w", **profile) as file:
        if tags:
            file.update_tags(**tags)
        if gcps:
            file.gcps = (gcps, crs)
        elif crs is not None:
            file.crs = crs
        file.write(pixels)
    with rasterio.open(path) as file:
        has_transform = file.transform != Affine.identity() and not gcps
        crs = file.gcps[1] if gcps else file.crs
        epsg = crs.to_epsg() if crs else None
        note = {"transform": list(file.transform.to_gdal()) if has_transform else None, "epsg": epsg, "tags": {}}
    with tifffile.TiffFile(path) as file:
        for tag in file.pages[0].tags.values():
            if tag.code in TAGS:
                with open(path, "rb") as raw:
                    raw.seek(tag.valueoffset)
                    order = file.byteorder
                    kind = {2: "u1", 3: "u2", 12: "f8"}[int(tag.dtype)]
                    size = tag.count * np.dtype(kind).itemsize
                    elements = np.frombuffer(raw.read(size), dtype=order + kind)
                note["tags"][str(tag.code)] = elements.tolist()
    expected[name] = note


tiles = dict(tiled=True, blockxsize=16, blockysize=16)
code = CRS.from_epsg
write("utm.tif", crs=code(32632), transform=UTM, compress="deflate", predictor=2, **tiles)
write("utm_point.tif", crs=code(32632), transform=UTM, tags={"AREA_OR_POINT": "Point"}, compress="deflate")
write("utm_planar.tif", crs=code(32632), transform=UTM, interleave="band", compress="lzw", **tiles)
write("geographic.tif", crs=code(4326), transform=Affine(0.00025, 0, 11.5, 0, -0.0002, 48.25), nodata=0)
write("turned.tif", crs=code(3857), transform=TURNED, compress="deflate", **tiles)
write("turned_point.tif", crs=code(3857), transform=TURNED, tags={"AREA_OR_POINT": "Point"})
write("own_system.tif", transform=UTM,
      crs=CRS.from_proj4("+proj=laea +lat_0=47.5 +lon_0=11.25 +x_0=1000 +y_0=2000 +ellps=GRS80 +units=m"))
write("big.tif", bands=4, dtype="uint16", crs=code(25832), transform=UTM, BIGTIFF="YES", compress="deflate", **tiles)
write("big_endian.tif", dtype="uint16", crs=code(32632), transform=UTM, ENDIANNESS="BIG")
write("jpeg.tif", crs=code(32632), transform=UTM, compress="jpeg", photometric="ycbcr", **tiles)
write("control_points.tif", crs=code(4326), gcps=[
    GroundControlPoint(0, 0, 11.0, 48.0), GroundControlPoint(0, 41, 11.1, 48.01), GroundControlPoint(37, 0, 10.99, 47.9),
    GroundControlPoint(37, 41, 11.11, 47.91)])
write("nowhere.tif")

(here / "expected.json").write_text(json.dumps(expected, sort_keys=True) + "\n")
