#!/usr/bin/python3
"""Tessera against other programs and against the codec alone, as ratios of interleaved runs.

    tests/bench/peers.py --install --build          everything that is missing, then all jobs
    tests/bench/peers.py --jobs a,b --rounds 7 --json FILE --markdown FILE
    tests/bench/peers.py --quick                    a few pictures, one round: does it work?
    tests/bench/peers.py --self-test                three tiny pictures, with the peers that are found

README.md in this folder says what each figure means and what is noise.
"""
import argparse
import dataclasses
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile

from comparison import report, self_check
from comparison.inputs import Inputs
from comparison.jobs import ALL, JOBS
from comparison.measure import CommandFailed, interleaved, say, timed
from comparison.ways import Ways

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGETS = ["tessera", "tessera_bare_codec", "tessera_bare_loop", "tessera_make_picture", "tessera_dispatch_rate"]


def options_of(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install missing peers first (apt, npm)")
    parser.add_argument("--build", action="store_true", help="build the release preset first")
    parser.add_argument("--build-folder", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--sharp", default=os.path.join(ROOT, "build", "peers"), metavar="FOLDER",
                        help="that holds node_modules/sharp, or gets it (default: build/peers)")
    parser.add_argument("--photos", default=os.path.join(ROOT, "..", "shared", "data", "photos"), metavar="FOLDER",
                        help="default: ../shared/data/photos, or samples/photos where that is not there")
    parser.add_argument("--jobs", default="a,b,crop,png,tiff,vips", help=f"of {','.join(JOBS)}; default all but huge")
    parser.add_argument("--huge", action="store_true", help="the gigapixel job, too: 3 GB on the disk")
    parser.add_argument("--peers", default=",".join(sorted(ALL)), help=f"of {','.join(sorted(ALL))}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="repeats an order of runs")
    parser.add_argument("--quick", action="store_true", help="few pictures, one round")
    parser.add_argument("--self-test", action="store_true", help="three tiny pictures; fails only if Tessera does")
    parser.add_argument("--work", default="/var/tmp", metavar="FOLDER", help="for pictures, on a disk; default /var/tmp")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--markdown", metavar="FILE")
    return parser.parse_args(words)


def install(sharp_folder):
    subprocess.run([os.path.join(ROOT, "samples", "setup.sh"), "bench"], check=True)
    if not os.path.isdir(os.path.join(sharp_folder, "node_modules", "sharp")):
        say(f"installing sharp into {sharp_folder}")
        os.makedirs(sharp_folder, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", sharp_folder, "sharp@0.35"], check=True)


def build():
    subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", *TARGETS], cwd=ROOT, check=True)


class Comparison:
    def __init__(self, options, work):
        self.options, self.work, self.folders = options, work, 0
        self.inputs = Inputs(ROOT, options.build_folder, work, options.photos, options.quick)
        self.ways = Ways(options.build_folder, options.sharp, work)
        self.peers = {p for p in options.peers.split(",") if p}
        self.peers |= {"vips-c"} if "vips" in self.peers else set()
        try:
            from comparison.quality import Checker
            self.checker = Checker
        except ImportError as error:
            self.checker = None
            say(f"outputs are not looked at: {error} (apt install python3-pil python3-numpy)")

    def fresh(self):
        """An empty folder, never one that was just emptied: creating files after a mass deletion is slow."""
        self.folders += 1
        path = os.path.join(self.work, f"out{self.folders}")
        os.makedirs(path)
        return path

    def run(self, way, memory=False):
        folder = self.fresh()
        return timed(way.command(folder), memory, way.environment), folder

    def job(self, job):
        inputs = self.inputs.get(job.inputs)
        self.ways.missing = {}
        ways = self.ways.of(job, inputs, self.peers)
        say(f"{job.key}: {len(inputs)} pictures, {len(ways)} ways")
        checker = self.checker(job, inputs) if self.checker else None
        # The first run of each warms the page cache, is watched for its memory and looked at; it is not timed.
        peaks, checks, failed = {}, {}, {}
        for way in ways:
            try:
                watched, folder = self.run(way, memory=True)
            except CommandFailed as error:
                failed[way.name] = error
                continue
            peaks[way.name] = watched.peak
            if checker and way.makes_outputs:
                checks[way.name] = checker.check(folder, sizes_alone=way.group == "bound")
        able = [way for way in ways if way.name not in failed]
        runs, failed_later = interleaved({way.name: lambda way=way: self.run(way)[0] for way in able},
                                         1 if self.options.quick else self.options.rounds, self.options.seed,
                                         lambda text: say(f"{job.key}: {text}"))
        return report.figures_of(job, len(inputs), able, runs, peaks, checks, {**failed, **failed_later},
                                 self.ways.missing)


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"cpus": len(os.sched_getaffinity(0)), "cpu": model, "kernel": platform.release(), "load": os.getloadavg()[0]}


def chosen_jobs(options):
    if options.self_test:
        small = dataclasses.replace(JOBS["b"], key="self-test", title="three tiny pictures", inputs="tiny",
                                    tessera=("--resize", "160x160>", "-Q", "82"), size=(160, 160))
        return [small]
    keys = [k for k in options.jobs.split(",") if k] + ["huge"] * (options.huge and "huge" not in options.jobs)
    unknown = [k for k in keys if k not in JOBS]
    if unknown:
        sys.exit(f"--jobs: there is no job {unknown[0]}; there are {', '.join(JOBS)}")
    return [JOBS[k] for k in keys]


def main(words):
    options = options_of(words)
    unknown = set(options.peers.split(",")) - ALL - {""}
    if unknown:
        sys.exit(f"--peers: there is no peer {unknown.pop()}; there are {', '.join(sorted(ALL))}")
    jobs = chosen_jobs(options)
    options.quick = options.quick or options.self_test
    if options.self_test:
        self_check.all_figures()
    if options.install:
        install(options.sharp)
    if options.build:
        build()
    if not os.access(os.path.join(options.build_folder, "tessera"), os.X_OK):
        sys.exit(f"there is no tessera in {options.build_folder}: build it, or run with --build")
    say(f"seed {options.seed}")
    work = tempfile.mkdtemp(prefix="tessera-peers-", dir=options.work)
    try:
        comparison = Comparison(options, work)
        document = {"machine": machine(), "seed": options.seed, "rounds": 1 if options.quick else options.rounds,
                    "jobs": [comparison.job(job) for job in jobs]}
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = "\n".join(report.markdown(result) for result in document["jobs"])
    print(text, end="")
    for path, content in ((options.json, json.dumps(document, indent=1) + "\n"), (options.markdown, text)):
        if path:
            with open(path, "w") as file:
                file.write(content)
    ours = [result for result in document["jobs"]
            if not any(way["group"] == "tessera" and not way["problems"] for way in result["ways"])]
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
