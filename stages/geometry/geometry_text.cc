#include "stages/geometry/geometry_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "stages/image.h"

namespace tessera::stages {
namespace {

[[noreturn]] void reject(std::string_view text, std::string_view why) {
  throw std::invalid_argument(
      fmt::format("'{}' is not a geometry: {} (write 800x600, 1024x, x768 or 50%, then > < ! or ^)", text, why));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : all_(text), rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_times() { return take('x') || take('X'); }
  bool at_offset() const { return !rest_.empty() && (rest_.front() == '+' || rest_.front() == '-'); }

  // A positive number, with % behind it or not; nothing if no digit follows.
  std::optional<Length> length() {
    if (rest_.empty() || !((rest_.front() >= '0' && rest_.front() <= '9') || rest_.front() == '.')) return std::nullopt;
    Length length;
    const auto [end, error] =
        std::from_chars(rest_.data(), rest_.data() + rest_.size(), length.value, std::chars_format::fixed);
    if (error != std::errc()) reject(all_, "a number is wrong");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    length.percent = take('%');
    if (!(length.value > 0)) reject(all_, "a side must be larger than 0");
    if (!length.percent && (length.value != std::floor(length.value) || length.value > kMaxSide))
      reject(all_, fmt::format("a side in pixels is a whole number up to {}", kMaxSide));
    if (length.percent && length.value > 100.0 * kMaxSide) reject(all_, "a percentage is too large");
    return length;
  }

  std::int32_t offset() {
    const bool negative = take('-');
    if (!negative && !take('+')) reject(all_, "an offset has two numbers, as in +10+20");
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value < 0 || value > kMaxSide)
      reject(all_, fmt::format("an offset is a whole number up to {}", kMaxSide));
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return negative ? -value : value;
  }

 private:
  std::string_view all_, rest_;
};

void read_flags(Reader& reader, std::string_view text, GeometryText& geometry) {
  for (;;) {
    bool* flag = reader.take('>')   ? &geometry.only_shrink
                 : reader.take('<') ? &geometry.only_enlarge
                 : reader.take('!') ? &geometry.exact
                 : reader.take('^') ? &geometry.cover
                                    : nullptr;
    if (!flag) return;
    if (*flag) reject(text, "a suffix is given twice");
    *flag = true;
  }
}

double at_least_one(double pixels) { return std::max(1.0, std::floor(pixels + 0.5)); }

std::int32_t checked(double pixels) {
  if (pixels > kMaxSide)
    throw ImageError(
        fmt::format("the resized image would have a side of {:.0f} pixels; {} are possible", pixels, kMaxSide));
  return static_cast<std::int32_t>(pixels);
}

}  // namespace

double Length::of(std::int32_t side) const { return percent ? at_least_one(side * value / 100) : value; }

GeometryText parse_geometry(std::string_view text) {
  if (text.empty()) reject(text, "it is empty");
  Reader reader(text);
  GeometryText geometry;
  geometry.width = reader.length();
  if (reader.take_times()) {
    geometry.height = reader.length();
    if (!geometry.width && !geometry.height) reject(text, "both sides are missing");
    if (geometry.width && geometry.height && geometry.width->percent != geometry.height->percent)
      reject(text, "one side is in pixels and one in percent");
  } else if (geometry.width && geometry.width->percent) {
    geometry.height = geometry.width;
  }
  if (!geometry.width && !geometry.height) reject(text, "it starts with neither a number nor x");
  read_flags(reader, text, geometry);
  if (geometry.only_shrink && geometry.only_enlarge) reject(text, "> and < exclude each other");
  if (geometry.exact && geometry.cover) reject(text, "! and ^ exclude each other");
  if (reader.at_offset()) {
    const std::int32_t x = reader.offset();
    geometry.offset = {x, reader.offset()};
  }
  if (!reader.done()) reject(text, "there is something behind it");
  return geometry;
}

std::array<std::int32_t, 2> scaled_size(const GeometryText& geometry, Fit fit, Only only, std::int32_t width,
                                        std::int32_t height) {
  const double wanted_width = geometry.width ? geometry.width->of(width) : 0;
  const double wanted_height = geometry.height ? geometry.height->of(height) : 0;
  const double factor_x = wanted_width / width, factor_y = wanted_height / height;
  const bool by_width =
      !geometry.height || (geometry.width && (fit == Fit::cover ? factor_x >= factor_y : factor_x <= factor_y));
  double out_width = wanted_width, out_height = wanted_height;
  const bool independent = fit == Fit::fill && geometry.width && geometry.height;
  if (!independent && by_width) out_height = at_least_one(height * factor_x);
  if (!independent && !by_width) out_width = at_least_one(width * factor_y);
  if (independent) {
    if (only == Only::shrink)
      out_width = std::min<double>(out_width, width), out_height = std::min<double>(out_height, height);
    if (only == Only::enlarge)
      out_width = std::max<double>(out_width, width), out_height = std::max<double>(out_height, height);
  } else {
    const double factor = by_width ? factor_x : factor_y;
    if ((only == Only::shrink && factor > 1) || (only == Only::enlarge && factor < 1)) return {width, height};
  }
  return {checked(out_width), checked(out_height)};
}

}  // namespace tessera::stages
