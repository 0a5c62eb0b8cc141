#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "pipeline/compare/fault_fate.h"
#include "pipeline/compare/html_parts.h"

namespace tessera::pipeline::html {
namespace {

void add_once(std::vector<std::string>& list, const std::string& word) {
  if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
}

std::string end_of(const At& row) { return name(end_text(row.value())); }

std::string recovery(const At& row) {
  return took_longer(row.value()) ? figure(row["recover_s"], Unit::kSeconds) : "no measurable difference";
}

// Words first: what happened must not hang on a colour.
std::string fate(const At& row) {
  std::string fate = fate_text(row.value());
  fate[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(fate[0])));
  std::string out = fmt::format("<strong class=\"{}\">{}</strong>", row["survived"].yes() ? "survived" : "died", fate);
  out += fmt::format("<br/>{}<br/>lost: {}, for good: {}<br/>begun again: {}<br/>longer: {}", end_of(row),
                     figure(row["lost"], Unit::kCount), figure(row["lost_for_good"], Unit::kCount),
                     figure(row["redone"], Unit::kCount), recovery(row));
  return out;
}

std::string full_table(const At& faults) {
  std::vector<Row> rows;
  for (const At& row : faults["rows"].items())
    rows.push_back({name(row["fault"].text()) + ", " + name(row["mode"].text()), row["survived"].yes() ? "yes" : "no",
                    end_of(row), figure(row["signal"], Unit::kCount), figure(row["exit_code"], Unit::kCount),
                    figure(row["done"], Unit::kCount), figure(row["lost"], Unit::kCount),
                    figure(row["lost_for_good"], Unit::kCount), figure(row["redone"], Unit::kCount),
                    figure(row["restarts"], Unit::kCount), figure(row["clean_s"], Unit::kSeconds),
                    figure(row["total_s"], Unit::kSeconds), recovery(row), row["identical"].yes() ? "yes" : "no",
                    name(row["said"].text()), "<code>" + words(row["command"].text()) + "</code>"});
  return table(
      "Every figure of the injected faults",
      {"Fault, mode", "Survived", "End", "Signal", "Exit code", "Done at once", "Lost at once", "Lost for good",
       "Begun again", "Restarts", "Clean run", "In all", "Recovery", "Same bytes in the end", "It said", "Command"},
      rows);
}

}  // namespace

std::string faults_part(const At& document) {
  const At faults = document["faults"];
  if (!faults.there()) return "";
  std::vector<std::string> kinds, modes;
  std::map<std::pair<std::string, std::string>, std::string> cells;
  for (const At& row : faults["rows"].items()) {
    add_once(kinds, row["fault"].text());
    add_once(modes, row["mode"].text());
    cells[{row["fault"].text(), row["mode"].text()}] = fate(row);
  }
  std::vector<std::string> columns{"Fault"};
  for (const std::string& mode : modes) columns.push_back(name(mode));
  std::vector<Row> rows;
  for (const std::string& kind : kinds) {
    Row& row = rows.emplace_back(Row{name(kind)});
    for (const std::string& mode : modes) {
      const auto there = cells.find({kind, mode});
      row.push_back(there == cells.end() ? "<span class=\"none\">not tried</span>" : there->second);
    }
  }
  std::string out =
      "<section aria-labelledby=\"faults\">\n" + heading(2, "faults", "What a fault costs: the blast radius");
  out += table(fmt::format("The same faults in each mode, injected into {} among {} pictures",
                           name(faults["picture"].text()), figure(faults["images"], Unit::kCount)),
               columns, rows);
  out += paragraph(
      "\"Lost\" are pictures without an output when the run ended, \"for good\" those still without one after it was "
      "resumed to its end; \"longer\" is the time of all that together beyond that of a run without the fault; less "
      "than 5 % of it is within the "
      "noise of single runs.",
      "reading");
  out += paragraph(words(faults["explanation"].text()));
  out += "<details><summary>Every figure, what the runs said, and their commands</summary>\n" + full_table(faults) +
         "</details>\n";
  if (faults.has("method")) out += paragraph("<strong>Method.</strong> " + escape(faults["method"].text()), "reading");
  return out + "</section>\n";
}

}  // namespace tessera::pipeline::html
