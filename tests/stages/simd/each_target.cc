#include "tests/stages/simd/each_target.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "stages/simd/target.h"

namespace tessera::tests {

UsedTarget::UsedTarget(const std::string& name) { stages::use_simd_target(name); }
UsedTarget::~UsedTarget() { stages::use_simd_target(stages::simd_targets().front()); }

std::string bytes_of(const OwnedImage& image) {
  std::string bytes;
  for (int p = 0; p < image.info().format.planes(); ++p) {
    const auto plane = image.view().plane(p);
    for (std::int32_t y = 0; y < plane.height; ++y)
      bytes.append(plane.row<char>(y),
                   static_cast<std::size_t>(plane.width) * static_cast<std::size_t>(image.info().format.pixel_bytes()));
  }
  return bytes;
}

void check_each_target(const std::function<std::string()>& work) {
  std::string expected;
  {
    const UsedTarget plain("scalar");
    expected = work();
  }
  REQUIRE(!expected.empty());
  for (const std::string& name : stages::simd_targets()) {
    const UsedTarget used(name);
    INFO("seed " << test_seed() << ", target " << name);
    CHECK((work() == expected));
  }
}

void check_each_target(const stages::Operation& operation, const OwnedImage& input) {
  check_each_target([&] { return bytes_of(run_operation(operation, input)); });
}

GuardedBytes::GuardedBytes(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t usable = (bytes + page - 1) / page * page;
  mapped_ = usable + page;
  mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mapping_ != MAP_FAILED);
  auto* const begin = static_cast<std::uint8_t*>(mapping_);
  REQUIRE(mprotect(begin + usable, page, PROT_NONE) == 0);
  data_ = begin + usable - bytes;
}
GuardedBytes::~GuardedBytes() { munmap(mapping_, mapped_); }

}  // namespace tessera::tests
