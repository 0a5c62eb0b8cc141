// The resampler on whole images: job A's planes after a decode at half size, and 24 megapixels to 1600 in every format.
#include <benchmark/benchmark.h>

#include <string>

#include "stages/resampler.h"
#include "tests/bench/micro.h"

namespace {

using namespace tessera;
using namespace tessera::stages;

struct Case {
  const char* name;
  ImageInfo input;
  std::int32_t width, height;
};

// 4:2:0 at half size: luma covers 2 x 2 pixels a sample, chroma 4 x 4.
ImageInfo half_size_planes(std::int32_t width, std::int32_t height) {
  return {width, height, {Model::ycbcr_planar, Depth::u8, false}, {Grid{1, 1}, Grid{2, 2}, Grid{2, 2}, Grid{}}, 0};
}

void resample_all(benchmark::State& state, const Case& each, Filter filter) {
  const auto operation = resample(each.input, {each.width, each.height, {0, 0, each.width, each.height}}, filter);
  bench::Picture in(each.input), out(operation->output());
  in.fill();
  Scratch scratch;
  for (auto _ : state) {
    const Scratch::Mark mark(scratch);
    operation->apply(in.view(), out.view(), scratch);
    benchmark::ClobberMemory();
  }
  state.counters["MP/s"] =
      benchmark::Counter(bench::megapixels(each.input), benchmark::Counter::kIsIterationInvariantRate);
}

const int registered = [] {
  constexpr std::int32_t kWidth = 6000, kHeight = 4000;  // 24 megapixels
  const auto of = [](Model model, Depth depth, bool alpha) {
    return bench::interleaved(kWidth, kHeight, {model, depth, alpha});
  };
  const std::vector<Case> cases{{"job_a/planes", half_size_planes(2725, 2225), 720, 588},
                                {"24MP/planes", half_size_planes(kWidth, kHeight), 1600, 1067},
                                {"24MP/gray_u8", of(Model::gray, Depth::u8, false), 1600, 1067},
                                {"24MP/bgr_u8", of(Model::bgr, Depth::u8, false), 1600, 1067},
                                {"24MP/bgr_u8_alpha", of(Model::bgr, Depth::u8, true), 1600, 1067},
                                {"24MP/bgr_u16", of(Model::bgr, Depth::u16, false), 1600, 1067},
                                {"24MP/bgr_f32", of(Model::bgr, Depth::f32, false), 1600, 1067}};
  for (const Case& each : cases)
    for (const Filter filter : {Filter::lanczos3, Filter::catmull_rom}) {
      const std::string name =
          "resample/" + std::string(each.name) + "/" + std::string(filter_names()[static_cast<std::size_t>(filter)]);
      benchmark::RegisterBenchmark(name.c_str(), resample_all, each, filter)->Unit(benchmark::kMillisecond);
    }
  return 0;
}();

}  // namespace
