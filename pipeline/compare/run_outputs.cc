#include "pipeline/compare/run_outputs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "pipeline/environment_error.h"
#include "pipeline/job_files.h"
#include "pipeline/printable.h"
#include "pipeline/size_text.h"
#include "workers/fd.h"

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;

Hash128 hash_of(const std::string& path) {
  const workers::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw EnvironmentError(fmt::format("cannot read {}: {}", printable(path), std::strerror(errno)));
  return FdSource(file.get()).hash_all();
}

}  // namespace

Outputs look_at_outputs(const std::string& folder, bool hashed) {
  Outputs outputs;
  for (fs::recursive_directory_iterator entry(folder), end; entry != end; ++entry) {
    if (entry->path().filename() == ".tessera") entry.disable_recursion_pending();
    if (!entry->is_regular_file()) continue;
    outputs.bytes += entry->file_size();
    outputs.files.emplace(fs::path(entry->path()).lexically_relative(folder).string(),
                          hashed ? hash_of(entry->path().string()) : Hash128{});
  }
  return outputs;
}

std::string first_difference(const Outputs& a, const std::string& name_a, const Outputs& b, const std::string& name_b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a.files, b.files);
  const auto only = [](const std::string& file, const std::string& name) {
    return fmt::format("{} is there after {} only", printable(file), name);
  };
  if (in_a == a.files.end() && in_b == b.files.end()) return "";
  if (in_b == b.files.end() || (in_a != a.files.end() && in_a->first < in_b->first)) return only(in_a->first, name_a);
  if (in_a == a.files.end() || in_b->first < in_a->first) return only(in_b->first, name_b);
  return printable(in_a->first) + " differs";
}

OutputFolders::OutputFolders(std::string work) : work_(std::move(work)) {
  struct statvfs space {};
  if (::statvfs(work_.c_str(), &space) != 0)
    throw EnvironmentError(fmt::format("cannot look at {}: {}", printable(work_), std::strerror(errno)));
  room_ = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize / 2;
}

std::string OutputFolders::fresh() {
  const std::string folder = fmt::format("{}/out-{:04}", work_, ++count_);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw EnvironmentError(fmt::format("cannot make {}: {}", printable(folder), error.message()));
  return folder;
}

void OutputFolders::expect(std::uint64_t bytes) { keeps_ = kept_bytes_ + bytes <= room_; }

void OutputFolders::done(const std::string& folder, std::uint64_t bytes) {
  if (keeps_ && kept_bytes_ + bytes <= room_) {
    kept_bytes_ += bytes;
    return;
  }
  keeps_ = false;
  std::error_code left;
  fs::remove_all(folder, left);
}

std::string OutputFolders::policy() const {
  if (keeps_) return "in fresh folders, all kept until the comparison ended";
  return fmt::format("in fresh folders, removed after each run: half of the free space ({}) would not hold all of them",
                     format_bytes(room_));
}

}  // namespace tessera::pipeline
