#include "pipeline/compare/terminal.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/text_layout.h"
#include "pipeline/utf8.h"
#include "tests/pipeline/compare/sample_runs.h"

namespace tessera::tests {
namespace {

using namespace pipeline;

bool ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

TEST_CASE("no line is wider than the terminal, whatever the names") {
  Json document = sample_document();
  Json& all = document.at("runs").at("configurations");
  all[1]["name"] = "a configuration with a name that is much longer than any terminal of eighty columns is wide";
  all[2]["name"] = std::string(300, 'x');
  all[3]["name"] = "größer als früher, größer als früher, größer als früher, größer als früher";
  document.at("runs").at("verdict").push_back(std::string(500, 'y'));
  document["command"] = "tessera compare photos";  // its words are never cut
  document.at("notes").push_back("\x1b[31mred\x1b[0m");
  for (const int width : {1, 40, 60, 80, 100, 132, 400})
    for (const bool unicode : {false, true}) {
      std::istringstream lines(to_terminal(document, width, unicode));
      int count = 0;
      for (std::string line; std::getline(lines, line); ++count) {
        INFO(width << " columns: " << line);
        REQUIRE(text_width(line) <= static_cast<std::size_t>(std::max(width, 40)));
        REQUIRE(is_utf8(line));
        REQUIRE(line.find('\x1b') == std::string::npos);
        REQUIRE((line.empty() || line.back() != ' '));
      }
      CHECK(count > 100);
    }
}

TEST_CASE("without Unicode a terminal gets ASCII alone") {
  CHECK(ascii(to_terminal(sample_document(), 80, false)));
  CHECK_FALSE(ascii(to_terminal(sample_document(), 80, true)));
}

TEST_CASE("a terminal shows each configuration with its figures, and last the recommended command and why") {
  const Json document = sample_document();
  const std::string text = to_terminal(document, 120, false);
  for (const Json& c : document.at("runs").at("configurations")) {
    INFO(c.at("name"));
    const std::size_t at = text.find("\n" + c.at("name").get<std::string>() + " ");
    REQUIRE(at != std::string::npos);
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at);
    CHECK_THAT(line, Catch::Contains(seconds_interval(c.at("wall_s"))));
    CHECK_THAT(line, Catch::Contains(ratio_interval(c.at("relative"))));
    CHECK_THAT(line, Catch::Contains("#"));
  }
  const std::string last = text.substr(text.find("Recommendation\n==="));
  const std::string command = document.at("runs").at("recommendation").at("command").get<std::string>();
  const std::string why = document.at("runs").at("recommendation").at("why").get<std::string>();
  const std::size_t command_at = last.find(command.substr(0, command.find(' '))), why_at = last.find(why.substr(0, 20));
  REQUIRE(command_at != std::string::npos);
  REQUIRE(why_at != std::string::npos);
  CHECK(command_at < why_at);
  for (const char* title : {"Costs: ", "Faults\n======", "Balance\n=======", "Verdict\n=======", "Recommendation\n==="})
    CHECK_THAT(text, Catch::Contains(title));
}

TEST_CASE("a document with one section alone is shown, the others are not missed") {
  const Json whole = sample_document();
  for (const char* section : {"runs", "costs", "faults", "balance"}) {
    Json document = whole;
    for (const char* other : {"set", "runs", "costs", "faults", "balance"})
      if (std::string(other) != section) document.erase(other);
    const std::string text = to_terminal(document, 100, true);
    INFO(section);
    for (const auto& [of, title] : std::vector<std::pair<std::string, std::string>>{
             {"runs", "Recommendation\n="}, {"costs", "Costs: "}, {"faults", "Faults\n="}, {"balance", "Balance\n="}})
      CHECK((text.find(title) != std::string::npos) == (of == section));
  }
}

TEST_CASE("a point of a scaling curve is held against the ideal line") {
  const Json runs = judged({{"serial", "serial", 1, 1, 3.0, 44}, {"processes -j4", "processes", 4, 1, 1.5, 90}}, 4);
  const TextTable table = scaling_table(runs);
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0][0] == "processes");
  CHECK(table.rows[0][1] == "4");
  CHECK(table.rows[0][3] == "50 %");
}

TEST_CASE("faults are told by what happened, and a recovery within noise is no figure") {
  Json faults = sample_document().at("faults");
  const Json crash = faults.at("rows")[0], survived = faults.at("rows")[2], hang = faults.at("rows")[4];
  REQUIRE(survived.at("survived") == true);
  REQUIRE(hang.at("fault") == "hang");
  faults["rows"] = {crash, survived, hang, survived, survived};
  faults["rows"][3]["recover_s"] = -0.023;
  faults["rows"][4]["recover_s"] = 0.04 * survived.at("clean_s").get<double>();
  const auto rows = faults_table(faults).rows;
  CHECK(rows[0][1] == "died: killed by SIGSEGV");
  CHECK(rows[1][1] == "survived: exit code 1: some images failed");
  CHECK(rows[2][1] == "hung: killed after 20 s");
  CHECK(rows[1][7] == "310 ms");
  CHECK(rows[3][7] == "within noise");
  CHECK(rows[4][7] == "within noise");
}

TEST_CASE("bars are as long as their values, to an eighth of a cell") {
  CHECK(bar(1, 4, false) == "####");
  CHECK(bar(0.5, 4, false) == "##");
  CHECK(bar(0.01, 4, false) == "#");
  CHECK(bar(0, 4, false).empty());
  CHECK(bar(1, 2, true) == "██");
  CHECK(bar(0.75, 2, true) == "█▌");
  CHECK(bar(0.001, 2, true) == "▏");
}

TEST_CASE("sparklines show how high each part is") {
  CHECK(sparkline({0, 0.5, 1}, 10, true) == " ▄█");
  CHECK(sparkline({0, 0.5, 1}, 10, false) == " =#");
  CHECK(sparkline({0, 1, 1, 1}, 2, false) == "=#");
  CHECK(sparkline({0.01}, 2, false) == ".");
  CHECK(sparkline({}, 2, true).empty());
}

TEST_CASE("columns that do not fit beside each other go below, with the first repeated") {
  const TextTable table{{"name", "first column", "second column", "third column"},
                        {{"a", "1.11 s", "2.22 s", "3.33 s"}, {"b", "4", "5", "6"}},
                        {}};
  CHECK(laid_out(table, {80, true}) ==
        "name  first column  second column  third column\n"
        "a           1.11 s         2.22 s        3.33 s\n"
        "b                4              5             6\n");
  CHECK(laid_out(table, {40, true}) ==
        "name  first column  second column\n"
        "a           1.11 s         2.22 s\n"
        "b                4              5\n"
        "\n"
        "name  third column\n"
        "a           3.33 s\n"
        "b                6\n");
}

TEST_CASE("words are wrapped, and cut only where they are longer than a line") {
  CHECK(wrapped("one two three", {7, true}) == "one two\nthree\n");
  CHECK(wrapped("* one two three", {7, true}, 2) == "* one\n  two\n  three\n");
  CHECK(wrapped("takes 1.4 % more, 92 MB, 3 words", {11, true}) == "takes 1.4 %\nmore,\n92 MB, 3\nwords\n");
  CHECK(wrapped("abcdefgh", {5, true}, 2) == "abcde\n  fgh\n");
  CHECK(wrapped("abcdefghij k", {4, true}) == "abcd\nefgh\nij k\n");
  CHECK(wrapped("", {7, true}).empty());
}

TEST_CASE("a command is broken where a shell can put it together again") {
  const std::string command = "tessera run -s 'sharpen amount=0.5' -j 2 'a b c d e f g h i j k l m n o p q r s t u'";
  CHECK(wrapped_command(command, {40, true}) ==
        "  tessera run -s 'sharpen amount=0.5' \\\n"
        "    -j 2 \\\n"
        "    'a b c d e f g h i j k l m n o p q r s t u'\n");
  CHECK(wrapped_command("tessera run", {40, true}) == "  tessera run\n");
}

}  // namespace
}  // namespace tessera::tests
