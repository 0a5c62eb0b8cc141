// The program as its users meet it: run it, look at what it leaves.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stages/image.h"
#include "stages/values.h"
#include "tests/stages/naive.h"

namespace tessera::tests {

constexpr bool kSanitized =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#else
    false;
#endif

/// A folder that is gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct ProgramResult {
  int code = -1;  // exit code, or 128 + signal
  std::string out, err;
};

/// Runs the tessera of this build. Arguments are passed as they are: no shell.
ProgramResult run_program(const std::vector<std::string>& arguments);

/// Started and left running; `finish` waits.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  int pid() const { return pid_; }
  /// Its children, as /proc tells.
  std::vector<int> workers() const;
  bool running();
  ProgramResult finish();

 private:
  int pid_ = -1;
  TemporaryFolder folder_;
  int status_ = 0;
  bool ended_ = false;
};

/// Relative path -> content, of all regular files but those in .tessera.
std::map<std::string, std::string> tree(const std::string& folder);
/// Names of everything in .tessera/tmp: what a run left behind.
std::vector<std::string> leftovers(const std::string& output_folder);

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);
/// `codec`: "png" or "jpeg".
void write_picture(const std::string& path, const OwnedImage&, const std::string& codec,
                   const std::vector<stages::Values::Pair>& settings = {});
OwnedImage read_picture(const std::string& path);

OwnedImage picture(int width, int height, unsigned seed);
/// `count` JPEGs p00.jpg, ... of random pixels: with the default size enough work to meet the program in the middle.
void write_photos(const std::string& folder, int count, int width = 900, int height = 700);
/// The rows of a run's manifest.
std::vector<nlohmann::json> manifest(const std::string& output_folder);
/// A zombie that whoever adopted it has not reaped yet is dead.
bool alive(int pid);

std::string sample_photos();  // the folder in the source tree
/// ../shared/data beside the source tree, or "" with a word on standard output.
std::string shared_data();

}  // namespace tessera::tests
