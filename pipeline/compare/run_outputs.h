// What the runs of a comparison leave: where it goes, whether there is room to keep it, and whether two runs left the
// same.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

#include "pipeline/wire.h"

namespace tessera::pipeline {

/// Two configurations did not leave the same: nothing can be compared. Exit code 5.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Outputs {
  std::map<std::string, Hash128> files;  // path below the folder -> XXH3-128 of the content; .tessera left out
  std::uint64_t bytes = 0;
};
/// Regular files below a folder. `hashed`: read them. Throws EnvironmentError for one that cannot be read.
Outputs look_at_outputs(const std::string& folder, bool hashed);

/// The first file, by name, that is not the same in both, as the end of a sentence: "a.jpg differs", "a.jpg is there
/// after serial only". "" when there is none.
std::string first_difference(const Outputs& a, const std::string& name_a, const Outputs& b, const std::string& name_b);

/// Gives every run a fresh folder below `work`, and decides whether they are kept: deleting between runs is work for
/// the file system that the next run would pay.
class OutputFolders {
 public:
  explicit OutputFolders(std::string work);
  /// Made, empty. Throws EnvironmentError.
  std::string fresh();
  /// So many bytes are to come: all is kept if that and what is there takes at most half of what was free.
  void expect(std::uint64_t bytes);
  /// The run is over and its outputs were looked at.
  void done(const std::string& folder, std::uint64_t bytes);
  /// A sentence for people.
  std::string policy() const;

 private:
  std::string work_;
  std::uint64_t count_ = 0, kept_bytes_ = 0, room_ = 0;
  bool keeps_ = true;
};

}  // namespace tessera::pipeline
