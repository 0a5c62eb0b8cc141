"""Reports as a reader meets them, in headless Chromium without a network: check_page.py SCHEMA.json REPORT.html...

For each: no error on the console and no request; every figure is that of the embedded document, written right; the
document is valid; headings are in order, drawings and tables say what they are; nothing is cut, overlaps or is wider
than the page at 1400 and at 390 px, with all details open, too; text has contrast by day and by night. Writes
screenshots."""
import base64
import json
import os
import pathlib
import re
import sys

import jsonschema

from chromium import Chromium

UNITS = {"": 1, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "×": 1, "%": 0.01, "/s": 1, "B": 1, "KB": 1e3, "MB": 1e6,
         "GB": 1e9, "TB": 1e12, "PB": 1e15, "EB": 1e18, "KiB": 2 ** 10, "MiB": 2 ** 20, "GiB": 2 ** 30}
NUMBER = re.compile(r"(-?)(\d[\d,]*)(\.\d+)?\s*(\D*)")


def resolve(document, pointer):
    for word in pointer.split("/")[1:]:
        word = word.replace("~1", "/").replace("~0", "~")
        document = document[int(word) if isinstance(document, list) else word]
    return document


def reads_as(text, value):
    """Whether `text` is `value`, rounded to the digits that it shows."""
    match = NUMBER.fullmatch(text)
    if not match or match[4] not in UNITS:
        return False
    factor = UNITS[match[4]]
    shown = float((match[1] + match[2] + (match[3] or "")).replace(",", "")) * factor
    half = 0.5 * 10.0 ** -(len(match[3]) - 1 if match[3] else 0) * factor
    return abs(shown - value) <= half * 1.001 + abs(value) * 1e-12


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i:i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def network(events, url):
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent" and params["request"]["url"] != url:
            if not params["request"]["url"].startswith("data:"):
                yield f"asks for {params['request']['url']}"
        if method == "Log.entryAdded" and params["entry"]["level"] == "error":
            yield f"error on the console: {params['entry']['text']}"
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            yield f"error on the console: {params['args']}"
        if method == "Runtime.exceptionThrown":
            yield f"exception: {params['exceptionDetails']['text']}"


def contents(page, schema):
    document = json.loads(page["embedded"])
    for error in jsonschema.Draft7Validator(schema).iter_errors(document):
        yield f"the document is not valid: /{'/'.join(map(str, error.path))}: {error.message[:200]}"
    if len(page["figures"]) < 10:
        yield f"only {len(page['figures'])} figures"
    for pointer, value, text in page["figures"]:
        try:
            there = resolve(document, pointer)
        except (KeyError, IndexError, ValueError, TypeError):
            yield f"{pointer} is not in the document"
            continue
        if json.loads(value) != there:
            yield f"{pointer} is {there} and not {value}"
        if not reads_as(text, there):
            yield f"{pointer} is {there} and not '{text}'"
    if page["scripts"] or page["elsewhere"]:
        yield f"{page['scripts']} scripts, links to {page['elsewhere']}"


def structure(page):
    before = 0
    for level, text in page["headings"]:
        if level > before + 1 or not text.strip():
            yield f"heading '{text}' of level {level} after one of level {before}"
        before = level
    if [level for level, _ in page["headings"]].count(1) != 1:
        yield "not exactly one h1"
    if page["landmarks"]:
        yield f"not exactly one of each: {page['landmarks']}"
    if page["tables"] or page["bare"]:
        yield f"{page['tables']} tables without caption or scopes, {page['bare']} figures without a table"
    for drawing in page["drawings"]:
        if drawing["role"] != "img" or not drawing["labelled"] or min(len(drawing["title"]), len(drawing["desc"])) < 10:
            yield f"a drawing without role, title or description: {drawing['title']}"


def layout(page):
    if page["width"][0] > page["width"][1]:
        yield f"{page['width'][0]} px wide on a page of {page['width'][1]}"
    for drawing in page["drawings"]:
        if drawing["cut"]:
            yield f"cut in '{drawing['title'][:50]}': {drawing['cut'][:3]}"
        if drawing["crossing"]:
            yield f"texts over each other in '{drawing['title'][:50]}': {drawing['crossing'][:3]}"
        if drawing["small"] < 10.5:
            yield f"text of {drawing['small']:.1f} px in '{drawing['title'][:50]}'"
    shown = sum(drawing["shown"] for drawing in page["drawings"])
    if 2 * shown != len(page["drawings"]):
        yield f"{shown} of {len(page['drawings'])} drawings are shown, not one of each pair"


def colours(page, scheme):
    for ground in ("paper", "panel"):
        for text in ("ink", "soft", "accent", "good", "bad"):
            ratio = contrast(page["colours"][text], page["colours"][ground])
            if ratio < 4.5:
                yield f"{text} on {ground}: contrast {ratio:.1f} in {scheme}"


def screenshot(browser, path):
    size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
    data = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
    path.write_bytes(base64.b64decode(data))


def problems(browser, report, schema, probe, pictures):
    url = report.resolve().as_uri()
    for width in (1400, 390):
        for scheme in ("light", "dark") if width == 1400 else ("light",):
            browser.media(prefers_color_scheme=scheme)
            if scheme == "light":
                yield from network(browser.open(url, width), url)
            page = browser.evaluate(probe)
            yield from (f"{width} px: {problem}" for problem in colours(page, scheme))
            screenshot(browser, pictures / f"{report.stem}-{width}-{scheme}.png")
        yield from (f"{width} px: {problem}" for problem in layout(page))
        browser.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true }), 0")
        opened = browser.evaluate(probe)
        if opened["width"][0] > opened["width"][1]:
            yield f"{opened['width'][0]} px wide on a page of {width} with all details open"
    yield from contents(page, schema)
    yield from structure(page)


def main():
    schema_path, *reports = sys.argv[1:]
    if not reports:
        sys.exit("check_page.py: name at least one report")
    schema = json.loads(pathlib.Path(schema_path).read_text(encoding="utf-8"))
    probe = (pathlib.Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
    browser, bad = Chromium(), 0
    try:
        for report in map(pathlib.Path, reports):
            pictures = pathlib.Path(os.environ.get("TESSERA_SCREENSHOTS") or report.parent)
            found = list(problems(browser, report, schema, probe, pictures))
            bad += len(found)
            print(f"{report.name}: {f'{len(found)} wrong' if found else 'all is well'}; screenshots in {pictures}")
            for problem in found[:20]:
                print(f"  {problem}")
    finally:
        browser.close()
    sys.exit(1 if bad else 0)


main()
