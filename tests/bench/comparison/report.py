"""From runs to figures, and figures to Markdown."""
import math
import statistics

from comparison.measure import summary


def figures_of(job, images, ways, runs, peaks, checks, failed, missing):
    """Everything that is said about one job, as plain data. runs: way -> Timed by round; ratios are of paired rounds."""
    result = {"job": job.key, "title": job.title, "images": images, "ways": [], "ratios": [], "missing": missing,
              "failed": {name: str(error) for name, error in failed.items()}}
    best = {}
    for way in ways:
        if way.name not in runs:
            continue
        seconds = [run.seconds for run in runs[way.name]]
        problems, scores = checks.get(way.name, ([], {"psnr": {}, "ssim": {}}))
        result["ways"].append({
            "name": way.name, "group": way.group, "seconds": summary(seconds),
            "images_per_second": images / statistics.median(seconds),
            "cpu_per_image": statistics.median(run.cpu for run in runs[way.name]) / images,
            "peak_memory": peaks.get(way.name, 0), "problems": problems,
            "psnr": mean(scores["psnr"].values()), "ssim": mean(scores["ssim"].values()),
            "psnr_by_image": scores["psnr"], "ssim_by_image": scores["ssim"]})
        if way.group not in best or statistics.median(seconds) < statistics.median(best[way.group][1]):
            best[way.group] = (way.name, seconds)
    if "tessera" in best:
        ours = best["tessera"][1]
        for group, (name, theirs) in best.items():
            if group not in ("tessera", "decode"):
                result["ratios"].append({"to": group, "way": name, "runs": [t / o for t, o in zip(theirs, ours)],
                                         **summary([t / o for t, o in zip(theirs, ours)])})
        result["quality"] = worse_pictures(result)
    return result


def mean(values):
    values = [v for v in values if not math.isnan(v)]
    return statistics.mean(values) if values else None


def worse_pictures(result):
    """Against each peer's best way: mean difference in PSNR and SSIM, and the picture that lost most."""
    by_name = {way["name"]: way for way in result["ways"]}
    ours = next(way for way in result["ways"] if way["group"] == "tessera")
    rows = []
    for ratio in result["ratios"]:
        theirs = by_name[ratio["way"]]
        both = ours["psnr_by_image"].keys() & theirs["psnr_by_image"].keys()
        if ratio["to"] == "bound" or not both:
            continue
        differences = {name: ours["psnr_by_image"][name] - theirs["psnr_by_image"][name] for name in both}
        worst = min(differences, key=differences.get)
        rows.append({"to": ratio["to"], "psnr_difference": mean(differences.values()),
                     "ssim_difference": mean([ours["ssim_by_image"][n] - theirs["ssim_by_image"][n] for n in both]),
                     "worst_picture": worst, "worst_difference": differences[worst]})
    return rows


def _number(value, digits, sign="-"):
    return "" if value is None else f"{value:{sign}.{digits}f}"


def markdown(result):
    lines = [f"### {result['title']}", "", f"{result['images']} pictures; seconds are median [least, most] of "
             f"{max((w['seconds']['count'] for w in result['ways']), default=0)} rounds.", "",
             "| way | seconds | images/s | CPU s/image | peak memory, MiB | PSNR, dB | SSIM |", "|---|---|---|---|---|---|---|"]
    for way in sorted(result["ways"], key=lambda w: w["seconds"]["median"]):
        s = way["seconds"]
        memory = f"{way['peak_memory'] / 2**20:.0f}" if way["peak_memory"] else ""
        lines.append(f"| {way['name']} | {s['median']:.3f} [{s['least']:.3f}, {s['most']:.3f}] | "
                     f"{way['images_per_second']:.1f} | {way['cpu_per_image']:.4f} | {memory} | "
                     f"{_number(way['psnr'], 2)} | {_number(way['ssim'], 4)} |")
    if result["ratios"]:
        lines += ["", "| Tessera is | times as fast as | pairs of one round |", "|---|---|---|"]
        for r in result["ratios"]:
            lines.append(f"| {r['median']:.2f} [{r['least']:.2f}, {r['most']:.2f}] | {r['way']} | {r['count']} |")
    for row in result.get("quality", []):
        lines += ["", f"Quality against {row['to']}: PSNR {row['psnr_difference']:+.2f} dB, SSIM "
                  f"{_number(row['ssim_difference'], 4, '+')} on average; the worst picture, {row['worst_picture']}: "
                  f"{row['worst_difference']:+.2f} dB."]
    for way in result["ways"]:
        lines += ["", f"**{way['name']} cannot be compared:** {'; '.join(way['problems'][:5])}"
                  + (f" and {len(way['problems']) - 5} more" if len(way["problems"]) > 5 else "")] if way["problems"] else []
    for name, why in result["failed"].items():
        lines += ["", f"**{name} failed:** {' '.join(why.split())[-400:]}"]
    lines += [part for peer, why in result["missing"].items() for part in ("", f"{peer} did not take part: {why}.")]
    return "\n".join(lines) + "\n"
