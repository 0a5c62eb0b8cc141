// tessera: the program. A table of contents; each subcommand is in commands/.
#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <opencv2/core/utility.hpp>

#include "pipeline/commands/commands.h"
#include "pipeline/commands/suggest.h"
#include "pipeline/console.h"
#include "pipeline/usage_error.h"
#include "stages/simd/target.h"
#include "workers/fd.h"

using namespace tessera::pipeline;

namespace {

// Every image in flight and every finished one that waits for its name holds a few.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// For tests and for people who compare machines; workers inherit it. The bytes are the same with any.
void choose_instructions() {
  const char* const name = std::getenv("TESSERA_SIMD");
  if (name == nullptr || *name == 0) return;
  try {
    tessera::stages::use_simd_target(name);
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string("TESSERA_SIMD: ") + error.what());
  }
}

void prepare_process() {
  choose_instructions();
  tessera::workers::open_standard_descriptors();
  allow_many_descriptors();
  end_with_the_reader();
  cv::setNumThreads(1);  // parallelism is ours
  // Buffers of a picture's size stay with the process between pictures (malloc, fill and free of 64 MB: 53 ms with the
  // defaults, 4 ms so).
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // glibc's maximum
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Image-processing batch pipeline with process workers", "tessera"};
  app.set_version_flag("--version", "tessera " TESSERA_VERSION);
  app.require_subcommand(1);
  Command chosen;
  add_run(app, chosen);
  add_plan(app, chosen);
  add_stages(app, chosen);
  add_info(app, chosen);
  add_verify(app, chosen);
  add_doctor(app, chosen);
  add_compare(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    if (code == 0) return kAllDone;
    if (const std::string hint = suggestion(app, argc, argv); !hint.empty()) say(stderr, hint + "\n");
    return kUsage;
  }
  return guarded([&] {
    prepare_process();
    return chosen();
  });
}
