#include "tests/stages/naive.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "stages/chain.h"
#include "stages/convert.h"
#include "stages/frame_layout.h"

namespace tessera::tests {
using namespace stages;

double NaiveImage::max_value() const {
  return format.depth == Depth::u8 ? 255 : format.depth == Depth::u16 ? 65535 : 1;
}
double& NaiveImage::at(int x, int y, int c) {
  return samples[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) *
                     static_cast<std::size_t>(channels()) +
                 static_cast<std::size_t>(c)];
}
double NaiveImage::at(int x, int y, int c) const { return const_cast<NaiveImage*>(this)->at(x, y, c); }

namespace {
int reflect_101(int i, int n) {
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

double sample_at(const View& view, int x, int y, int c) {
  const int i = x * view.format.channels() + c;
  switch (view.format.depth) {
    case Depth::u8:
      return view.plane().row<std::uint8_t>(y)[i];
    case Depth::u16:
      return view.plane().row<std::uint16_t>(y)[i];
    case Depth::f32:
      return static_cast<double>(view.plane().row<float>(y)[i]);
  }
  return 0;
}

Region random_region(std::mt19937& random, const Region& in) {
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  const int x0 = pick(in.x0, in.x1 - 1), y0 = pick(in.y0, in.y1 - 1);
  return {x0, y0, pick(x0 + 1, in.x1), pick(y0 + 1, in.y1)};
}
}  // namespace

double NaiveImage::reflected(int x, int y, int c) const { return at(reflect_101(x, width), reflect_101(y, height), c); }

NaiveImage make_naive(int width, int height, PixelFormat format) {
  NaiveImage image{width, height, format, {}};
  image.samples.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                       static_cast<std::size_t>(format.channels()));
  return image;
}

NaiveImage random_image(std::mt19937& random, int width, int height, PixelFormat format) {
  NaiveImage image = make_naive(width, height, format);
  std::uniform_real_distribution<double> uniform(0, 1);
  const double max = image.max_value();
  for (int c = 0; c < image.channels(); ++c) {
    const bool is_alpha = format.alpha && c == image.channels() - 1;
    const double gx = uniform(random), gy = uniform(random), noise = uniform(random) * 0.3;
    const int edge_x = std::uniform_int_distribution<int>(0, width)(random);
    const int flat_y = std::uniform_int_distribution<int>(0, height)(random);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        double v = gx * x / width + gy * y / height * 0.5 + (uniform(random) - 0.5) * noise;
        if (x > edge_x) v = 1 - v;
        if (y > flat_y) v = is_alpha ? (x > edge_x ? 1 : 0) : 0.25;
        v = std::clamp(v, 0.0, 1.0) * max;
        image.at(x, y, c) = format.depth == Depth::f32 ? static_cast<double>(static_cast<float>(v)) : std::round(v);
      }
  }
  return image;
}

OwnedImage::OwnedImage(const ImageInfo& info) : info_(info) {
  const std::uint64_t bytes = frame_layout(info, info.bounds()).bytes;
  memory_ = std::make_shared<std::byte[]>(bytes + 64, std::byte{0xA5});  // not zero: unwritten samples show
  auto* start = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory_.get()) + 63) / 64 * 64);
  view_ = view_in(WriteBytes(start, bytes), info, info.bounds());
}

OwnedImage::OwnedImage(const NaiveImage& image)
    : OwnedImage(ImageInfo{image.width, image.height, image.format, {}, 0}) {
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < image.channels(); ++c) {
        const int i = x * image.channels() + c;
        const double v = image.at(x, y, c);
        if (image.format.depth == Depth::u8) view_.plane().row<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(v);
        if (image.format.depth == Depth::u16) view_.plane().row<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(v);
        if (image.format.depth == Depth::f32) view_.plane().row<float>(y)[i] = static_cast<float>(v);
      }
}

NaiveImage OwnedImage::naive() const {
  REQUIRE(info_.full_size());
  NaiveImage image = make_naive(info_.width, info_.height, info_.format);
  for (int y = 0; y < info_.height; ++y)
    for (int x = 0; x < info_.width; ++x)
      for (int c = 0; c < image.channels(); ++c) image.at(x, y, c) = sample_at(view_, x, y, c);
  return image;
}

std::unique_ptr<const Stage> make_stage(const std::string& op, const std::vector<Values::Pair>& parameters) {
  const StageEntry* entry = find_stage(op);
  REQUIRE(entry);
  return entry->make(Values::parse(entry->name, entry->parameters, parameters));
}

namespace {
struct Bound {
  OwnedImage input;  // in the working format
  std::unique_ptr<const Operation> operation;
};

OwnedImage to_working_format(const Stage& stage, const OwnedImage& image) {
  const PixelFormat working = stage.working_format(image.info().format);
  if (working == image.info().format) return image;
  const auto convert = convert_format(image.info(), working, Color{0, 0, 0, 1});
  OwnedImage out(convert->output());
  Scratch scratch;
  convert->apply(image.view(), out.view(), scratch);
  return out;
}

std::unique_ptr<const Operation> bind_measured(const Stage& stage, const OwnedImage& input, std::mt19937* random) {
  std::vector<std::byte> sum;
  if (const auto reduction = stage.reduction(input.info())) {
    sum.resize(reduction->bytes());
    if (!random) {
      reduction->measure(input.view(), sum);
    } else {
      // Any split, any order: bands of random height, measured separately, merged from the last to the first.
      std::vector<std::vector<std::byte>> parts;
      for (int y = 0; y < input.info().height;) {
        const int rows = std::uniform_int_distribution<int>(1, input.info().height)(*random);
        const int end = std::min(y + rows, input.info().height);
        parts.emplace_back(reduction->bytes());
        reduction->measure(sub_view(input.info(), input.view(), {0, y, input.info().width, end}), parts.back());
        y = end;
      }
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) reduction->merge(*part, sum);
    }
  }
  return stage.bind(input.info(), {sum});
}

// A copy of one region, so that a stage that reads beyond what it required meets other bytes.
View alone(const OwnedImage& image, const Region& region, Scratch& scratch) {
  const std::uint64_t bytes = frame_layout(image.info(), region).bytes;
  std::ranges::fill(scratch.take(bytes), std::byte{0x5A});
  const auto memory = scratch.take(bytes);
  std::ranges::fill(scratch.take(bytes), std::byte{0x5A});
  const MutableView copy = view_in(memory, image.info(), region);
  copy_pixels(image.info(), image.view(), copy);
  return copy;
}

// The sample that counts: the colour times alpha if the case says so.
double shown(const NaiveImage& image, std::size_t i, const StageCase& test) {
  const auto channels = static_cast<std::size_t>(image.channels());
  const std::size_t alpha = i / channels * channels + channels - 1;
  if (!test.weigh_by_alpha || !image.format.alpha || i == alpha) return image.samples[i];
  return image.samples[i] * (image.samples[alpha] / image.max_value());
}

bool same_bytes(const ImageInfo& info, const View& a, const View& b) {
  for (int y = 0; y < info.height; ++y)
    if (std::memcmp(a.plane().row<std::byte>(y), b.plane().row<std::byte>(y),
                    static_cast<std::size_t>(info.width) * static_cast<std::size_t>(info.format.pixel_bytes())) != 0)
      return false;
  return true;
}
}  // namespace

OwnedImage run_stage(const Stage& stage, const OwnedImage& image) {
  const OwnedImage input = to_working_format(stage, image);
  const auto operation = bind_measured(stage, input, nullptr);
  OwnedImage out(operation->output());
  const Region need = operation->required_input(out.info().bounds());
  Scratch scratch;
  operation->apply(sub_view(input.info(), input.view(), need), out.view(), scratch);
  return out;
}

unsigned test_seed() {
  static const unsigned seed = [] {
    const char* text = std::getenv("TESSERA_TEST_SEED");
    const unsigned s = text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : std::random_device()();
    fmt::print("TESSERA_TEST_SEED={}\n", s);
    return s;
  }();
  return seed;
}

void check_stage(const StageCase& test) {
  std::mt19937 random(test_seed());
  const auto stage = make_stage(test.op, test.parameters);
  auto sizes = test.sizes;
  for (int i = 0; i < 6; ++i)
    sizes.emplace_back(std::uniform_int_distribution<int>(1, 90)(random),
                       std::uniform_int_distribution<int>(1, 90)(random));
  for (const auto& [width, height] : sizes)
    for (const Depth depth : test.depths)
      for (const Model model : {Model::gray, Model::bgr})
        for (const bool alpha : {false, true}) {
          if (alpha && width > 600) continue;  // the largest size once per model is enough
          const PixelFormat format{model, depth, alpha};
          INFO(fmt::format("seed {}: {} on {}x{} {}", test_seed(), test.op, width, height, to_string(format)));
          const OwnedImage input = to_working_format(*stage, OwnedImage(random_image(random, width, height, format)));
          const auto operation = bind_measured(*stage, input, nullptr);
          const ImageInfo out_info = operation->output();
          REQUIRE(valid(out_info));
          if (const auto promised = stage->output(input.info())) REQUIRE(*promised == out_info);

          // (a) whole, from the required input only
          Scratch scratch;
          OwnedImage whole(out_info);
          operation->apply(sub_view(input.info(), input.view(), operation->required_input(out_info.bounds())),
                           whole.view(), scratch);

          // (b) against the naive whole-image loop
          const NaiveImage expected = test.naive(input.naive());
          const NaiveImage actual = whole.naive();
          REQUIRE(expected.width == actual.width);
          REQUIRE(expected.height == actual.height);
          REQUIRE(expected.format == actual.format);
          const double unit = depth == Depth::f32 ? 1.0 / 255 : 1;
          double worst = 0;
          std::size_t where = 0;
          for (std::size_t i = 0; i < expected.samples.size(); ++i) {
            const double difference = std::abs(shown(expected, i, test) - shown(actual, i, test));
            if (difference > worst) worst = difference, where = i;
          }
          INFO(fmt::format("worst sample {}: expected {}, got {}", where, expected.samples[where],
                           actual.samples[where]));
          REQUIRE(worst <= test.tolerance * unit + 1e-9);

          // (c) random regions, then bands of random height; the statistic measured in random parts
          const auto again = bind_measured(*stage, input, &random);
          if (stage->exactness(input.info().format) == Exactness::any_tiling) {
            for (int i = 0; i < 4; ++i) {
              const Region region = random_region(random, out_info.bounds());
              ImageInfo tile_info = out_info;
              tile_info.width = region.width(), tile_info.height = region.height();
              OwnedImage tile(tile_info), crop(tile_info);
              MutableView shifted = tile.view();
              shifted.region = region;
              const Scratch::Mark mark(scratch);
              again->apply(alone(input, again->required_input(region), scratch), shifted, scratch);
              MutableView target = crop.view();
              target.region = region;
              copy_pixels(out_info, whole.view(), target);
              INFO(fmt::format("region {},{} .. {},{}", region.x0, region.y0, region.x1, region.y1));
              REQUIRE(same_bytes(tile_info, tile.view(), crop.view()));
            }
            OwnedImage banded(out_info);
            for (int y = 0; y < out_info.height;) {
              const int end = std::min(out_info.height, y + std::uniform_int_distribution<int>(1, 200)(random));
              const Region band{0, y, out_info.width, end};
              again->apply(sub_view(input.info(), input.view(), again->required_input(band)),
                           sub_view(out_info, banded.view(), band), scratch);
              y = end;
            }
            REQUIRE(same_bytes(out_info, banded.view(), whole.view()));
          }
        }
}

}  // namespace tessera::tests
