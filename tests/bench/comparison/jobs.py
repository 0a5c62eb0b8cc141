"""What is compared: each job once, as data. The programs that do it are in ways.py, its inputs in inputs.py."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    key: str
    title: str
    inputs: str              # which set of inputs.py
    tessera: tuple           # flags of `tessera run`
    format: str = "jpeg"     # of the outputs
    quality: int = 0         # JPEG
    size: tuple = ()         # of the output: exactly, or what it must fit into
    fits: bool = False       # ... without enlarging, keeping proportions
    crop: tuple = ()         # x, y, width, height, before the resize
    sharpen: float = 0       # sigma of an unsharp mask of amount 0.5, after the resize
    keeps_metadata: bool = False
    peers: frozenset = frozenset()
    bound: bool = False      # the bare codec is measured beside it
    lossless: bool = False
    settings: dict = field(default_factory=dict)  # the encoder's, as sharp calls them


ALL = frozenset(("sharp", "cv2", "vips", "gm", "im"))
_CROP = (160, 200, 2400, 1800)

JOBS = {job.key: job for job in (
    Job("a", "JPEG 2725x2225 to 720x588, quality 80", "a", ("--resize", "720x588!", "-Q", "80", "--strip", "all"),
        quality=80, size=(720, 588), peers=ALL, bound=True),
    Job("b", "the photos to 1600 pixels, quality 82, EXIF and ICC kept", "photos",
        ("--resize", "1600x1600>", "-Q", "82"), quality=82, size=(1600, 1600), fits=True, keeps_metadata=True,
        peers=ALL, bound=True),
    Job("crop", "crop, resize to 1200x900, unsharp mask (sigma 1, amount 0.5), quality 80", "a",
        ("--crop", "2400x1800+160+200", "--resize", "1200x900!", "-s", "sharpen amount=0.5 sigma=1", "-Q", "80", "--strip",
         "all"), quality=80, size=(1200, 900), crop=_CROP, sharpen=1, peers=frozenset(("sharp", "cv2", "gm", "im"))),
    Job("png", "JPEG 2725x2225 to PNG 1200x980, zlib 6, no row filter", "few",
        ("--resize", "1200x980!", "--set", "compression=6", "--set", "filter=none", "--strip", "all"), format="png",
        size=(1200, 980), peers=frozenset(("sharp", "vips", "cv2")), lossless=True,
        settings={"compressionLevel": 6, "adaptiveFiltering": False}),
    Job("tiff", "JPEG 2725x2225 to TIFF 1200x980, deflate, strips", "few",
        ("--resize", "1200x980!", "--set", "compression=deflate", "--set", "predictor=none", "--strip", "all"), format="tiff", size=(1200, 980),
        peers=frozenset(("sharp", "vips")), lossless=True, settings={"compression": "deflate", "predictor": "none"}),
    Job("vips", "libvips' own benchmark: TIFF 5000x5000 in tiles, crop 100, shrink by 10 %, 3x3 sharpen, save", "tiled",
        ("--crop", "4800x4800+100+100", "-s", "resize 4320x4320! filter=triangle", "-s",
         "sharpen amount=0.5 sigma=0.33", "--set", "compression=none"), format="tiff", size=(4320, 4320),
        crop=(100, 100, 4800, 4800), peers=frozenset(("vips-c", "sharp")), settings={"compression": "none"}),
    Job("huge", "1 gigapixel TIFF 30000x33334 in 512 MB: crop 100, to a quarter, 3x3 sharpen, save", "huge",
        ("--crop", "29800x33134+100+100", "-s", "resize 7450x8284! filter=triangle", "-s",
         "sharpen amount=0.5 sigma=0.33", "--set", "compression=none", "--memory", "512M", "--max-pixels", "0"),
        format="tiff", size=(7450, 8284), crop=(100, 100, 29800, 33134), peers=frozenset(("vips-c",))),
)}
