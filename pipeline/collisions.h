// What may be overwritten: clashes between the outputs of one run, and each output against the file that has its name
// already. Originals are never overwritten unless in place.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "pipeline/usage_error.h"

namespace tessera::pipeline {

struct Collision {
  enum class Kind : std::uint8_t {
    same_output,  // both inputs would be written to `output`
    input_file,   // `output`, made from `second_input`, is the file `first_input`
  };
  Kind kind = Kind::same_output;
  std::string output, first_input, second_input;
};
std::string to_string(const Collision&);  // a sentence with both names

/// Fed with every output before the run starts. Holds one copy of each input's path and 16 bytes per output.
class CollisionDetector {
 public:
  CollisionDetector() = default;
  CollisionDetector(const CollisionDetector&) = delete;
  CollisionDetector& operator=(const CollisionDetector&) = delete;

  /// The first clash that this pair adds, if any. Paths are compared as text: make them absolute and normal first. An
  /// input that is its own output is decide()'s business and no clash.
  std::optional<Collision> add(std::string_view output, std::string_view input);

 private:
  struct Hash {
    std::uint64_t low = 0, high = 0;
    bool operator==(const Hash&) const = default;
  };
  struct HashOfHash {
    std::size_t operator()(const Hash& h) const { return static_cast<std::size_t>(h.low); }
  };
  static Hash hash_of(std::string_view);

  std::unordered_map<Hash, std::string, HashOfHash> inputs_;                // by path
  std::unordered_map<Hash, const std::string*, HashOfHash> output_makers_;  // into inputs_
};

/// The files that a run reads, whatever they are called: none of them is ever replaced by an output.
class Originals {
 public:
  void add(const std::string& path);             // what cannot be looked at is left out: it cannot be replaced either
  bool contains(const std::string& path) const;  // the entry itself, a link not followed

 private:
  struct Hash {
    std::size_t operator()(const std::pair<std::uint64_t, std::uint64_t>& id) const {
      return static_cast<std::size_t>(id.second * 0x9E3779B97F4A7C15ull ^ id.first);
    }
  };
  std::unordered_set<std::pair<std::uint64_t, std::uint64_t>, Hash> ids_;  // device, inode
};

enum class OnExist : std::uint8_t { error, skip, overwrite, newer };
std::span<const std::string_view> on_exist_names();  // "error", "skip", "overwrite", "newer"
/// Throws UsageError with the nearest known name.
OnExist parse_on_exist(std::string_view name, std::string_view where);

/// What has the output's name now. Times are the entry's own (a link's, not its target's), in nanoseconds.
struct Existing {
  enum class Kind : std::uint8_t { absent, file, link, folder, other, the_input };
  Kind kind = Kind::absent;
  std::int64_t modified_ns = 0;
};
/// Looks at `output` without following a last link. the_input: writing there would replace the input, by whatever path
/// or link it was named; another hard link of the input is a plain file. Throws stages::ImageError if it cannot look.
Existing look_at_output(const std::string& output, const std::string& input);

/// create: nothing may be there when the output is published. replace: rename over what is there (a link itself is
/// replaced, its target untouched). compare: what is there may be this very output, of a session whose record is lost:
/// the same bytes stay, others are refused (decide() never says so).
enum class Action : std::uint8_t { create, replace, skip, refuse, compare };
struct Decision {
  Action action = Action::create;
  std::string_view reason;  // a sentence's end: "it exists already"; empty for create and replace
};
/// Pure. `newer` replaces if the input was modified after the output; same age: skip. In place, the input itself may be
/// replaced, whatever the policy says.
Decision decide(OnExist, const Existing&, std::int64_t input_modified_ns, bool in_place);

}  // namespace tessera::pipeline
