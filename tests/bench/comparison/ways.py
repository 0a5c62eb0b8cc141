"""The programs that do a job, at their best concurrency for two processors: job -> ways, each a command a run."""
import itertools
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHONS = ("/usr/bin/python3", "python3")


@dataclass
class Way:
    name: str
    group: str      # whose best way is reported: "sharp", "cv2", ...; "bound" and "tessera", too
    command: object  # output folder -> words
    environment: dict
    makes_outputs: bool = True


def sharp_module(folder):
    """The installed module, or None. `folder` holds node_modules."""
    path = os.path.join(folder, "node_modules", "sharp")
    return path if shutil.which("node") and os.path.isdir(path) else None


def python_with_cv2():
    for python in PYTHONS:
        if shutil.which(python) and subprocess.run([python, "-c", "import cv2"], capture_output=True).returncode == 0:
            return python
    return None


class Ways:
    def __init__(self, build, sharp_folder, work):
        self.build, self.work = build, work
        self.tessera = os.path.join(build, "tessera")
        self.sharp, self.python = sharp_module(sharp_folder), python_with_cv2()
        self.missing = {}  # peer -> why

    def found(self, peer):
        """Whether the peer can take part; else `missing` says why."""
        have = {"sharp": self.sharp, "cv2": self.python, "vips": shutil.which("vipsthumbnail"), "gm": shutil.which("gm"),
                "im": shutil.which("convert"), "vips-c": self._vips_program() if peer == "vips-c" else None}[peer]
        if not have:
            self.missing[peer] = {"sharp": "no node with sharp in --sharp FOLDER", "cv2": "no Python with cv2",
                                  "vips": "no vipsthumbnail", "gm": "no gm", "im": "no convert",
                                  "vips-c": "no C compiler, or libvips' headers (libvips-dev)"}[peer]
        return bool(have)

    def of(self, job, inputs, peers):
        """Every way to do the job on these inputs: ours, the found ones of `peers`, and the bound."""
        ways = [self._tessera(job, inputs)]
        for peer in sorted(job.peers & peers):
            if self.found(peer):
                ways += getattr(self, "_" + peer.replace("-", "_"))(job, inputs)
        if job.bound:
            ways += [self._bare(job, inputs, what) for what in ("both", "decode")]
        return ways

    def recipe(self, job):
        path = os.path.join(self.work, f"recipe-{job.key}.toml")
        if not os.path.exists(path):
            words = [self.tessera, "run", "--print-recipe", *self._flags(job, recipe_only=True)]
            text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            with open(path, "w") as file:
                file.write(text)
        return path

    def _flags(self, job, recipe_only=False):
        flags = [*job.tessera, "-f", job.format]
        if not recipe_only:
            return flags
        kept = []
        words = iter(flags)
        for word in words:  # what a recipe does not hold
            if word in ("--memory", "--max-pixels"):
                next(words)
            else:
                kept.append(word)
        return kept

    def _tessera(self, job, inputs):
        return Way("tessera -j2", "tessera", lambda out: [self.tessera, "run", *inputs, "-o", out, "-j2", "-q",
                                                          *self._flags(job)], {})

    def _bare(self, job, inputs, what):
        program = os.path.join(self.build, "tests", "bench", "tessera_bare_codec")
        name = {"both": "bare codec, decode + encode", "decode": "bare codec, decode alone"}[what]
        return Way(name, "bound" if what == "both" else "decode",
                   lambda out: [program, what, "2", self.recipe(job), out, *inputs], {}, what == "both")

    def _sharp(self, job, inputs):
        mild = (False, True) if job.sharpen else (False,)
        ways = []
        for (concurrency, parallel), fast in itertools.product(((1, 2), (1, 4), (2, 2)), mild):
            fields = {**asdict_plain(job), "mild": fast}
            task = {"sharp": self.sharp, "concurrency": concurrency, "parallel": parallel, "job": fields,
                    "inputs": inputs}
            name = f"sharp, {concurrency} thread{'s' * (concurrency > 1)} x {parallel} promises"
            ways.append(Way(name + (", its 3x3 sharpen" if fast else ""), "sharp, 3x3 sharpen" if fast else "sharp",
                            lambda out, task=task: ["node", os.path.join(HERE, "sharp_batch.cjs"),
                                                    json.dumps({**task, "out": out})], {}))
        return ways

    def _cv2(self, job, inputs):
        task = {"job": asdict_plain(job), "inputs": inputs}
        return [Way("cv2, pool of 2", "cv2",
                    lambda out: [self.python, os.path.join(HERE, "opencv_batch.py"), json.dumps({**task, "out": out})], {})]

    def _vips(self, job, inputs):
        size = "{}x{}{}".format(*job.size, ">" if job.fits else "!")
        options = {"jpeg": f"jpg[Q={job.quality}{'' if job.keeps_metadata else ',strip'}]",
                   "png": "png[compression=6,filter=none,strip]", "tiff": "tif[compression=deflate,strip]"}[job.format]
        return [Way(f"vipsthumbnail, xargs -P2 -n{each}", "vips",
                    lambda out, each=each: _xargs(inputs, each, ["vipsthumbnail", "--size", size, "-o",
                                                                 os.path.join(out, "%s." + options)]),
                    {"VIPS_CONCURRENCY": "1"}) for each in (1, 8)]

    def _vips_c(self, job, inputs):
        numbers = [str(n) for n in (*job.crop, *job.size)]
        return [Way("vips from C", "vips-c",
                    lambda out: [self._vips_program(), inputs[0], os.path.join(out, "out.tif"), *numbers],
                    {"VIPS_CONCURRENCY": "2"})]

    def _gm(self, job, inputs):
        return [self._magick(job, inputs, "GraphicsMagick, xargs -P2", "gm", ["gm", "convert"])]

    def _im(self, job, inputs):
        return [self._magick(job, inputs, "ImageMagick, xargs -P2", "im", ["convert"])]

    def _magick(self, job, inputs, name, group, program):
        # A decoder that knows the size wanted shrinks while it decodes: to no less than twice that.
        hint = "{}x{}".format(*(2 * n for n in job.size))
        words = [*program, *([] if job.crop else ["-size", hint] if group == "gm" else ["-define", f"jpeg:size={hint}"])]
        steps = ["-auto-orient"]
        if job.crop:
            steps += ["-crop", "{2}x{3}+{0}+{1}".format(*job.crop), "+repage"]
        steps += ["-resize", "{}x{}{}".format(*job.size, ">" if job.fits else "!")]
        if job.sharpen:
            steps += ["-unsharp", f"0x{job.sharpen}+0.5+0"]
        steps += [] if job.keeps_metadata else ["+profile" if group == "gm" else "-strip"] + ["*"] * (group == "gm")
        steps += ["-quality", str(job.quality), "-sampling-factor", "2x2,1x1,1x1"]

        def command(out):  # the picture's name stands in the middle of the command, so a shell puts it there
            script = " ".join(["in=$1; name=${in##*/}; exec", *map(_quoted, words), '"$in"', *map(_quoted, steps),
                               '"$0/${name%.*}.jpg"'])
            return _xargs(inputs, 1, ["sh", "-c", script, out])

        return Way(name, group, command, {"MAGICK_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"})

    def _vips_program(self):
        program = os.path.join(self.work, "vips_job")
        if not os.path.exists(program):
            words = ["sh", "-c", 'cc -O2 -o "$0" "$1" $(pkg-config --cflags --libs vips)', program,
                     os.path.join(HERE, "vips_job.c")]
            if subprocess.run(words, capture_output=True).returncode != 0:
                return None
        return program


def asdict_plain(job):
    return {key: value for key, value in asdict(job).items() if not isinstance(value, frozenset)}


def _quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"


def _xargs(inputs, each, command):
    # printf is the shell's own: its arguments have no limit but that of one word, so sets stay below a thousand names.
    names = " ".join(map(_quoted, inputs))
    return ["sh", "-c", f"printf '%s\\0' {names} | xargs -0 -n {each} -P 2 " + " ".join(map(_quoted, command))]
