// tessera: the program. A table of contents; each subcommand is in commands/.
#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <opencv2/core/utility.hpp>

#include "pipeline/commands/commands.h"
#include "pipeline/usage_error.h"

using namespace tessera::pipeline;

namespace {

void prepare_process() {
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? kAllDone : kUsage;
  }
  try {
    prepare_process();
    return chosen();
  } catch (const UsageError& e) {
    fmt::print(stderr, "tessera: {}\n", e.what());
    return kUsage;
  } catch (const std::exception& e) {
    fmt::print(stderr, "tessera: {}\n", e.what());
    return kEnvironment;
  }
}
