#include "pipeline/job_files.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <random>

#include "tests/stages/naive.h"

using namespace tessera::pipeline;
using namespace tessera::stages;
using namespace tessera::tests;

namespace {

struct PlainFile {
  std::FILE* file = std::tmpfile();
  PlainFile() = default;
  PlainFile(const PlainFile&) = delete;
  ~PlainFile() { std::fclose(file); }
  int fd() const { return fileno(file); }
};

Hash128 hash_of(const std::vector<std::byte>& bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  Hash128 hash;
  std::memcpy(hash.data(), canonical.digest, hash.size());
  return hash;
}

}  // namespace

TEST_CASE("the hash of an input is that of its bytes, whatever was read before and in which order", "[job-files]") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const std::size_t size : {0, 1, 65535, 65536, 300001}) {
    PlainFile plain;
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    FdSink sink(plain.fd());
    sink.write_at(0, bytes);
    sink.finish();
    for (int round = 0; round < 8; ++round) {
      FdSource source(plain.fd());
      for (int reads = 0; reads < round; ++reads) {
        const std::uint64_t offset = random() % 3 == 0 ? 0 : random() % (size + 1);
        const ReadBytes part = source.at(offset, random() % 100000);
        REQUIRE(std::equal(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset)));
      }
      REQUIRE(source.hash_all() == hash_of(bytes));
      REQUIRE(source.hash_all() == hash_of(bytes));
    }
    CHECK(sink.hash() == hash_of(bytes));
  }
}

TEST_CASE("a pixel hash does not depend on how the image is cut into bands, and sees every plane", "[job-files]") {
  std::mt19937 random(test_seed());
  for (const Model model : {Model::bgr, Model::ycbcr_planar}) {
    ImageInfo info{83, 128, {model, Depth::u8, false}, {}, 0};
    if (model == Model::ycbcr_planar) info.grid[1] = info.grid[2] = {1, 1, 0, 0};
    OwnedImage image(info);
    for (int p = 0; p < info.format.planes(); ++p)
      for (int y = 0; y < image.view().plane(p).height; ++y)
        for (int x = 0; x < image.view().plane(p).width; ++x)
          image.view().plane(p).row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(random());
    const auto hash = [&](std::int32_t rows) {
      PixelHasher hasher;
      for (std::int32_t y = 0; y < info.height; y += rows)
        hasher.add(sub_view(info, View(image.view()), {0, y, info.width, std::min(y + rows, info.height)}));
      return hasher.finish();
    };
    const Hash128 whole = hash(128);
    CHECK(hash(16) == whole);
    CHECK(hash(48) == whole);
    image.view().plane(info.format.planes() - 1).row<std::uint8_t>(20)[5] ^= 1;
    CHECK(hash(128) != whole);
  }
}
