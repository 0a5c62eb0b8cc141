// The bound for process mode: N forked children that take the next file from a shared counter and run the very job that
// the pipeline would, with no coordinator, arena, message, journal or manifest. What is faster than this is not
// pipelining.
//   tessera_bare_loop CHILDREN RECIPE.toml OUTPUT_FOLDER FILE...
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "pipeline/name_template.h"
#include "pipeline/runner.h"
#include "pipeline/wire.h"
#include "tests/bench/forked_loop.h"
#include "workers/fd.h"
#include "workers/mapping.h"

namespace {

using namespace tessera;

// A job's world without a worker: private memory, two descriptors.
class BareContext final : public workers::JobContext {
 public:
  BareContext(const workers::Job& job, workers::WriteBytes workspace, int in, int out)
      : job_(job), workspace_(workspace), fds_{in, out} {}
  const workers::Job& job() const override { return job_; }
  workers::ReadBytes read(const workers::Block& block) const override { return write(block); }
  workers::WriteBytes write(const workers::Block& block) const override { return workspace_.first(block.bytes); }
  int fd(std::size_t index) const override { return fds_.at(index); }
  std::size_t fd_count() const override { return fds_.size(); }
  void step(std::uint64_t) noexcept override {}
  void progress(std::uint32_t) override {}
  bool cancelled() const override { return false; }
  std::size_t slot() const override { return 0; }

 private:
  const workers::Job& job_;
  workers::WriteBytes workspace_;
  std::array<int, 2> fds_;
};

std::uint8_t codec_index(const char* path) {
  const auto& all = stages::codecs();
  return static_cast<std::uint8_t>(std::ranges::find(all, stages::codec_for_extension(pipeline::extension_of(path))) -
                                   all.begin());
}

template <class Take>
int child(const Take& take, char** files, int count, const std::shared_ptr<const pipeline::Recipe>& recipe,
          const std::string& out) {
  const workers::Run run = pipeline::make_runner(recipe, {}, 1);
  constexpr std::size_t kWorkspace = 1u << 30;
  const workers::Mapping memory(kWorkspace, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  int failed = 0;
  for (int i = take(); i < count; i = take()) {
    const workers::Fd in(open(files[i], O_RDONLY | O_CLOEXEC));
    const workers::Fd product(open(out.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
    pipeline::JobPayload payload;
    payload.private_bytes = payload.decline_above = ~0ull;
    payload.has_input_codec = 1;
    payload.input_codec = codec_index(files[i]);
    workers::Job job;
    job.id = 1;
    job.block_count = 1;
    job.blocks[0].bytes = kWorkspace;
    pipeline::put_payload(payload, job.payload);
    workers::Completion completion;
    BareContext context(job, memory.bytes(), in.get(), product.get());
    run(context, completion);
    const std::string from = fmt::format("/proc/self/fd/{}", product.get()), to = fmt::format("{}/{}.jpg", out, i);
    failed += completion.outcome != workers::Outcome::done ||
              linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) != 0;
  }
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    fmt::print(stderr, "usage: tessera_bare_loop CHILDREN RECIPE.toml OUTPUT_FOLDER FILE...\n");
    return 2;
  }
  const auto recipe = std::make_shared<const pipeline::Recipe>(pipeline::load_recipe(argv[2]).recipe);
  std::filesystem::create_directories(argv[3]);
  const int count = argc - 4;
  return bench::forked_loop(std::atoi(argv[1]), count,
                            [&](const auto& take) { return child(take, argv + 4, count, recipe, argv[3]); });
}
