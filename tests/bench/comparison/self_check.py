"""What the comparison computes, on numbers whose answer is known: part of peers.py --self-test."""
import math

from comparison import report
from comparison.jobs import JOBS
from comparison.measure import CommandFailed, Timed, interleaved, timed
from comparison.ways import Way, Ways


def expect(condition, what):
    if not condition:
        raise AssertionError(f"self-test: {what}")


def running():
    done = timed(["sh", "-c", "echo out; sleep 0.2"], memory=True)
    expect(done.output == "out\n" and done.seconds >= 0.2 and done.cpu < done.seconds, "a command's time and output")
    expect(done.peak > 0, "a command's memory is seen while it runs")
    for words in (["false"], ["/no/such/program"]):
        try:
            timed(words)
        except CommandFailed:
            continue
        raise AssertionError(f"self-test: {words[0]} fails and nobody says so")


def rounds():
    order = []

    def way(name):
        def run():
            order.append(name)
            if name == "bad":
                raise CommandFailed("bad")
            return len(order)
        return run

    names = ("one", "two", "three", "bad")
    results, failed = interleaved({name: way(name) for name in names}, 20, 7)
    expect(set(failed) == {"bad"} and order.count("bad") == 1, "a way that fails is left out and said")
    expect(all(len(results[name]) == 20 for name in names[:3]), "every way runs once a round")
    good = [name for name in order if name != "bad"]
    expect(all(set(good[i:i + 3]) == set(names[:3]) for i in range(0, 60, 3)), "rounds are whole")
    expect(len({tuple(good[i:i + 3]) for i in range(0, 60, 3)}) > 1, "orders differ from round to round")


def ratios():
    ways = [Way("ours", "tessera", None, {}), Way("slow", "peer", None, {}), Way("fast", "peer", None, {}),
            Way("codec", "bound", None, {})]
    runs = {"ours": [Timed(2, 1, ""), Timed(4, 1, "")], "slow": [Timed(9, 1, "")] * 2,
            "fast": [Timed(6, 1, ""), Timed(8, 1, "")], "codec": [Timed(1, 1, ""), Timed(1, 1, "")]}
    checks = {"ours": ([], {"psnr": {"x": 30.0, "y": 40.0}, "ssim": {"x": 0.9, "y": 0.9}}),
              "fast": ([], {"psnr": {"x": 31.0, "y": 38.0}, "ssim": {"x": 0.8, "y": 0.8}})}
    result = report.figures_of(JOBS["a"], 4, ways, runs, {}, checks, {}, {})
    peer = next(r for r in result["ratios"] if r["to"] == "peer")
    expect(peer["way"] == "fast" and peer["runs"] == [3, 2] and peer["median"] == 2.5, "ratios pair rounds, to the best way")
    quality = result["quality"][0]
    expect(math.isclose(quality["psnr_difference"], 0.5) and quality["worst_picture"] == "x", "quality against a peer")
    expect("2.50 [2.00, 3.00] | fast" in report.markdown(result), "the table says the ratio")


def quality():
    import numpy
    from comparison.quality import expected_size, psnr, ssim
    random = numpy.random.default_rng(3)
    a = random.uniform(0, 255, (40, 50, 3))
    expect(math.isclose(psnr(a, a + 1), 20 * math.log10(255)) and psnr(a, a) == math.inf, "PSNR")
    noise = random.normal(0, 1, a.shape)
    expect(math.isclose(ssim(a, a), 1) and 1 > ssim(a, a + 5 * noise) > ssim(a, a + 50 * noise), "SSIM")
    expect(expected_size(JOBS["b"], (3200, 800)) == (1600, 400) and expected_size(JOBS["b"], (30, 20)) == (30, 20),
           "sizes that fit")


def commands(work="/nonexistent"):
    """Names that a shell would read otherwise arrive as they are."""
    ways = Ways(work, work, work)
    name = "/in/it's a $name;.jpg"
    words = ways._im(JOBS["a"], [name])[0].command("/out")
    shown = timed([words[0], words[1], words[2].replace("exec '\\''convert'\\''",
                                                            "printf '\\''%s|'\\'' ")]).output
    expect(name in shown and "/out/it's a $name;.jpg" in shown, f"a name survives the shell: {shown}")


def all_figures():
    for check in (running, rounds, ratios, commands):
        check()
    try:
        import numpy  # noqa: F401
        from PIL import Image  # noqa: F401
    except ImportError:
        return
    quality()
