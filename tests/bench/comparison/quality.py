"""Whether outputs can be compared, and how good they are.

The reference is independent of every program here: the whole picture decoded at full size by Pillow, turned as EXIF
says, cropped, and resized by Pillow's Lanczos in 32-bit float, channel by channel. PSNR is over all three channels of
8-bit RGB; SSIM is that of Wang et al. (2004) on luma, Gaussian windows of sigma 1.5. A sharpened output has no common
reference: of those only count and size are compared.
"""
import glob
import os

import numpy
from PIL import Image, ImageOps

Image.MAX_IMAGE_PIXELS = None


def reference(path, size, crop):
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    if crop:
        image = image.crop((crop[0], crop[1], crop[0] + crop[2], crop[1] + crop[3]))
    channels = [channel.convert("F").resize(size, Image.Resampling.LANCZOS) for channel in image.split()]
    return numpy.clip(numpy.stack([numpy.asarray(c) for c in channels], axis=-1), 0, 255)


def pixels(path):
    return numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float32)


def psnr(a, b):
    error = float(numpy.mean((a.astype(numpy.float64) - b) ** 2))
    return float("inf") if error == 0 else 10 * numpy.log10(255 ** 2 / error)


def _blurred(plane):
    taps = numpy.exp(-numpy.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    taps /= taps.sum()
    for axis in (0, 1):
        length = plane.shape[axis] - 10
        plane = sum(tap * numpy.take(plane, range(i, i + length), axis) for i, tap in enumerate(taps))
    return plane


def ssim(a, b):
    """NaN when a side is shorter than the window, 11 pixels."""
    luma = numpy.array([0.299, 0.587, 0.114])
    a, b = a.astype(numpy.float64) @ luma, b.astype(numpy.float64) @ luma
    if min(a.shape) < 11:
        return float("nan")
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a ** 2, _blurred(b * b) - mean_b ** 2
    both = _blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(numpy.mean((2 * mean_a * mean_b + c1) * (2 * both + c2) /
                            ((mean_a ** 2 + mean_b ** 2 + c1) * (var_a + var_b + c2))))


def expected_size(job, size):
    """Of the output of an input of this size (turned as EXIF says), before rounding."""
    if not job.fits:
        return job.size
    scale = min(1, job.size[0] / size[0], job.size[1] / size[1])
    return size[0] * scale, size[1] * scale


def outputs_of(folder):
    """Name without extension -> path."""
    files = [f for f in glob.glob(os.path.join(folder, "*")) if os.path.isfile(f)]
    return {os.path.splitext(os.path.basename(f))[0].lower(): f for f in files}


class Checker:
    """Looks at one way's outputs of a job. References are made once."""

    def __init__(self, job, inputs):
        self.job, self.inputs, self.references = job, inputs, {}

    def check(self, folder, sizes_alone=False):
        """problems: sentences, none when the outputs are comparable. psnr, ssim: by picture."""
        outputs, problems = outputs_of(folder), []
        scores = {"psnr": {}, "ssim": {}}
        if len(outputs) != len(self.inputs):
            problems.append(f"{len(outputs)} outputs of {len(self.inputs)} inputs")
        found = zip(self.inputs, outputs.values()) if len(self.inputs) == 1 else (
            (path, outputs.get(os.path.splitext(os.path.basename(path))[0].lower())) for path in self.inputs)
        for path, output in found:
            if output is None:
                continue
            with Image.open(path) as before, Image.open(output) as after:
                problems += self._size_problems(before, after, output)
                problems += [] if sizes_alone else self._metadata_problems(before, after, output)
                size = after.size
            if not sizes_alone and not self.job.sharpen and self.job.key not in ("vips", "huge"):
                name = os.path.basename(path)
                key = (path, size)
                if key not in self.references:
                    self.references[key] = reference(path, size, self.job.crop).astype(numpy.float32)
                got = pixels(output)
                scores["psnr"][name] = psnr(got, self.references[key])
                scores["ssim"][name] = ssim(got, self.references[key])
        return problems, scores

    def _size_problems(self, before, after, output):
        turned = before.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        size = before.size[::-1] if turned else before.size
        expected = expected_size(self.job, size)
        slack = 1 if self.job.fits else 0  # programs round differently
        if any(abs(a - b) > slack for a, b in zip(after.size, expected)):
            return [f"{os.path.basename(output)} is {after.size[0]}x{after.size[1]}, not {expected[0]:.0f}x{expected[1]:.0f}"]
        return []

    def _metadata_problems(self, before, after, output):
        if not self.job.keeps_metadata:
            return []
        return [f"{os.path.basename(output)} has lost its {what}"
                for what, key in (("EXIF", "exif"), ("ICC profile", "icc_profile"))
                if before.info.get(key) and not after.info.get(key)]
