// The rules of the house: which folder may include which, and that the README says what the program does.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "pipeline/reference.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace fs = std::filesystem;

TEST_CASE("stages/ and workers/ include neither each other nor pipeline/", "[house]") {
  const std::map<std::string, std::vector<std::string>> forbidden{{"stages", {"workers/", "pipeline/"}},
                                                                  {"workers", {"stages/", "pipeline/"}}};
  int looked_at = 0;
  for (const auto& [folder, others] : forbidden)
    for (const auto& entry : fs::recursive_directory_iterator(std::string(TESSERA_SOURCE "/") + folder)) {
      if (!entry.is_regular_file()) continue;
      ++looked_at;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);)
        for (const std::string& other : others) {
          INFO(entry.path() << ": " << line);
          CHECK_FALSE(line.starts_with("#include \"" + other));
        }
    }
  CHECK(looked_at > 40);
}

TEST_CASE("no two headers of a folder define one type", "[house]") {
  // The linker would take either for both.
  const std::regex definition("^(?:struct|class|enum class) ([A-Z]\\w*)(?: final)?(?: :.*)?\\s*\\{.*");
  int found = 0;
  for (const char* folder : {"stages", "workers", "pipeline"}) {
    std::map<std::string, std::string> defined;
    for (const auto& entry : fs::recursive_directory_iterator(std::string(TESSERA_SOURCE "/") + folder)) {
      if (entry.path().extension() != ".h") continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, definition)) continue;
        ++found;
        const auto [earlier, fresh] = defined.emplace(match[1], entry.path().string());
        INFO(match[1] << " in " << earlier->second << " and " << entry.path());
        CHECK(fresh);
      }
    }
  }
  CHECK(found > 100);
}

// The help of each subcommand, and of theirs, is in the README; how many there are.
int check_help(const std::string& readme, std::vector<std::string> words) {
  words.emplace_back("--help");
  std::string help = run_program(words).out;
  words.pop_back();
  while (help.ends_with('\n')) help.pop_back();
  if (!words.empty()) {
    INFO(words.back());
    CHECK(readme.find("```text\n" + help + "\n```\n") != std::string::npos);
  }
  int found = words.empty() ? 0 : 1;
  const auto section = help.find("\nSubcommands:\n");
  if (section == std::string::npos) return found;
  std::istringstream lines(help.substr(section + std::string_view("\nSubcommands:\n").size()));
  for (std::string line; std::getline(lines, line) && line.starts_with("  ");) {
    if (line.starts_with("   ")) continue;  // a description that goes on
    words.push_back(line.substr(2, line.find(' ', 2) - 2));
    found += check_help(readme, words);
    words.pop_back();
  }
  return found;
}

TEST_CASE("the README's reference is what the program prints", "[house]") {
  const std::string readme = read_file(TESSERA_SOURCE "/README.md");
  INFO("run tests/update_readme.sh");
  CHECK(readme.find(pipeline::stages_markdown()) != std::string::npos);
  const int found = check_help(readme, {});
  CHECK(found >= 11);
}

}  // namespace tessera::tests
