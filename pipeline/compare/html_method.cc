#include <fmt/format.h>

#include "pipeline/compare/html_parts.h"

namespace tessera::pipeline::html {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;  // words, HTML

std::string list(const Facts& facts) {
  std::string out = "<dl>\n";
  for (const auto& [words, html] : facts)
    if (!html.empty()) out += "<div><dt>" + words + "</dt><dd>" + html + "</dd></div>\n";
  return out + "</dl>\n";
}

std::string text_of(const At& at) { return name(at.text()); }

std::string megahertz(const At& values) {
  std::string out;
  for (const At& value : values.items()) out += (out.empty() ? "" : ", ") + figure(value, Unit::kNumber);
  return out.empty() ? "" : out + " MHz";
}

Facts machine_facts(const At& machine) {
  const At virtualised = machine["virtualised"];
  return {{"Processor", text_of(machine["cpu"])},
          {"Processors for this", figure(machine["cpus"], Unit::kCount)},
          {"Processors online", machine.has("cpus_online") ? figure(machine["cpus_online"], Unit::kCount) : ""},
          {"Memory", figure(machine["memory_bytes"], Unit::kBytes)},
          {"Kernel", text_of(machine["kernel"])},
          {"System", machine.has("os") ? text_of(machine["os"]) : ""},
          {"Virtual machine", !virtualised.there() ? "not known"
                              : virtualised.yes()  ? "yes"
                                                   : "no"},
          {"Frequency governor", machine.has("governor") ? text_of(machine["governor"]) : "the kernel does not say"},
          {"Frequency before", megahertz(machine["mhz"])},
          {"Frequency after", megahertz(machine["mhz_after"])},
          {"Load before", figure(machine["load_before"], Unit::kNumber)},
          {"Load after", machine.has("load_after") ? figure(machine["load_after"], Unit::kNumber) : ""}};
}

Facts method_facts(const At& method) {
  if (!method.there()) return {};
  return {
      {"Timed runs of each", figure(method["runs"], Unit::kCount)},
      {"Runs needed for any verdict", method.has("runs_needed") ? figure(method["runs_needed"], Unit::kCount) : ""},
      {"Runs before, not counted", figure(method["warmup"], Unit::kCount)},
      {"Order", text_of(method["order"])},
      {"Page cache", text_of(method["cache"])},
      {"Inputs in the page cache", method.has("cache_resident") ? figure(method["cache_resident"], Unit::kPart) : ""},
      {"Test", text_of(method["test"])},
      {"Level", figure(method["alpha"], Unit::kPart)},
      {"Pairs", method.has("pairs") ? figure(method["pairs"], Unit::kCount) : ""},
      {"Outputs", text_of(method["outputs"])}};
}

Facts set_facts(const At& set) {
  if (!set.there()) return {};
  std::string sources;
  for (const At& source : set["sources"].items()) sources += (sources.empty() ? "" : ", ") + name(source.text());
  return {{"Pictures from", sources},
          {"Pictures", figure(set["images"], Unit::kCount)},
          {"Size", figure(set["bytes"], Unit::kBytes)},
          {"Megapixels", set.has("megapixels") ? figure(set["megapixels"], Unit::kNumber) : ""}};
}

}  // namespace

std::string method_part(const At& document) {
  std::string out = "<section aria-labelledby=\"method\">\n" + heading(2, "method", "How this was measured");
  if (!document["notes"].items().empty()) {
    out += heading(3, "notes", "Before you believe a figure") + "<ul>\n";
    for (const At& note : document["notes"].items()) out += "<li>" + escape(note.text()) + "</li>\n";
    out += "</ul>\n";
  }
  out += heading(3, "machine", "The machine") + list(machine_facts(document["machine"]));
  const At method = document["runs"]["method"], set = document["set"];
  if (set.there()) {
    out += heading(3, "set", "The pictures and the recipe") + list(set_facts(set));
    out += "<details><summary>The recipe</summary><pre tabindex=\"0\"><code>" + escape(set["recipe"].text()) +
           "</code></pre></details>\n";
  }
  if (method.there()) out += heading(3, "runs-method", "The runs") + list(method_facts(method));
  out += heading(3, "again", "To do it again") + command_block(document["command"].text());
  out += paragraph(
      fmt::format(
          "With --seed <data value=\"{0}\" data-json=\"/seed\">{0}</data> order and resampling are the same again.",
          document["seed"].json()),
      "reading");
  out += heading(3, "data", "The data");
  out += paragraph(fmt::format(
      "All of it is in this page, as JSON ({}, version {}) in the element <code>#tessera-compare</code>. Every figure "
      "above names its place there in <code>data-json</code>.",
      escape(document["schema"].text()), document["version"].json()));
  return out + "<details><summary>To take the data out</summary>\n" +
         paragraph("On a command line, with REPORT.html the name of this page:") +
         command_block(
             "python3 -c 'import re,sys; print(re.search(r\"id=\\\"tessera-compare\\\">(.*?)</script>\", "
             "open(sys.argv[1], "
             "encoding=\"utf-8\").read(), re.S)[1])' REPORT.html >compare.json") +
         paragraph("In a browser's console:") +
         command_block("copy(document.getElementById(\"tessera-compare\").textContent)") + "</details>\n</section>\n";
}

}  // namespace tessera::pipeline::html
