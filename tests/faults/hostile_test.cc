// The shared hostile files among real photos: nothing of theirs reaches beyond their own rows.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/faults/harness.h"

namespace tessera::tests {
namespace {
namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kMemory = 1024 * kMiB;
constexpr std::uint64_t kThreads = 2;

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}

void write_list(const std::string& path, const std::vector<std::string>& names) {
  std::ofstream list(path, std::ios::binary);
  for (const std::string& name : names) list << name << '\0';
}

}  // namespace

TEST_CASE("hostile files among photos cost a row each, and no photo a byte", "[faults]") {
  const std::string data = shared_data();
  if (data.empty()) return;
  const std::vector<std::string> photos = files_below(data + "/photos"), hostile = files_below(data + "/hostile");
  REQUIRE(hostile.size() > 150);
  TemporaryFolder folder;
  // The photos first in both lists, so that they have the same numbers and names.
  std::vector<std::string> all = photos;
  all.insert(all.end(), hostile.begin(), hostile.end());
  write_list(folder / "photos", photos);
  write_list(folder / "all", all);
  const auto words = [&](const char* list, const std::string& out, const Words& flags) {
    return Words{"run",
                 "--files-from",
                 folder / list,
                 "-o",
                 folder / out,
                 "--template",
                 "{n:04}-{name}.{ext}",
                 "-f",
                 "jpeg",
                 "--resize",
                 "1600x1600>",
                 "-Q",
                 "82",
                 "--memory",
                 fmt::format("{}", kMemory),
                 "--json",
                 "-q"} +
           flags;
  };
  REQUIRE(run_program(words("photos", "clean", {"-j2"})).code == 0);
  const auto clean = tree(folder / "clean");
  REQUIRE(clean.size() == photos.size());
  for (const Way& way : isolated_ways()) {
    INFO(way.name);
    const Observed seen = run_watched(words("all", way.name, way.flags));
    CHECK(seen.result.code == 1);
    const auto rows = rows_of(folder / way.name);
    REQUIRE(rows.size() == all.size());
    std::size_t explained = 0;
    for (const auto& row : rows) {
      INFO(row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      if (row["status"] == "done") continue;
      ++explained;
      CHECK(row["source"].get<std::string>().find("/hostile/") != std::string::npos);
      CHECK(row["error_message"].get<std::string>().size() > 8);
      CHECK(row["reason"].is_string());
    }
    CHECK(explained > 100);
    const auto made = tree(folder / way.name);
    for (const auto& [name, bytes] : clean) {
      INFO(name);
      REQUIRE(made.contains(name));
      CHECK((made.at(name) == bytes));
    }
    CHECK(made.size() == rows.size() - explained);
    CHECK(leftovers(folder / way.name).empty());
    if (kSanitized) continue;  // their own memory is counted, too
    CHECK(seen.coordinator.private_bytes < 32 * kMiB);
    // The limit of workers/executor.h, less what a worker has from the start: it can only be lower.
    CHECK(seen.most_worker_private_bytes < kMemory + (64 + 96 * kThreads) * kMiB);
    CHECK(seen.most_worker_private_bytes > 8 * kMiB);
  }
}

}  // namespace tessera::tests
