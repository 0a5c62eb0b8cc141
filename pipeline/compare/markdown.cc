#include "pipeline/compare/markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/tables.h"
#include "pipeline/printable.h"

namespace tessera::pipeline {
namespace {

// The ideas, for somebody who is new to them. No figures here: those are measured.
constexpr std::string_view kOpening =
    "A program that has several processors before it can use them in two ways. *Threads* are several workers in one "
    "room: they share all memory, see each other's work at once, and fall together when one sets fire to the room. "
    "*Processes* are workers in rooms of their own: each has its own memory, one that crashes leaves the others alone, "
    "and whatever they tell each other has to go through a channel. Which is better is not a matter of taste. It "
    "depends on what each costs on the machine at hand, and that can be measured.";
constexpr std::string_view kCreating =
    "Somebody has to be hired before there is any work done. A thread needs a stack and an entry in the kernel's list. "
    "A process made by `fork` needs, besides, a copy of its parent's page tables, so that a parent with much memory of "
    "its own is dearer to copy. Starting another program (`spawn`) has to load it, too.";
constexpr std::string_view kMemory =
    "Threads share every byte whether they want to or not. That costs nothing until two of them write to the same "
    "place: then they wait for each other, and the processors' caches pass the line to and fro. Processes share "
    "nothing "
    "that they write: `fork` lets both sides read the same pages, and copies a page when one of them first writes to "
    "it.";
constexpr std::string_view kTalking =
    "Processes that work together have to talk. They can copy the data through a channel (a pipe, a socket, a file), "
    "or "
    "put it into memory that both see and pass a handle, a few bytes, instead. And whoever waits for a message has to "
    "be "
    "woken up, which has its price, however short the message is.";
constexpr std::string_view kFaults =
    "Sooner or later a picture comes that crashes its decoder, never ends, or eats all memory. A thread that dies "
    "takes "
    "its process with it, and so every other thread and the whole run. A process that dies is one worker fewer: the "
    "others go on, and a new one takes its place. Here each fault was really made to happen, in each way of working.";
constexpr std::string_view kBalance =
    "Workers are only as good as the way in which the work is dealt out. Split it beforehand, and whoever got the huge "
    "pictures works on alone while the others wait. Give the next picture to whoever is free, and only the last ones "
    "can "
    "be unlucky. Cut a huge picture into bands, and even its work can be shared.";
constexpr std::string_view kPictures =
    "All of this is about single operations. What counts is the whole: the same pictures and the same recipe, done in "
    "every way, each run in a fresh process and in random order. Two ways are called different only when a rank test, "
    "corrected for the number of pairs, says so; everything else is noise.";

/// Text from outside as Markdown that shows it.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) safe += '\\';
    safe += c;
  }
  return safe;
}

/// A code block that no text can end.
std::string code_block(const std::string& text) {
  const std::string shown = printable(text, true);
  std::string fence = "```";
  while (shown.find(fence) != std::string::npos) fence += '`';
  return fmt::format("{}sh\n{}\n{}\n\n", fence, shown, fence);
}

std::string pipes(const TextTable& table) {
  if (table.rows.empty()) return "";
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells, bool escape) {
    for (const std::string& cell : cells) text += "| " + (escape ? escaped(cell) : cell) + " ";
    text += "|\n";
  };
  line(table.head, true);
  std::vector<std::string> rule(table.head.size(), "---:");
  rule[0] = "---";
  line(rule, false);
  for (const auto& row : table.rows) line(row, true);
  return text + "\n";
}

std::string chapter(std::string_view title, std::string_view idea) {
  return fmt::format("## {}\n\n{}\n\n", title, idea);
}

/// The groups of costs that this chapter is about; "": none was measured.
std::string costs(const Json& document, std::initializer_list<std::string_view> ids) {
  std::string text;
  if (!document.contains("costs")) return text;
  for (const std::string_view id : ids)
    for (const Json& group : document.at("costs").at("groups")) {
      if (group.at("id") != id) continue;
      text += fmt::format("### {}\n\n", escaped(group.at("title"))) + pipes(cost_table(group));
      const TextTable curves = curve_table(group);
      if (!curves.rows.empty())
        text += fmt::format("Time for each {}:\n\n", escaped(group.value("per", "operation"))) + pipes(curves);
      text += fmt::format("{}\n\n*How it was measured:* {}\n\n", escaped(group.at("explanation")),
                          escaped(group.at("method")));
    }
  return text;
}

std::string costs_chapter(const Json& document, std::string_view title, std::string_view idea,
                          std::initializer_list<std::string_view> ids) {
  const std::string measured = costs(document, ids);
  if (measured.empty()) return "";
  const bool quick = document.at("costs").at("quick");
  return chapter(title, idea) + (quick ? "*Measured quickly (--quick): fewer samples, wider intervals.*\n\n" : "") +
         measured;
}

std::string machine_chapter(const Json& document) {
  std::string text = "## The machine and the method\n\n" + escaped(machine_text(document));
  const std::string set = set_text(document);
  if (!set.empty()) text += fmt::format(" The pictures: {}.", set);
  if (document.contains("runs")) text += " " + escaped(method_text(document.at("runs")));
  text += fmt::format(" Measured by {} at {}, seed {}, by the command\n\n",
                      escaped(document.at("program").get<std::string>()),
                      escaped(document.at("created").get<std::string>()), document.at("seed").dump());
  text += code_block(document.at("command"));
  for (const std::string note : document.at("notes")) text += fmt::format("* {}\n", escaped(note));
  return text + (document.at("notes").empty() ? "" : "\n");
}

std::string faults_chapter(const Json& document) {
  if (!document.contains("faults")) return "";
  const Json& faults = document.at("faults");
  std::string text = chapter("When one dies", kFaults);
  text += fmt::format("{} of {} was struck at every attempt.\n\n", escaped(faults.at("picture")),
                      counted(faults.at("images").get<std::size_t>(), "picture"));
  text += pipes(faults_table(faults)) + escaped(faults.at("explanation")) + "\n\n";
  if (faults.contains("method")) text += fmt::format("*How it was measured:* {}\n\n", escaped(faults.at("method")));
  return text;
}

std::string balance_chapter(const Json& document) {
  if (!document.contains("balance")) return "";
  const Json& balance = document.at("balance");
  return chapter("Dealing out the work", kBalance) +
         fmt::format("{} did the same pictures in each way.\n\n",
                     counted(balance.at("workers").get<std::size_t>(), "worker")) +
         pipes(balance_table(balance)) + escaped(balance.at("explanation")) + "\n\n";
}

std::string pictures_chapter(const Json& document) {
  if (!document.contains("runs")) return "";
  const Json& runs = document.at("runs");
  std::string text = chapter("What it comes to on these pictures", kPictures);
  const std::array<std::pair<TextTable, std::string_view>, 6> tables{{
      {time_table(runs), "Time"},
      {memory_table(runs), "Memory of all processes together, at its highest"},
      {scaling_table(runs), "Scaling"},
      {work_table(runs), "Processor time and how well the slots were used"},
      {phases_table(runs), "Time of all jobs by phase, added up"},
      {kernel_table(runs), "What the kernel counted, and what went over channels"},
  }};
  for (const auto& [table, title] : tables)
    if (!table.rows.empty()) text += fmt::format("### {}\n\n{}", title, pipes(table));
  text += "### Verdict\n\n";
  for (const std::string sentence : runs.at("verdict")) text += fmt::format("* {}\n", escaped(sentence));
  const Json& recommendation = runs.at("recommendation");
  text += "\n### Recommendation\n\n" + code_block(recommendation.at("command"));
  return text + escaped(recommendation.at("why")) + "\n";
}

}  // namespace

std::string to_markdown(const Json& document) {
  std::string text = fmt::format("# Threads and processes, measured\n\n{}\n\n", kOpening);
  text += machine_chapter(document);
  text += costs_chapter(document, "Creating a worker", kCreating, {"create"});
  text += costs_chapter(document, "Sharing memory, and copying it", kMemory, {"sharing", "copy-on-write"});
  text += costs_chapter(document, "Talking to each other", kTalking, {"handover", "wakeup"});
  text += faults_chapter(document);
  text += balance_chapter(document);
  text += pictures_chapter(document);
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace tessera::pipeline
