#!/usr/bin/env python3
"""A list of pictures through OpenCV, in a pool of two processes: opencv_batch.py '{"job": {...}, "inputs": [...], ...}'"""
import json
import multiprocessing
import os
import sys

import cv2

task = json.loads(sys.argv[1])
job = task["job"]


def make(path):
    image = cv2.imread(path)  # turned as EXIF says
    if image is None:
        return f"{path}: cannot be read"
    if job["crop"]:
        x, y, width, height = job["crop"]
        image = image[y:y + height, x:x + width]
    width, height = job["size"]
    if job["fits"]:
        scale = min(1, width / image.shape[1], height / image.shape[0])
        width, height = round(image.shape[1] * scale), round(image.shape[0] * scale)
    if (width, height) != (image.shape[1], image.shape[0]):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if job["sharpen"]:
        image = cv2.addWeighted(image, 1.5, cv2.GaussianBlur(image, (0, 0), job["sharpen"]), -0.5, 0)
    suffix, settings = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, job["quality"]]
    if job["format"] == "png":
        # Strategy 3 is Huffman alone, OpenCV's own choice, and no compression to speak of: 0 is zlib's default.
        suffix, settings = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, 0]
    target = os.path.join(task["out"], os.path.splitext(os.path.basename(path))[0] + suffix)
    return None if cv2.imwrite(target, image, settings) else f"{target}: cannot be written"


if __name__ == "__main__":
    cv2.setNumThreads(1)  # the processes are the parallelism; the forked ones inherit this
    with multiprocessing.Pool(2) as pool:
        errors = [error for error in pool.imap_unordered(make, task["inputs"]) if error]
    sys.exit("\n".join(errors) if errors else 0)
