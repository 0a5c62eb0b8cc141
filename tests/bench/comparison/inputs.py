"""The pictures of each job, made once in the work folder. Needs Pillow, except for the set "tiny"."""
import glob
import os
import shutil
import subprocess

A_SIZE = (2725, 2225)


def _is_jpeg(path):
    return path.lower().endswith((".jpg", ".jpeg"))


class Inputs:
    def __init__(self, root, build, work, photos, quick):
        self.root, self.build, self.work, self.quick = root, build, work, quick
        self.photos = photos if photos and os.path.isdir(photos) else os.path.join(root, "samples", "photos")
        self.made = {}

    def get(self, name):
        """Paths of the set, in order."""
        if name not in self.made:
            self.made[name] = getattr(self, "_" + name)()
        return self.made[name]

    def _folder(self, name):
        path = os.path.join(self.work, "in-" + name)
        os.makedirs(path, exist_ok=True)
        return path

    def _photos(self):
        """JPEGs that every peer reads, under names that no output of another can have. Links: nothing is copied."""
        folder, paths = self._folder("photos"), []
        files = [f for f in sorted(glob.glob(os.path.join(self.photos, "*"))) if _is_jpeg(f)]
        for file in files[:4] if self.quick else files:
            paths.append(os.path.join(folder, os.path.splitext(os.path.basename(file))[0] + ".jpg"))
            os.symlink(file, paths[-1])
        return paths

    def _tiny(self):
        folder, names = self._folder("tiny"), ("coffee_444.jpg", "retina.jpg", "rocket.jpg")
        return [shutil.copy(os.path.join(self.root, "samples", "photos", name), folder) for name in names]

    def _a(self):
        return self._resized("a", 6 if self.quick else 64)

    def _few(self):
        return self._resized("few", 3 if self.quick else 16)

    def _resized(self, name, count):
        from PIL import Image, ImageOps
        sources, folder, paths = self._photos_of_any_size(), self._folder(name), []
        for i in range(count):
            path = os.path.join(folder, f"p{i:03}.jpg")
            image = ImageOps.exif_transpose(Image.open(sources[i % len(sources)])).convert("RGB")
            # Another part of the picture each time round, so that no two files are alike.
            centre = (0.5, 0.5 + 0.25 * (i // len(sources)) / max(1, count // len(sources)))
            ImageOps.fit(image, A_SIZE, Image.Resampling.LANCZOS, centering=centre).save(path, quality=90)
            paths.append(path)
        return paths

    def _photos_of_any_size(self):
        return [f for f in sorted(glob.glob(os.path.join(self.photos, "*"))) if _is_jpeg(f)]

    def _tiled(self):
        """5000x5000, 8-bit RGB, tiles of 256, not compressed; of a real picture."""
        from PIL import Image, ImageOps
        folder = self._folder("tiled")
        path, plain = os.path.join(folder, "tiled.tif"), os.path.join(self.work, "plain.tif")
        ImageOps.fit(Image.open(self._photos_of_any_size()[0]).convert("RGB"), (5000, 5000)).save(plain)
        subprocess.run(["vips", "tiffsave", plain, path, "--tile", "--tile-width", "256", "--tile-height", "256"],
                       check=True)
        os.remove(plain)
        return [path]

    def _huge(self):
        maker = os.path.join(self.build, "tests", "bench", "tessera_make_gigapixel")
        if not os.path.exists(maker):
            raise FileNotFoundError(f"{maker} is not built")
        path = os.path.join(self._folder("huge"), "huge.tif")
        subprocess.run([maker, path, "30000", "33334"], check=True)
        return [path]
