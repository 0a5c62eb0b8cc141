#include "pipeline/compare/balance_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "pipeline/compare/launch.h"
#include "pipeline/environment_error.h"
#include "pipeline/printable.h"

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::size_t kFewestSmall = 60;  // fewer pictures than that come more than once

std::uint64_t bytes_of(const std::string& path) {
  std::error_code gone;
  const auto bytes = fs::file_size(path, gone);
  return gone ? 0 : bytes;
}

/// What `run` makes of these inputs with `stage`; pictures that cannot be read are left out. JPEGs all, whatever they
/// were: one huge PNG among huge JPEGs takes longer than all of them, and would be the whole experiment.
Words made_pictures(const BalanceRequest& request, const Words& inputs, const std::string& stage,
                    const std::string& folder) {
  Words words{request.set.program, "run",         "-q", "-o", folder, "-s", stage, "-f", "jpeg", "-Q", "90",
              "--template",        "{n:06}.{ext}"};
  words.insert(words.end(), request.set.limits.begin(), request.set.limits.end());
  words.insert(words.end(), inputs.begin(), inputs.end());
  LaunchOptions options;
  options.signals = request.signals;
  const Observation run = launch(words, options);
  Words made;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.is_regular_file()) made.push_back(entry.path().string());
  if (run.exit_code > 1 || run.exit_code < 0 || made.empty())
    throw EnvironmentError(fmt::format("no pictures could be made for the balance: {}", printable(run.errors)));
  std::ranges::sort(made);
  return made;
}

Words largest(Words paths, std::size_t count) {
  std::ranges::stable_sort(paths, std::ranges::greater(), bytes_of);
  paths.resize(std::min(paths.size(), count));
  return paths;
}

}  // namespace

void write_list(const std::string& file, std::span<const std::string> paths) {
  std::ofstream out(file, std::ios::binary);
  for (const std::string& path : paths) out << path << '\0';
  out.close();
  if (!out) throw EnvironmentError(fmt::format("cannot write {}", printable(file)));
}

BalanceSet make_balance_set(const BalanceRequest& request, const std::string& folder) {
  Words sources;
  BalanceSet set;
  if (request.as_is) {
    sources = request.set.paths;
  } else {
    const Words small = made_pictures(request, request.set.inputs, "resize 640x640>", folder + "/small");
    for (std::size_t i = 0; i < std::max(small.size(), kFewestSmall); ++i) sources.push_back(small[i % small.size()]);
    set.huge = static_cast<std::size_t>(request.huge);
    const std::string list = folder + "/largest";
    write_list(list, largest(request.set.paths, set.huge));
    const long width = std::lround(std::sqrt(request.huge_megapixels * 1.5e6));
    const long height = std::lround(request.huge_megapixels * 1e6 / static_cast<double>(width));
    const Words huge = made_pictures(request, {"-0", "--files-from", list},
                                     fmt::format("resize {}x{} fit=cover", width, height), folder + "/huge");
    for (std::size_t i = 0; i < set.huge; ++i) sources.push_back(huge[i % huge.size()]);
  }
  fs::create_directory(folder + "/set");
  for (const std::string& source : sources) {
    const fs::path target = fs::absolute(source);
    set.paths.push_back(fmt::format("{}/set/{:06}{}", folder, set.paths.size(), target.extension().string()));
    fs::create_symlink(target, set.paths.back());
  }
  return set;
}

}  // namespace tessera::pipeline
