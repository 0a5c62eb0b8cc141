// Median filter: the middle value of the (2 * radius + 1)^2 samples around each, channel by channel.
//   in, out  u8 or u16 (float is converted to u16 before); gray or bgr, with or without alpha; any size
//   halo     radius
//   border   reflect-101
//   alpha    left alone; colours of transparent pixels count like any others
//   tiles    exact
//   source   cv::medianBlur where it is defined (u8, and u16 up to radius 2): an order statistic has one answer, and
//   its
//            own border rule never reaches a padded picture's inside. Else the sliding histogram of Huang, Yang and
//            Tang (1979) in two levels.
#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "stages/detail/detail.h"

namespace tessera::stages {
namespace {

// Counts of 65536 values, and of their upper bytes. Finding the median is at most two walks of 256 steps.
class SlidingHistogram {
 public:
  explicit SlidingHistogram(Scratch& scratch)
      : fine_(scratch.take_array<std::uint16_t>(65536)), coarse_(scratch.take_array<std::uint32_t>(256)) {
    std::ranges::fill(fine_, std::uint16_t{0});
    std::ranges::fill(coarse_, 0U);
  }
  void add(std::uint16_t value) {
    ++fine_[value], ++coarse_[value >> 8];
    if ((value >> 8) < bin_) ++below_;
  }
  void remove(std::uint16_t value) {
    --fine_[value], --coarse_[value >> 8];
    if ((value >> 8) < bin_) --below_;
  }
  /// The smallest value with more than `rank` samples at or below it.
  std::uint16_t select(std::uint32_t rank) {
    while (below_ > rank) below_ -= coarse_[--bin_];  // the bin moves little from one pixel to the next
    while (below_ + coarse_[bin_] <= rank) below_ += coarse_[bin_++];
    std::uint32_t count = below_;
    std::size_t value = bin_ << 8;
    while ((count += fine_[value]) <= rank) ++value;
    return static_cast<std::uint16_t>(value);
  }

 private:
  std::span<std::uint16_t> fine_;
  std::span<std::uint32_t> coarse_;
  std::size_t bin_ = 0;      // the coarse bin looked at last
  std::uint32_t below_ = 0;  // samples in the bins before it
};

void median_histogram(const cv::Mat& padded, std::int32_t radius, cv::Mat& out, Scratch& scratch) {
  const std::int32_t side = 2 * radius + 1, channels = out.channels();
  const auto rank = static_cast<std::uint32_t>(side * side / 2);
  SlidingHistogram histogram(scratch);
  for (std::int32_t y = 0; y < out.rows; ++y)
    for (std::int32_t c = 0; c < channels; ++c) {
      const auto each_of_column = [&](std::int32_t x, auto action) {
        for (std::int32_t k = 0; k < side; ++k) action(padded.ptr<std::uint16_t>(y + k)[x * channels + c]);
      };
      const auto add = [&](std::uint16_t v) { histogram.add(v); };
      const auto remove = [&](std::uint16_t v) { histogram.remove(v); };
      for (std::int32_t x = 0; x < side - 1; ++x) each_of_column(x, add);
      for (std::int32_t x = 0; x < out.cols; ++x) {
        each_of_column(x + side - 1, add);
        out.ptr<std::uint16_t>(y)[x * channels + c] = histogram.select(rank);
        each_of_column(x, remove);
      }
      for (std::int32_t x = out.cols; x < out.cols + side - 1; ++x) each_of_column(x, remove);
    }
}

class MedianOperation final : public NeighbourhoodOperation {
 public:
  using NeighbourhoodOperation::NeighbourhoodOperation;

  std::int32_t efficient_rows() const override { return std::max(kStripRows, 4 * radius()); }

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    const std::int32_t strip_rows = efficient_rows();
    for (std::int32_t y = out.region.y0; y < out.region.y1; y += strip_rows) {
      const Scratch::Mark mark(scratch);
      const Region strip{out.region.x0, y, out.region.x1, std::min(y + strip_rows, out.region.y1)};
      cv::Mat target = MutableView(sub_view(info(), out, strip)).mat();
      const cv::Mat padded = bordered(info(), in, strip, radius(), scratch);
      if (!info().format.alpha) {
        filter(padded, target, scratch);
        continue;
      }
      const int type = CV_MAKETYPE(padded.depth(), info().format.color_channels());
      cv::Mat colors = scratch_mat(padded.rows, padded.cols, type, scratch);
      split(padded, colors);
      cv::Mat result = scratch_mat(target.rows, target.cols, type, scratch);
      filter(colors, result, scratch);
      const cv::Mat inside = padded(cv::Rect(radius(), radius(), target.cols, target.rows));
      join(result, inside, target);
    }
  }

 private:
  void filter(const cv::Mat& padded, cv::Mat& target, Scratch& scratch) const {
    if (padded.depth() == CV_16U && radius() > 2) return median_histogram(padded, radius(), target, scratch);
    cv::Mat result = scratch_mat(padded.rows, padded.cols, padded.type(), scratch);
    cv::medianBlur(padded, result, 2 * radius() + 1);
    result(cv::Rect(radius(), radius(), target.cols, target.rows)).copyTo(target);
  }
  // Colours without alpha, and back with the original's alpha.
  static void split(const cv::Mat& from, cv::Mat& colors) {
    static constexpr int pairs[] = {0, 0, 1, 1, 2, 2};
    cv::mixChannels(&from, 1, &colors, 1, pairs, static_cast<std::size_t>(colors.channels()));
  }
  static void join(const cv::Mat& colors, const cv::Mat& original, cv::Mat& target) {
    static constexpr int gray[] = {0, 0, 2, 1}, bgr[] = {0, 0, 1, 1, 2, 2, 6, 3};
    const cv::Mat sources[] = {colors, original};
    cv::mixChannels(sources, 2, &target, 1, colors.channels() == 3 ? bgr : gray,
                    static_cast<std::size_t>(target.channels()));
  }
};

class Median final : public NeighbourhoodStage {
 public:
  explicit Median(std::int32_t radius_px) : radius_(radius_px) {}
  PixelFormat working_format(PixelFormat in) const override { return interleaved_integer(in); }
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return std::make_unique<MedianOperation>(in, radius_);
  }
  // 16-bit samples: 1.9 us a pixel at radius 64, measured; 8-bit ones a quarter of that.
  std::uint32_t slowness() const override { return 1 + static_cast<std::uint32_t>(radius_) / 4; }

 private:
  std::int32_t radius_;
};

}  // namespace

StageEntry median_entry() {
  return {
      "median",
      "detail",
      "Replaces each sample by the median around it: removes specks and keeps edges; alpha is left alone",
      "median 2",
      Exactness::any_tiling,
      {{"radius", ParameterType::integer, "The square is 2 * radius + 1 pixels wide", "1", false, "px", 1, 64}},
      [](const Values& v) -> std::unique_ptr<const Stage> { return std::make_unique<Median>(v.integer("radius")); }};
}

}  // namespace tessera::stages
