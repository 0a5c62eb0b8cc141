#include "pipeline/compare/markdown.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/tables.h"
#include "tests/pipeline/compare/sample_runs.h"

namespace tessera::tests {
namespace {

using namespace pipeline;
using Texts = std::set<std::string>;

const std::regex kNumber("[0-9]+(,[0-9]{3})*(\\.[0-9]+)?");

void add_numbers(Texts& known, const std::string& text) {
  for (std::sregex_iterator it(text.begin(), text.end(), kNumber), end; it != end; ++it) known.insert(it->str());
}

/// Every way in which the figures of a document may be written, and every number in its texts.
void collect(const Json& value, Texts& known) {
  if (value.is_string()) add_numbers(known, value.get<std::string>());
  if (value.is_number()) {
    const auto number = value.get<double>();
    for (const std::string& text :
         {seconds_text(number), ratio_text(number), percent_text(number), count_text(number), bytes_text(number),
          binary_size_text(number), fmt::format("{:.2f}", number), fmt::format("{:g}", number * 100)})
      add_numbers(known, text);
    known.insert(value.dump());
    // The ends of an interval are in the median's unit.
    for (const double unit : {1e-3, 1e-6, 1e-9}) known.insert(digits(number / unit));
  }
  if (value.is_structured())
    for (const Json& part : value) collect(part, known);
}

TEST_CASE("Markdown holds no number that the document does not hold") {
  const Json document = sample_document();
  Texts known;
  collect(document, known);
  // Of ideal: a quotient of two of its figures.
  for (const Json& curve : document.at("runs").at("scaling"))
    for (const Json& point : curve.at("points"))
      add_numbers(known, percent_text(point.at("speedup").at("ratio").get<double>() / point.at("slots").get<double>()));
  const std::string text = to_markdown(document);
  int looked_at = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), kNumber), end; it != end; ++it, ++looked_at) {
    INFO(it->str() << " in: ..."
                   << text.substr(static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, it->position() - 40)), 90));
    CHECK(known.count(it->str()) == 1);
  }
  CHECK(looked_at > 600);
}

TEST_CASE("Markdown tells every chapter in order, each with idea, table and meaning") {
  const Json document = sample_document();
  const std::string text = to_markdown(document);
  std::size_t at = 0;
  for (const char* title :
       {"# Threads and processes, measured", "## The machine and the method", "## Creating a worker",
        "## Sharing memory, and copying it", "## Talking to each other", "## When one dies", "## Dealing out the work",
        "## What it comes to on these pictures", "### Verdict", "### Recommendation"}) {
    INFO(title);
    const std::size_t found = text.find(std::string(title) + "\n", at);
    REQUIRE(found != std::string::npos);
    at = found;
  }
  for (const Json& group : document.at("costs").at("groups"))
    CHECK_THAT(text, Catch::Contains(group.at("explanation").get<std::string>()));
  for (const char* section : {"faults", "balance"})
    CHECK_THAT(text, Catch::Contains(document.at(section).at("explanation").get<std::string>()));
  for (const Json& sentence : document.at("runs").at("verdict")) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] != '\\') plain += text[i];
    CHECK_THAT(plain, Catch::Contains("* " + sentence.get<std::string>() + "\n"));
  }
  CHECK_THAT(
      text,
      Catch::Contains("```sh\n" + document.at("runs").at("recommendation").at("command").get<std::string>() + "\n```"));
}

TEST_CASE("Markdown leaves out the chapters whose section is not there") {
  const Json whole = sample_document();
  const std::vector<std::pair<std::string, std::string>> chapters{{"costs", "## Creating a worker"},
                                                                  {"costs", "## Talking to each other"},
                                                                  {"faults", "## When one dies"},
                                                                  {"balance", "## Dealing out the work"},
                                                                  {"runs", "### Recommendation"}};
  for (const char* section : {"runs", "costs", "faults", "balance"}) {
    Json document = whole;
    document.erase(section);
    const std::string text = to_markdown(document);
    for (const auto& [of, title] : chapters) {
      INFO(section << " left out: " << title);
      CHECK((text.find(title) == std::string::npos) == (of == section));
    }
  }
}

TEST_CASE("costs that were measured quickly are said to be") {
  Json document = sample_document();
  for (const bool quick : {false, true}) {
    document["costs"]["quick"] = quick;
    CHECK((to_markdown(document).find("Measured quickly (--quick)") != std::string::npos) == quick);
  }
}

TEST_CASE("names from outside cannot break a Markdown table or a code block") {
  Json document = sample_document();
  document.at("runs").at("configurations")[1]["name"] = "a|b *c* <script> `d`\nnext";
  document.at("runs").at("recommendation")["command"] = "tessera run '```' x";
  const std::string text = to_markdown(document);
  CHECK_THAT(text, Catch::Contains("| a\\|b \\*c\\* \\<script\\> \\`d\\`\\\\x0anext | "));
  CHECK_THAT(text, Catch::Contains("````sh\ntessera run '```' x\n````\n"));
  std::istringstream lines(text);
  std::size_t columns = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ")) {
      columns = 0;
      continue;
    }
    std::size_t count = 0;
    for (std::size_t i = 0; i < line.size(); ++i) count += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1U : 0U;
    if (columns == 0) columns = count;
    INFO(line);
    CHECK(count == columns);
  }
}

}  // namespace
}  // namespace tessera::tests
