#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "pipeline/commands/commands.h"
#include "pipeline/commands/options.h"
#include "pipeline/cpu_count.h"
#include "pipeline/inspect.h"
#include "pipeline/job_files.h"
#include "pipeline/printable.h"
#include "pipeline/runner.h"

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;

struct VerifyFlags {
  std::string a, b;
  bool pixels = false, quiet = false;
  WorkerFlags workers;
  LimitFlags limits;
};

std::set<std::string> files_below(const std::string& root) {
  if (!fs::is_directory(root)) throw UsageError(fmt::format("{} is not a folder", root));
  std::set<std::string> names;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    if (it->path().filename() == ".tessera") {
      it.disable_recursion_pending();
      continue;
    }
    if (it->is_regular_file()) names.insert(fs::relative(it->path(), root).string());
  }
  return names;
}

// Bytes only: nothing of a file's content is interpreted here.
bool same_bytes(const std::string& a, const std::string& b) {
  const workers::Fd fa(open(a.c_str(), O_RDONLY | O_CLOEXEC)), fb(open(b.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fa || !fb) throw std::runtime_error(fmt::format("cannot open {}", fa ? b : a));
  FdSource sa(fa.get()), sb(fb.get());
  if (sa.size() != sb.size()) return false;
  constexpr std::size_t kStep = 64 << 10;
  for (std::uint64_t offset = 0; offset < sa.size(); offset += kStep)
    if (!std::ranges::equal(sa.at(offset, kStep), sb.at(offset, kStep))) return false;
  return true;
}

int verify(const VerifyFlags& flags) {
  const std::set<std::string> a = files_below(flags.a), b = files_below(flags.b);
  std::uint64_t differences = 0;
  const auto differ = [&](const std::string& sentence) {
    ++differences;
    if (!flags.quiet) fmt::print("{}\n", printable(sentence));
  };
  std::vector<std::string> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  for (const std::string& name : a)
    if (!b.contains(name)) differ(fmt::format("{}: only in {}", name, flags.a));
  for (const std::string& name : b)
    if (!a.contains(name)) differ(fmt::format("{}: only in {}", name, flags.b));
  if (!flags.pixels) {
    for (const std::string& name : both)
      if (!same_bytes(flags.a + "/" + name, flags.b + "/" + name)) differ(fmt::format("{}: bytes differ", name));
  } else {
    std::vector<std::string> paths;
    for (const std::string& name : both) paths.insert(paths.end(), {flags.a + "/" + name, flags.b + "/" + name});
    const auto recipe = std::make_shared<const Recipe>(default_recipe().recipe);
    if (!flags.quiet) flags.workers.announce_sandbox();
    workers::ExecutorOptions options = flags.workers.executor();
    // Frames there are none, but some codecs hold an image's worth.
    options.worker_bytes = usable_memory() / 2 / static_cast<std::uint64_t>(options.workers);
    const workers::Workforce workforce =
        workers::make_workforce(options, kInspectorBytes, make_runner(recipe, {}, std::max(options.threads, 1)));
    const auto results = inspect(*workforce.executor, JobKind::pixels, paths,
                                 {flags.limits.max_pixels(), flags.limits.time(), options.worker_bytes});
    for (std::size_t i = 0; i < both.size(); ++i) {
      const Inspection &ra = results[2 * i], &rb = results[2 * i + 1];
      if (!ra.error.empty() || !rb.error.empty())
        differ(fmt::format("{}: {}", both[i], ra.error.empty() ? rb.error : ra.error));
      else if (ra.header.full.width != rb.header.full.width || ra.header.full.height != rb.header.full.height)
        differ(fmt::format("{}: {}x{} and {}x{}", both[i], ra.header.full.width, ra.header.full.height,
                           rb.header.full.width, rb.header.full.height));
      else if (ra.hash != rb.hash)
        differ(fmt::format("{}: pixels differ", both[i]));
    }
  }
  if (!flags.quiet)
    fmt::print("{} files compared by {}, {}\n", both.size(), flags.pixels ? "pixels" : "bytes",
               differences == 0 ? "no difference" : fmt::format("{} differences", differences));
  if (a.empty() && b.empty()) return kNothingMatched;
  return differences == 0 ? kAllDone : kMismatch;
}

}  // namespace

void add_verify(CLI::App& program, Command& chosen) {
  const auto flags = std::make_shared<VerifyFlags>();
  CLI::App& app =
      *program.add_subcommand("verify", "Compare two output folders, by bytes or by pixels; exit 5 when they differ");
  app.add_option("A", flags->a, "A folder")->required();
  app.add_option("B", flags->b, "Another")->required();
  app.add_flag("--pixels", flags->pixels, "Compare decoded pixels: files may differ in metadata and compression");
  app.add_flag("-q,--quiet", flags->quiet, "Only the exit code");
  flags->workers.add_to(app, false);
  flags->limits.add_to(app);
  app.callback([flags, &chosen] { chosen = [flags] { return verify(*flags); }; });
}

}  // namespace tessera::pipeline
