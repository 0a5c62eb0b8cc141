#include "stages/geometry/sequence.h"

namespace tessera::stages {
namespace {

class Sequence final : public Operation {
 public:
  Sequence(std::unique_ptr<const Operation> first, std::unique_ptr<const Operation> second)
      : first_(std::move(first)), second_(std::move(second)), between_(first_->output()) {}

  ImageInfo output() const override { return second_->output(); }
  Region required_input(const Region& out) const override {
    return first_->required_input(second_->required_input(out));
  }
  void apply(const View& in, const MutableView& out, Scratch& scratch) const override {
    const Scratch::Mark mark(scratch);
    const MutableView between = scratch.take_view(between_, second_->required_input(out.region));
    first_->apply(in, between, scratch);
    second_->apply(between, out, scratch);
  }
  std::array<double, 2> map_point(double x, double y) const override {
    const auto between = first_->map_point(x, y);
    return second_->map_point(between[0], between[1]);
  }

 private:
  std::unique_ptr<const Operation> first_, second_;
  ImageInfo between_;
};

}  // namespace

std::unique_ptr<const Operation> sequence(std::unique_ptr<const Operation> first,
                                          std::unique_ptr<const Operation> second) {
  return std::make_unique<Sequence>(std::move(first), std::move(second));
}

}  // namespace tessera::stages
