"""Lays out the data set of the network `nuclei-unet`: fluorescence images as they are, and masks with 0 background, 1 nucleus, 2 micronucleus.

The images and masks are those of mnfinder (MIT) in its own parts for training, validation and test: FOLDER/{train,val,test}/{images,masks}.
"""
import argparse, shutil, subprocess, sys, zipfile
from pathlib import Path

import numpy as np
from PIL import Image

PACKAGE = "mnfinder==1.2.3"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="an ignored folder")
    folder = parser.parse_args().folder
    downloads = folder / "downloads"
    if not (downloads / "mnfinder").exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", downloads, PACKAGE], check=True)
        with zipfile.ZipFile(next(downloads.glob("mnfinder-*.whl"))) as wheel:
            wheel.extractall(downloads)
    for source, part in (("training-data", "train"), ("validation-data", "val"), ("test-data", "test")):
        count = 0
        for image in sorted((downloads / "mnfinder" / source).glob("*/images/*.tif")):
            sample = image.parent.parent
            name = f"{sample.name}_{image.stem}".replace(" ", "_")

            def foreground(kind):
                # Masks are RGBA, a colour for each object; the background is transparent and black.
                return np.array(Image.open(sample / kind / (image.stem + ".png")))[..., :3].max(-1) > 0

            nuclei, micronuclei = foreground("nucleus_masks"), foreground("mn_masks")
            mask = np.zeros(nuclei.shape, np.uint8)
            mask[nuclei], mask[micronuclei] = 1, 2
            for kind in ("images", "masks"):
                (folder / part / kind).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image, folder / part / "images" / (name + ".tif"))
            Image.fromarray(mask).save(folder / part / "masks" / (name + ".png"))
            count += 1
        print(f"{part}: {count} images")


if __name__ == "__main__":
    main()
