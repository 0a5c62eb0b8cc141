#include "pipeline/folder_report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "workers/fd.h"
#include "workers/kernel_features.h"

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;

std::string file_system_of(const std::string& folder) {
  struct Known {
    std::int64_t magic;
    const char* name;
  };
  constexpr std::array kKnown = {
      Known{0xEF53, "ext4"},        Known{0x58465342, "xfs"}, Known{0x9123683E, "btrfs"}, Known{0x01021994, "tmpfs"},
      Known{0x794C7630, "overlay"}, Known{0x6969, "nfs"},     Known{0xFF534D42, "cifs"},  Known{0xFE534D42, "smb"},
      Known{0x65735546, "fuse"},    Known{0x4D44, "vfat"},    Known{0x2011BAB0, "exfat"}, Known{0x2FC12FC1, "zfs"},
      Known{0xF2F52010, "f2fs"},    Known{0x01021997, "9p"},  Known{0x5346544E, "ntfs"},
  };
  struct statfs status {};
  if (statfs(folder.c_str(), &status) != 0) return "unknown";
  for (const Known& known : kKnown)
    if (known.magic == status.f_type) return known.name;
  return fmt::format("{:#x}", status.f_type);
}

/// Removes the files that a trial may have left.
class Trial {
 public:
  explicit Trial(const std::string& folder) : base_(fmt::format("{}/.tessera-doctor-{}", folder, getpid())) {}
  ~Trial() {
    for (const char* const end : {"", "-link", "-wal", "-shm", "-journal"}) unlink((base_ + end).c_str());
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  const std::string& path() const { return base_; }
  /// "" or why not.
  std::string create() const {
    const workers::Fd file(open(base_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
    return file ? "" : std::strerror(errno);
  }
  bool has_hard_links() const { return link(base_.c_str(), (base_ + "-link").c_str()) == 0; }

 private:
  std::string base_;
};

/// A database as the journal's, locked and written once. "" or why not.
std::string try_journal(const std::string& path) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(path.c_str(), &opened);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db(opened, sqlite3_close);
  if (code != SQLITE_OK) return sqlite3_errmsg(opened);
  std::string mode;
  const auto keep = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) = values[0];
    return 0;
  };
  if (sqlite3_exec(opened, "PRAGMA journal_mode=WAL", keep, &mode, nullptr) != SQLITE_OK) return sqlite3_errmsg(opened);
  if (mode != "wal") return fmt::format("SQLite's journal mode stays {}", mode);
  if (sqlite3_exec(opened, "BEGIN IMMEDIATE; CREATE TABLE trial(x); COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK)
    return sqlite3_errmsg(opened);
  return "";
}

}  // namespace

void add_folder(const std::string& folder, MachineReport& report) {
  constexpr std::uint64_t kLittleSpace = 256 << 20;
  fs::path nearest = fs::absolute(folder).lexically_normal();
  std::error_code ignored;
  while (!fs::exists(nearest, ignored) && nearest.has_relative_path()) nearest = nearest.parent_path();
  const std::string looked_at = nearest.string();
  auto& facts = report.facts["output"];
  facts["folder"] = folder;
  if (looked_at != folder) facts["looked_at"] = looked_at;
  if (!fs::is_directory(nearest, ignored)) {
    report.problems.push_back(fmt::format("{} is not a folder", looked_at));
    return;
  }
  facts["file_system"] = file_system_of(looked_at);
  struct statvfs space {};
  statvfs(looked_at.c_str(), &space);
  const std::uint64_t free_bytes = space.f_bavail * space.f_frsize;
  facts["free_bytes"] = free_bytes;
  if (free_bytes < kLittleSpace)
    report.degraded.push_back(fmt::format("Only {} MiB are free in {}", free_bytes >> 20, looked_at));
  const Trial trial(looked_at);
  if (const std::string why = trial.create(); !why.empty()) {
    facts["writable"] = false;
    report.problems.push_back(fmt::format("No file can be made in {}: {}", looked_at, why));
    return;
  }
  facts["writable"] = true;
  const bool tmpfile = workers::has_tmpfile(looked_at.c_str()), links = trial.has_hard_links();
  facts["files_without_a_name"] = tmpfile;
  facts["hard_links"] = links;
  if (!tmpfile)
    report.degraded.push_back(
        fmt::format("The file system of {} has no files without a name (O_TMPFILE): outputs are written under "
                    ".tessera/tmp first, and "
                    "what a kill leaves there is swept by the next run",
                    looked_at));
  if (tmpfile && !links)
    report.problems.push_back(
        fmt::format("{} takes no hard links, so finished files cannot be put in place", looked_at));
  const std::string why = try_journal(trial.path());
  facts["journal"] = why.empty();
  if (!why.empty()) report.problems.push_back(fmt::format("The journal cannot be kept in {}: {}", looked_at, why));
}

}  // namespace tessera::pipeline
