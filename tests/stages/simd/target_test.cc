#include "stages/simd/target.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/stages/simd/each_target.h"

using namespace tessera::stages;
using tessera::tests::UsedTarget;

TEST_CASE("the best instruction set is used, and plain loops are always offered", "[simd]") {
  const std::vector<std::string> targets = simd_targets();
  REQUIRE(!targets.empty());
  CHECK(targets.back() == "scalar");
  CHECK(simd_target() == targets.front());
  CHECK(std::set<std::string>(targets.begin(), targets.end()).size() == targets.size());
}

TEST_CASE("an instruction set can be taken, and the offer stays what it was", "[simd]") {
  const std::vector<std::string> targets = simd_targets();
  for (const std::string& name : targets) {
    const UsedTarget used(name);
    CHECK(simd_target() == name);
    CHECK(simd_targets() == targets);
  }
  CHECK(simd_target() == targets.front());
}

TEST_CASE("an unknown instruction set is refused with the names of this build, and changes nothing", "[simd]") {
  const std::string before = simd_target();
  for (const char* name : {"", "AVX2", "mmx", "scalar "}) {
    CHECK_THROWS_WITH(use_simd_target(name),
                      Catch::Matchers::Contains("'" + std::string(name) + "'") && Catch::Matchers::Contains("scalar"));
    CHECK(simd_target() == before);
  }
}
