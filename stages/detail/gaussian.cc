// Gaussian blur.
//   in, out  u8, u16 or f32; gray or bgr, with or without alpha; any size
//   halo     ceil(3 * sigma)
//   border   reflect-101
//   alpha    blurred too; colours are weighted by it
//   tiles    exact for all formats
//   source   OpenCV's getGaussianKernel, truncated at three sigma
#include "stages/detail/detail.h"
#include "stages/detail/separable.h"

namespace tessera::stages {
namespace {

class GaussianOperation final : public NeighbourhoodOperation {
 public:
  GaussianOperation(const ImageInfo& info, const std::vector<double>& half)
      : NeighbourhoodOperation(info, static_cast<std::int32_t>(half.size()) - 1), convolution_(info, half) {}

  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    convolution_.run(in, out.region, scratch, [&](const ConvolvedRow& row) { store_row(row, out); });
  }

 private:
  SeparableConvolution convolution_;
};

class Gaussian final : public NeighbourhoodStage {
 public:
  explicit Gaussian(double sigma_px) : half_(gaussian_half(sigma_px)) {}
  std::unique_ptr<const Operation> bind(const ImageInfo& in, const BindContext&) const override {
    return std::make_unique<GaussianOperation>(in, half_);
  }

 private:
  std::vector<double> half_;
};

}  // namespace

StageEntry gaussian_entry() {
  return {
      "gaussian",
      "detail",
      "Blurs with a Gaussian; colours are weighted by alpha",
      "gaussian 1.5",
      Exactness::any_tiling,
      {{"sigma", ParameterType::number, "Standard deviation of the Gaussian, cut off at three times that", "", true,
        "px", 0.1, 64}},
      [](const Values& v) -> std::unique_ptr<const Stage> { return std::make_unique<Gaussian>(v.number("sigma")); }};
}

}  // namespace tessera::stages
