// What a worker answers is bytes until it is checked: headers and sizes that no decoder and no stage could have found
// are refused before anything is planned with them.
#include "pipeline/wire.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "pipeline/metadata_block.h"

namespace tessera::tests {
using namespace pipeline;
using namespace stages;

namespace {

Header photo_header() {
  Header header;
  header.full = {640, 480, {Model::bgr, Depth::u8, false}, {}, 0};
  header.planar = true;
  header.chroma_log2 = {1, 1};
  header.max_scale_log2 = 3;
  return header;
}

void set_bool(bool& value, unsigned char byte) { std::memcpy(&value, &byte, sizeof byte); }

}  // namespace

TEST_CASE("a header that no decoder could have found is not plausible", "[wire]") {
  CHECK(plausible(photo_header()));
  const std::vector<std::function<void(Header&)>> lies{
      [](Header& h) { h.full.width = 0; },
      [](Header& h) { h.full.width = 1'000'001; },
      [](Header& h) { h.full.height = kMaxSide; },
      [](Header& h) { h.full.format.model = Model::ycbcr_planar; },
      [](Header& h) { h.full.format.depth = static_cast<Depth>(3); },
      [](Header& h) { h.full.grid[0].log2_x = 1; },
      [](Header& h) { h.full.grid[2].log2_y = 1; },
      [](Header& h) { set_bool(h.full.format.alpha, 7); },
      [](Header& h) { set_bool(h.planar, 2); },
      [](Header& h) { set_bool(h.progressive, 255); },
      [](Header& h) {
        h.chroma_log2 = {3, 0};
      },
      [](Header& h) {
        h.chroma_log2 = {0, 200};
      },
      [](Header& h) { h.orientation = 0; },
      [](Header& h) { h.orientation = 9; },
      [](Header& h) { h.pages = 0; },
      [](Header& h) { h.max_scale_log2 = 6; },
      [](Header& h) { h.codec = static_cast<std::uint32_t>(codecs().size()); },
      [](Header& h) {  // which offers neither planes nor a scale
        h.codec = static_cast<std::uint32_t>(std::ranges::find(codecs(), find_codec("png")) - codecs().begin());
      },
      [](Header& h) { h.metadata_bytes = 1u << 30; }};
  for (std::size_t i = 0; i < lies.size(); ++i) {
    INFO("lie " << i);
    Header header = photo_header();
    lies[i](header);
    CHECK_FALSE(plausible(header));
  }
}

TEST_CASE("a stage cannot be resolved to what does not lie in the measured image", "[wire]") {
  const ImageInfo measured = photo_header().full;
  CHECK(plausible(measured, measured));
  ImageInfo cut = measured;
  cut.width = 1;
  CHECK(plausible(cut, measured));
  const std::vector<std::function<void(ImageInfo&)>> lies{
      [](ImageInfo& i) { i.width = 641; },         [](ImageInfo& i) { i.height = 0; },
      [](ImageInfo& i) { i.format.alpha = true; }, [](ImageInfo& i) { set_bool(i.format.alpha, 4); },
      [](ImageInfo& i) { i.grid[0].log2_x = 1; },  [](ImageInfo& i) { i.format.model = Model::ycbcr_planar; }};
  for (std::size_t i = 0; i < lies.size(); ++i) {
    INFO("lie " << i);
    ImageInfo resolved = measured;
    lies[i](resolved);
    CHECK_FALSE(plausible(resolved, measured));
  }
}

TEST_CASE("a metadata block holds empty values, too", "[wire]") {
  const Metadata metadata{{"xmp", {}}, {"exif", {std::byte{1}}}};
  std::vector<std::byte> block(64);
  write_metadata(metadata, block);
  CHECK(read_metadata(block) == metadata);
}

}  // namespace tessera::tests
