// Row 29: names of any bytes.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/faults/harness.h"

namespace tessera::tests {

TEST_CASE("row 29: names of any bytes give outputs of the same bytes", "[faults]") {
  const std::vector<std::string> names{"-dash.jpg",    "new\nline.jpg",   "\xff\xfe bad utf8.jpg",
                                       "%s%n%d.jpg",   "\x1b[31mred.jpg", "tab\t.jpg",
                                       "quote\"'.jpg", "back\\slash.jpg", std::string(251, 'x') + ".jpg"};
  for (const Way& way : isolated_ways()) {
    Batch batch;
    batch.clean();
    const std::string bytes = read_file(batch.in() + "/p00.jpg");
    for (const std::string& name : names) batch.add(name, bytes);
    const Observed seen = run_watched(batch.words(way.flags));
    INFO(seen.result.err);
    CHECK(seen.result.code == 0);
    const auto made = tree(batch.out());
    for (const std::string& name : names) {
      INFO(name);
      REQUIRE(made.contains(name));
      CHECK((made.at(name) == batch.clean().at("p00.jpg")));
    }
    CHECK(rows_of(batch.out()).size() == kOrdinary + names.size());
    CHECK(leftovers(batch.out()).empty());
  }
}

}  // namespace tessera::tests
