// Real and hostile files beside the project, when they are there: every one decodes or fails with a sentence.
#include <catch2/catch.hpp>

#include "stages/codecs/byte_io.h"
#include "tests/stages/codecs/other_files.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

constexpr std::int64_t kMaxPixels = 30'000'000;  // what the program's --max-pixels is for

enum class Outcome { decoded, failed, too_large };

Outcome try_decode(const std::filesystem::path& path, const DecodeRequest& wanted) {
  const Bytes file = read_file(path);
  try {
    MemorySource source(file);
    const Header header = probe(source);
    if (std::int64_t{header.full.width} * header.full.height > kMaxPixels) return Outcome::too_large;
    DecodeRequest request = wanted;
    request.planar = wanted.planar && header.planar;
    request.scale_log2 = std::min(wanted.scale_log2, header.max_scale_log2);
    std::mt19937 random(1);
    decode(file, request, &random);
    return Outcome::decoded;
  } catch (const ImageError& error) {
    REQUIRE(std::string(error.what()).size() > 10);
    return Outcome::failed;
  }
}

}  // namespace

TEST_CASE("the orientation of every orientation sample is read as its name says", "[shared]") {
  for (const auto& path : shared_files("formats/jpeg_orientation", {".jpg"})) {
    CAPTURE(path.filename());
    const Bytes file = read_file(path);
    CHECK(probe_bytes(file).orientation == path.stem().string().back() - '0');
  }
}

TEST_CASE("JPEG and PNG samples decode, but for lossless, 12-bit and incomplete ones", "[shared]") {
  for (const auto& path : shared_files("formats", {".jpg", ".jpeg", ".png", ".mpo"})) {
    const std::string name = path.filename().string(), folder = path.parent_path().filename().string();
    if (!folder.starts_with("jpeg") && !folder.starts_with("png")) continue;
    CAPTURE(name);
    const bool known = name.find("_lossless_") != name.npos || name.starts_with("ljt_random12_") ||
                       name == "ljt_8x8_420_tables.jpg" || name == "pil_ultrahdr.jpg";
    CHECK(try_decode(path, {}) == (known ? Outcome::failed : Outcome::decoded));
    if (!known) CHECK(try_decode(path, {.scale_log2 = 2, .planar = true}) == Outcome::decoded);
  }
}

TEST_CASE("TIFF and PNM samples decode, but for the kinds that are refused by name", "[shared]") {
  int decoded = 0;
  for (const auto& path : shared_files("formats", {".tif", ".tiff", ".ppm", ".pgm"})) {
    CAPTURE(path.filename());
    const Bytes file = read_file(path);
    try {
      decode(file, {.fail_on = FailOn::warning});
      ++decoded;
    } catch (const ImageError& error) {
      CAPTURE(error.what());
      const std::string why = error.what();
      const bool by_name = why.find("not decoded") != why.npos || why.find("numbers are decoded") != why.npos;
      CHECK((by_name || why == "TIFF: Old-style LZW codes, convert file"));
    }
  }
  CHECK((decoded == 0 || decoded > 40));
}

TEST_CASE("hostile files decode or fail with a sentence", "[shared]") {
  for (const auto& path :
       shared_files("hostile", {".jpg", ".jpeg", ".png", ".jfif", ".tif", ".tiff", ".pnm", ".ppm", ".pgm"})) {
    CAPTURE(path.filename());
    try_decode(path, {});
    try_decode(path, {.scale_log2 = 3, .fail_on = FailOn::none, .planar = true});
  }
}
