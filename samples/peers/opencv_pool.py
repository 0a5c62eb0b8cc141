#!/usr/bin/env python3
"""A peer for `tessera compare`: what many a person writes first, a pool of processes around OpenCV.

    tessera compare PHOTOS --peer 'opencv=python3 samples/peers/opencv_pool.py {in} {out}'

opencv_pool.py IN OUT [PROCESSES]: every JPEG and PNG of the folder IN, at most 1600 pixels wide and high, into OUT as
JPEG of quality 82. PROCESSES: as many as there are usable CPUs. A picture that cannot be read ends it with exit code 1.
"""
import multiprocessing
import os
import sys

try:
    import cv2
except ImportError:
    sys.exit("opencv_pool.py: Python has no cv2 here; install it: apt install python3-opencv")

SIDE, QUALITY = 1600, 82


def make(job):
    source, target = job
    image = cv2.imread(source)  # turned as EXIF says
    if image is None:
        return f"{source}: cannot be read"
    scale = SIDE / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if not cv2.imwrite(target, image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        return f"{target}: cannot be written"
    return None


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: opencv_pool.py IN OUT [PROCESSES]")
    folder, output = sys.argv[1:3]
    processes = int(sys.argv[3]) if len(sys.argv) == 4 else len(os.sched_getaffinity(0))
    names = sorted(n for n in os.listdir(folder) if n.lower().endswith((".jpg", ".jpeg", ".png")))
    # The whole name stays: a.jpg and a.png are two pictures.
    jobs = [(os.path.join(folder, n), os.path.join(output, n + ".jpg")) for n in names]
    cv2.setNumThreads(1)  # the processes are the parallelism; the forked ones inherit this
    with multiprocessing.Pool(processes) as pool:
        errors = [error for error in pool.imap_unordered(make, jobs) if error]
    if errors:
        sys.exit("\n".join(errors))


if __name__ == "__main__":
    main()
