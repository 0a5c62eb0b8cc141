#include "stages/source.h"

#include <catch2/catch.hpp>

#include "stages/frame_layout.h"
#include "tests/stages/naive.h"

using namespace tessera::stages;
using namespace tessera::tests;

namespace {

ImageInfo planes_info(int width, int height) {
  const Grid half{1, 1, 0, 0};
  return {width, height, {Model::ycbcr_planar, Depth::u8, false}, {Grid{}, half, half, Grid{}}, 0};
}

OwnedImage noise(std::mt19937& random, const ImageInfo& info) {
  OwnedImage image(info);
  std::uniform_int_distribution<int> level(0, 255);
  for (int p = 0; p < info.format.planes(); ++p)
    for (int y = 0; y < image.view().plane(p).height; ++y)
      for (int i = 0; i < image.view().plane(p).width * info.format.channels(); ++i)
        image.view().plane(p).row<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(level(random));
  return image;
}

bool shows(const ImageInfo& info, const View& view, const OwnedImage& image, const Region& region) {
  const View part = sub_view(info, view, region), expected = sub_view(info, image.view(), region);
  for (int p = 0; p < info.format.planes(); ++p)
    for (int y = 0; y < part.plane(p).height; ++y)
      for (int i = 0; i < part.plane(p).width * info.format.channels(); ++i)
        if (part.plane(p).row<std::uint8_t>(y)[i] != expected.plane(p).row<std::uint8_t>(y)[i]) return false;
  return true;
}

/// Hands out the rows of an image and insists on the contract of Decoder::read.
class FakeDecoder final : public Decoder {
 public:
  FakeDecoder(const OwnedImage& image, std::int32_t multiple) : image_(image), multiple_(multiple) {}
  void read(const MutableView& out) override {
    const ImageInfo& info = image_.info();
    CHECK(out.region.x0 == 0);
    CHECK(out.region.x1 == info.width);
    CHECK(out.region.y0 == next_);
    CHECK(out.region.y1 > out.region.y0);
    CHECK((out.region.y1 % multiple_ == 0 || out.region.y1 == info.height));
    copy_pixels(info, image_.view(), out);
    next_ = out.region.y1;
  }
  void finish() override {}
  Metadata metadata() override { return {}; }
  std::int32_t rows_read() const { return next_; }

 private:
  const OwnedImage& image_;
  std::int32_t multiple_;
  std::int32_t next_ = 0;
};

int pick(std::mt19937& random, int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

}  // namespace

TEST_CASE("a frame source lends the frame", "[source]") {
  std::mt19937 random(test_seed());
  const OwnedImage image = noise(random, planes_info(61, 47));
  FrameSource source(image.info(), image.view());
  const View view = source.fetch({5, 9, 30, 40});
  CHECK(shows(image.info(), view, image, {5, 9, 30, 40}));
  CHECK(view.plane(0).data == image.view().plane(0).row<std::byte>(9) + 5);
}

TEST_CASE("a piece source lends within a piece and gathers across pieces", "[source]") {
  std::mt19937 random(test_seed());
  const OwnedImage image = noise(random, planes_info(61, 150));
  std::vector<OwnedImage> memory;
  std::vector<View> pieces;
  for (int y = 0; y < 150; y += 32) {
    const Region region{0, y, 61, std::min(y + 32, 150)};
    memory.emplace_back(planes_info(61, region.height()));
    MutableView piece = memory.back().view();
    piece.region = region;
    copy_pixels(image.info(), image.view(), piece);
    pieces.push_back(piece);
  }
  PieceSource source(image.info(), pieces);
  CHECK(source.fetch({0, 32, 61, 64}).plane(0).data == pieces[1].plane(0).data);
  for (int round = 0; round < 200; ++round) {
    const int x0 = pick(random, 0, 60), y0 = pick(random, 0, 149);
    const Region region{x0, y0, pick(random, x0 + 1, 61), pick(random, y0 + 1, 150)};
    INFO("seed " << test_seed() << ": " << region.x0 << "," << region.y0 << " " << region.x1 << "," << region.y1);
    REQUIRE(shows(image.info(), source.fetch(region), image, region));
  }
}

TEST_CASE("a decoder source shows any ascending regions and keeps no more rows than its ring", "[source]") {
  std::mt19937 random(test_seed());
  for (int round = 0; round < 300; ++round) {
    const int multiple = 1 << pick(random, 0, 4), height = pick(random, 1, 150);
    const bool planar = multiple > 1 && round % 2 == 0;
    const ImageInfo info = planar ? planes_info(pick(random, 1, 40), height)
                                  : ImageInfo{pick(random, 1, 40), height, {Model::bgr, Depth::u8, false}, {}, 0};
    const OwnedImage image = noise(random, info);
    FakeDecoder decoder(image, multiple);
    const Traits traits{info, Access::rows, multiple, 0};
    const int ring_rows = pick(random, 1, 40);
    const std::uint64_t bytes = DecoderSource::ring_bytes(traits, ring_rows);
    std::vector<std::byte> memory(bytes + 128, std::byte{0x77});
    auto* start = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
    DecoderSource source(decoder, traits, info.bounds(), WriteBytes(start, bytes), ring_rows);
    INFO("seed " << test_seed() << " round " << round << " height " << height << " multiple " << multiple);
    int furthest = 0;
    for (int y0 = 0; y0 < height;) {
      const int y1 = pick(random, y0 + 1, std::min(y0 + ring_rows, height));
      const int x0 = pick(random, 0, info.width - 1);
      const Region region{x0, y0, pick(random, x0 + 1, info.width), y1};
      REQUIRE(shows(info, source.fetch(region), image, region));
      furthest = std::max(furthest, y1);
      REQUIRE(decoder.rows_read() < furthest + multiple);        // never further than the band that is asked for
      y0 += pick(random, 0, pick(random, 0, 9) == 0 ? 90 : 12);  // sometimes the same again, sometimes a leap
    }
    for (std::byte* b = start + bytes; b < memory.data() + memory.size(); ++b) REQUIRE(*b == std::byte{0x77});
  }
}

TEST_CASE("of a decoder of regions no column and no row is decoded that is not needed, and none twice", "[source]") {
  /// Hands out any rectangle and counts how often each pixel leaves it.
  struct RegionDecoder final : Decoder {
    explicit RegionDecoder(const OwnedImage& i) : image(i), times(static_cast<std::size_t>(i.info().height)) {}
    void read(const MutableView& out) override {
      copy_pixels(image.info(), image.view(), out);
      x0 = std::min(x0, out.region.x0), x1 = std::max(x1, out.region.x1);
      for (int y = out.region.y0; y < out.region.y1; ++y) ++times[static_cast<std::size_t>(y)];
    }
    void finish() override {}
    Metadata metadata() override { return {}; }
    const OwnedImage& image;
    std::vector<int> times;  // [row]
    int x0 = 1 << 20, x1 = 0;
  };
  std::mt19937 random(test_seed());
  for (int round = 0; round < 200; ++round) {
    const ImageInfo info{pick(random, 2, 40), pick(random, 20, 150), {Model::bgr, Depth::u8, false}, {}, 0};
    const OwnedImage image = noise(random, info);
    RegionDecoder decoder(image);
    const int x0 = pick(random, 0, info.width - 2), x1 = pick(random, x0 + 1, info.width);
    const int ring_rows = pick(random, 1, 30), first = pick(random, 0, info.height - 1);
    const Traits traits{info, Access::regions, 1, 0};
    std::vector<std::byte> memory(DecoderSource::ring_bytes(traits, ring_rows) + 128);
    auto* start = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
    DecoderSource source(decoder, traits, {x0, first, x1, info.height}, WriteBytes(start, memory.size() - 64),
                         ring_rows);
    std::vector<bool> asked(static_cast<std::size_t>(info.height));
    INFO("seed " << test_seed() << " round " << round);
    for (int y0 = first; y0 < info.height; y0 += pick(random, 1, 25)) {
      const Region region{x0, y0, x1, pick(random, y0 + 1, std::min(y0 + ring_rows, info.height))};
      REQUIRE(shows(info, source.fetch(region), image, region));
      std::fill(asked.begin() + region.y0, asked.begin() + region.y1, true);
    }
    CHECK(decoder.x0 == x0);
    CHECK(decoder.x1 == x1);
    for (std::size_t y = 0; y < asked.size(); ++y) REQUIRE(decoder.times[y] == (asked[y] ? 1 : 0));
  }
}
