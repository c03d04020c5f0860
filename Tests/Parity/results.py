#!/usr/bin/env python3
"""Holds the documents of results against the libraries that read them.

    results.py maps FOLDER    writes 50 label maps to FOLDER
    (ResultsParityTests writes their documents, with SEG_RESULTS=FOLDER)
    results.py check FOLDER   reads the documents

`make parity-results` runs the three. Shapely finds every polygon valid, also after simplification, with rings oriented as RFC 7946
has it; areas and pixel centres of unsimplified polygons are the map's; simplified regions neither overlap nor leave gaps, and no
corner is farther from its simplified ring than the tolerance. pycocotools decodes the run-length encodings to the same masks.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np
import shapely
from pycocotools import mask as masks
from pycocotools.coco import COCO
from shapely.geometry import shape

# A turned image of 0.3 m pixels in UTM zone 32.
TRANSFORM = [500000.25, 0.29, 0.06, 5200000.75, 0.06, -0.29]
TOLERANCES = [0, 0.6, 1, 2.5, 10, 60]
NAMES = ["background", "road", 'a "roof", flat', "Bäume\n"]


def smoothed(labels, rounds):
    """The most frequent label of each 3 × 3 pixels."""
    for _ in range(rounds):
        padded = np.pad(labels, 1, mode="edge")
        height, width = labels.shape
        windows = np.stack([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])
        counts = np.stack([(windows == label).sum(0) for label in range(labels.max() + 1)])
        labels = counts.argmax(0)
    return labels


def make(index):
    random = np.random.default_rng(index)
    height, width = random.integers(1, 90, 2)
    if index < 4:
        height, width = [(1, 1), (1, 30), (30, 1), (2, 2)][index]
    classes = int(random.integers(2, 7))
    labels = random.integers(0, classes, (height, width))
    kind = index % 5
    if kind == 1:
        labels = smoothed(labels, 1)
    elif kind == 2:
        labels = smoothed(labels, 4)
    elif kind == 3:
        # A region full of holes that touch at corners.
        labels = np.where(random.random((height, width)) < 0.3, labels, 1)
    elif kind == 4:
        # Discs and rings over each other: curved boundaries, islands within holes.
        y, x = np.mgrid[:height, :width]
        labels = np.zeros((height, width), int)
        for _ in range(14):
            distance = np.hypot(y - random.integers(0, height), x - random.integers(0, width))
            radius = random.integers(2, 30)
            labels[(distance < radius) & (distance > radius * random.choice([0, 0.6]))] = random.integers(0, classes)
    return labels.astype(np.uint16)


def write_maps(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = [f"{index:02}" for index in range(50)]
    for index, name in enumerate(names):
        np.save(folder / f"{name}.npy", make(index))
    task = {"maps": names, "names": NAMES, "tolerances": TOLERANCES, "transform": TRANSFORM, "epsg": 32632}
    (folder / "task.json").write_text(json.dumps(task))


def features(path):
    document = json.loads(path.read_text())
    assert document["type"] == "FeatureCollection"
    return document, [(feature["properties"], shape(feature["geometry"])) for feature in document["features"]]


def polygons(geometry):
    return list(geometry.geoms) if geometry.geom_type == "MultiPolygon" else [geometry]


def check_rings(geometry, name):
    assert geometry.is_valid, f"{name}: {shapely.is_valid_reason(geometry)}"
    for polygon in polygons(geometry):
        assert polygon.exterior.is_ccw, name
        assert not any(hole.is_ccw for hole in polygon.interiors), name


def check_polygons(folder, figures):
    determinant = abs(TRANSFORM[1] * TRANSFORM[5] - TRANSFORM[2] * TRANSFORM[4])
    for path in sorted(folder.glob("*.npy")):
        labels = np.load(path)
        rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
        exact = None
        for index, tolerance in enumerate(TOLERANCES):
            name = f"{path.stem}, tolerance {tolerance}"
            document, regions = features(folder / f"{path.stem}.{index}.regions.json")
            assert "crs" not in document
            for _, polygon in regions:
                check_rings(polygon, name)
            assert sum(properties["pixels"] for properties, _ in regions) == labels.size
            # Neighbours share their edges exactly, so they neither overlap nor leave gaps.
            shapes = [polygon for _, polygon in regions]
            assert shapely.coverage_is_valid(shapes), name
            assert abs(sum(polygon.area for polygon in shapes) - labels.size) < 1e-6, name
            figures["corners"][index] += int(shapely.get_num_coordinates(shapes).sum())
            figures["regions"][index] += len(regions)
            for first, second in shapely.STRtree(shapes).query(shapes, predicate="intersects").T:
                if first < second:
                    area = shapes[first].intersection(shapes[second]).area
                    figures["overlap"] = max(figures["overlap"], area)
            if exact is None:
                exact = regions
                for properties, polygon in regions:
                    assert polygon.area == properties["pixels"], name
                    inside = shapely.contains_xy(polygon, columns, rows)
                    assert inside.sum() == properties["pixels"] and (labels[inside] == properties["class"]).all(), name
            for (before, original), (after, simplified) in zip(exact, regions, strict=True):
                assert before == after, name
                assert len(original.interiors) == len(simplified.interiors), name
                boundary = simplified.boundary
                distances = shapely.distance(shapely.points(shapely.get_coordinates(original)), boundary)
                assert distances.max() <= tolerance + 1e-9, name
            # Classes, in map coordinates.
            document, classes = features(folder / f"{path.stem}.{index}.classes.json")
            assert document["crs"] == {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}}
            assert [properties["class"] for properties, _ in classes] == np.unique(labels).tolist()
            for properties, geometry in classes:
                label = properties["class"]
                check_rings(geometry, name)
                assert properties["name"] == (NAMES[label] if label < len(NAMES) else f"class {label}")
                assert properties["pixels"] == (labels == label).sum()
                area = sum(polygon.area for (other, polygon) in regions if other["class"] == label) * determinant
                error = abs(geometry.area - area) / area
                figures["area"] = max(figures["area"], error)
                # Coordinates of 5e6 have 1e-9 m, pixels 0.09 m².
                assert error < 1e-6, f"{name}: {geometry.area} instead of {area}"


def check_encodings(folder, figures):
    coco = COCO(str(folder / "coco.json"))
    assert [coco.cats[number]["name"] for number in sorted(coco.cats)[:3]] == NAMES[1:]
    for number, image in coco.imgs.items():
        labels = np.load(folder / image["file_name"])
        assert labels.shape == (image["height"], image["width"])
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[number]))
        assert [annotation["category_id"] for annotation in annotations] == np.unique(labels[labels > 0]).tolist()
        for annotation in annotations:
            expected = labels == annotation["category_id"]
            assert (coco.annToMask(annotation) == expected).all()
            theirs = masks.encode(np.asfortranarray(expected.astype(np.uint8)))
            assert theirs["counts"].decode() == annotation["segmentation"]["counts"]
            assert masks.toBbox(theirs).tolist() == annotation["bbox"] and masks.area(theirs) == annotation["area"]
            figures["masks"] += 1


def check(folder):
    figures = {
        "corners": [0] * len(TOLERANCES), "regions": [0] * len(TOLERANCES), "overlap": 0.0, "area": 0.0, "masks": 0}
    check_polygons(folder, figures)
    check_encodings(folder, figures)
    print(f"shapely {shapely.__version__}: all polygons are valid")
    for tolerance, regions, corners in zip(TOLERANCES, figures["regions"], figures["corners"]):
        print(f"  tolerance {tolerance:4}: {regions} regions, {corners} positions")
    print(f"largest overlap of two regions: {figures['overlap']:.1e} pixels")
    print(f"largest relative error of a class's area in map coordinates: {figures['area']:.1e}")
    print(f"pycocotools reads {figures['masks']} masks as they are, and writes the same strings")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["maps", "check"])
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    {"maps": write_maps, "check": check}[options.action](options.folder)


if __name__ == "__main__":
    main()
