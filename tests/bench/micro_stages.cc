// Every stage of the catalogue, as its own example writes it, on an image of 2 megapixels in one band.
#include <benchmark/benchmark.h>

#include <string>

#include "pipeline/recipe.h"
#include "pipeline/stage_text.h"
#include "stages/catalogue.h"
#include "tests/bench/micro.h"

namespace {

using namespace tessera;
using namespace tessera::stages;

constexpr std::int32_t kWidth = 1920, kHeight = 1088;

void run_stage(benchmark::State& state, const StageEntry& entry, PixelFormat format) {
  try {
    const pipeline::StageText text = pipeline::parse_stage_text(entry.example);
    const auto stage = entry.make(Values::parse(entry.name, entry.parameters, text.pairs));
    const ImageInfo input = bench::interleaved(kWidth, kHeight, stage->working_format(format));
    bench::Picture in(input);
    in.fill();
    // A stage with a statistic is bound to what it measures here, and measuring is part of its time.
    const auto reduction = stage->reduction(input);
    std::vector<std::uint64_t> statistic(reduction ? (reduction->bytes() + 7) / 8 : 0);
    const auto bytes = std::as_writable_bytes(std::span(statistic));
    if (reduction) reduction->measure(in.view(), bytes);
    const auto operation = stage->bind(input, {bytes});
    bench::Picture out(operation->output());
    std::vector<std::uint64_t> again(statistic.size());
    Scratch scratch;
    for (auto _ : state) {
      if (reduction) reduction->measure(in.view(), std::as_writable_bytes(std::span(again)));
      const Scratch::Mark mark(scratch);
      operation->apply(in.view(), out.view(), scratch);
      benchmark::ClobberMemory();
    }
    state.counters["MP/s"] =
        benchmark::Counter(bench::megapixels(input), benchmark::Counter::kIsIterationInvariantRate);
  } catch (const std::exception& e) {
    state.SkipWithError(e.what());
  }
}

const int registered = [] {
  for (const StageEntry& entry : catalogue())
    for (const auto& [name, format] : {std::pair<const char*, PixelFormat>{"bgr_u8", {Model::bgr, Depth::u8, false}},
                                       {"bgr_u16", {Model::bgr, Depth::u16, false}}})
      benchmark::RegisterBenchmark(("stage/" + std::string(entry.name) + "/" + name).c_str(), run_stage, entry, format)
          ->Unit(benchmark::kMillisecond);
  return 0;
}();

}  // namespace
