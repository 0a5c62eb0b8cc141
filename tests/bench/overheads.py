#!/usr/bin/env python3
"""What running a job through the pipeline costs, as ratios of interleaved runs.

    tests/bench/overheads.py BUILD_FOLDER PHOTOS [--runs 7] [--large]

Prints a Markdown table: processes -j1 against serial, the scaling of processes -j2 against that of a bare forked loop
over the same work, what the sandbox costs, the coordinator's share of CPU, start-up, linked libraries; with --large
also one 100-megapixel picture, spread against serial, with its peak memory. Outputs go to fresh folders and are deleted only at the end.
"""
import argparse, glob, json, os, random, shutil, statistics, subprocess, tempfile

from comparison import measure

parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("photos")
parser.add_argument("--runs", type=int, default=7)
parser.add_argument("--large", action="store_true")
options = parser.parse_args()
program = os.path.join(options.build, "tessera")
bare = os.path.join(options.build, "tests", "bench", "tessera_bare_loop")
make_picture = os.path.join(options.build, "tests", "bench", "tessera_make_picture")
work = tempfile.mkdtemp(prefix="tessera-bench-")
counter = 0


def fresh():
    global counter
    counter += 1
    return os.path.join(work, f"out{counter}")


def timed(words):
    done = measure.timed(words)
    return done.seconds, done.output


def interleaved(ways, runs):
    """ways: name -> function returning seconds. One warm-up each, then rounds in random order; none may fail."""
    for way in ways.values():
        way()
    times, failed = measure.interleaved(ways, runs, random.randrange(2**31))
    for error in failed.values():
        raise error
    return times


recipe = os.path.join(work, "recipe.toml")
job = ["--resize", "1600x1600>", "-s", "sharpen amount=0.5", "-f", "jpeg", "-Q", "82"]
with open(recipe, "w") as file:
    file.write(subprocess.run([program, "run", "--print-recipe"] + job, check=True, capture_output=True, text=True).stdout)
files = sorted(f for f in glob.glob(os.path.join(options.photos, "*")) if f.lower().endswith((".jpg", ".jpeg")))
coordinator_share = []


def tessera(*mode):
    def way():
        seconds, out = timed([program, "run", recipe, options.photos, "-o", fresh(), "--json", "-q", *mode])
        report = json.loads(out)
        if "-j2" in mode and "threads" not in mode and "off" not in mode:
            coordinator_share.append(report["coordinator_cpu"] / (report["coordinator_cpu"] + report["worker_cpu"]))
        return seconds
    return way


def bare_loop(children):
    return lambda: timed([bare, str(children), recipe, fresh()] + files)[0]


times = interleaved({"serial": tessera("--mode", "serial"), "processes -j1": tessera("-j1"),
                     "processes -j2": tessera("-j2"), "threads -j2": tessera("--mode", "threads", "-j2"),
                     "processes -j2, sandbox off": tessera("-j2", "--sandbox", "off"),
                     "hybrid 1x2": tessera("-j1", "--threads", "2"), "bare loop, 1": bare_loop(1),
                     "bare loop, 2": bare_loop(2)}, options.runs)
print(f"{len(files)} photos, {options.runs} interleaved runs, median [min, max]\n")
print("| way | seconds | images/s |\n|---|---|---|")
for name, values in times.items():
    print(f"| {name} | {measure.spread(values)} | {len(files) / statistics.median(values):.1f} |")
print("\n| figure | value | target |\n|---|---|---|")
print(f"| time of processes -j1 / serial | {measure.spread([a / b for a, b in zip(times['processes -j1'], times['serial'])])} | at most 1.05 |")
print(f"| time of processes -j2 with the sandbox / without | {measure.spread([a / b for a, b in zip(times['processes -j2'], times['processes -j2, sandbox off'])])} | at most 1.02 |")
for name, one in (("processes -j2", "processes -j1"), ("threads -j2", "serial"), ("hybrid 1x2", "serial")):
    values = [(a / b) / (c / d) for a, b, c, d in zip(times[one], times[name], times["bare loop, 1"], times["bare loop, 2"])]
    print(f"| scaling of {name} / scaling of the bare loop | {measure.spread(values)} | at least 0.97 |")
print(f"| coordinator's share of CPU, -j2 | {100 * statistics.median(coordinator_share):.2f} % | under 2 % |")

tiny = os.path.join(work, "tiny")
os.makedirs(tiny)
subprocess.run([make_picture, os.path.join(tiny, "one.png"), "1", "1"], check=True)
start = [timed([program, "run", tiny, "-o", fresh(), "-j2", "-q"])[0] * 1000 for _ in range(21)]
print(f"| a whole run of one pixel (start, forks, job, publication, end), ms | {measure.spread(start, 1)} | first job within 30 |")
libraries = len(subprocess.run(["ldd", program], capture_output=True, text=True).stdout.splitlines())
print(f"| libraries linked (ldd) | {libraries} | under 60 |", flush=True)

if options.large:
    large = os.path.join(work, "large")
    os.makedirs(large)
    subprocess.run([make_picture, os.path.join(large, "large.png"), "11500", "8700"], check=True)
    heavy = ["-s", "gaussian 24", "-s", "median 6", "--memory", "1G", "-f", "jpeg", "-q"]
    peaks = {}

    def large_run(name, *mode):
        def way():
            done = measure.timed([program, "run", large, "-o", fresh(), *heavy, *mode], memory=True)
            peaks[name] = max(peaks.get(name, 0), done.peak)
            return done.seconds
        return way

    times = interleaved({"serial": large_run("serial", "--mode", "serial"),
                         "processes -j2, spread": large_run("processes -j2, spread", "-j2", "--tiling", "spread")},
                        max(3, options.runs // 2))
    values = [a / b for a, b in zip(times["serial"], times["processes -j2, spread"])]
    print(f"| 100 megapixels, gaussian 24 + median 6: serial / spread over 2 processes | {measure.spread(values, 2)} | at least 1.5 |")
    for name, peak in peaks.items():
        print(f"| the same with --memory 1G: peak memory of {name}, MiB | {peak / 2**20:.0f} | under 1024 |")
shutil.rmtree(work)
