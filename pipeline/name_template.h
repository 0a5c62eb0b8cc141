// Output names: "{reldir}/{name}.{ext}" and the fields of one product give a relative path. Names are bytes: nothing
// here assumes UTF-8, and nothing here touches a file.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/usage_error.h"
#include "pipeline/vocabulary.h"

namespace tessera::pipeline {

enum class Field : std::uint8_t { dir, reldir, name, ext, n, w, h, hash8, format };

struct NameFields {
  std::string dir;                     // {dir}: name of the folder that holds the input; may be empty
  std::string reldir;                  // {reldir}: Input::relative_dir; may be empty
  std::string name;                    // {name}: the input's file name without its last extension
  std::string ext;                     // {ext}: see output_extension()
  std::uint64_t n = 0;                 // {n}, {n:06}: the item's number
  std::int32_t width = 0, height = 0;  // {w}, {h}: the product's pixels
  std::string hash8;                   // {hash8}: first 8 hexadecimal digits of the input's content hash
  std::string format;                  // {format}: the product's codec name
};

class NameTemplate {
 public:
  /// {field}, {n:06} (zero-padded numbers), {{ and }} for braces. Throws UsageError: unknown field (with the nearest
  /// known one), unclosed brace, absolute path, "..", empty component, NUL, nothing at the end.
  static NameTemplate parse(std::string_view text);

  /// The template that parses to the same, always written the same way.
  std::string text() const;

  const std::set<Field>& needs() const { return needs_; }
  /// The name follows from the input's own name and number (taking its extension at its word), so that clashes can be
  /// found before the run starts.
  bool known_before_decode() const;
  /// "jpg" if the template ends in ".jpg" and not in a field; else empty.
  std::string literal_extension() const;

  /// A relative path without ".", ".." or empty components. A component of nothing but empty {dir} and {reldir} is left
  /// out. Throws stages::ImageError: "..", an empty name, NUL, a component over 255 or a path over 4095 bytes, a path
  /// in or instead of the output folder's own .tessera.
  std::string expand(const NameFields&) const;

 private:
  struct Part {
    std::string literal;  // used if there is no field
    std::optional<Field> field;
    int digits = 0;  // zero-padded to this many
  };
  std::string text_of(const Part&, const NameFields&) const;

  std::vector<std::vector<Part>> components_;
  std::set<Field> needs_;
};

/// dir, reldir and name of an input; the other fields are the caller's.
NameFields fields_of_input(std::string_view path, std::string_view relative_dir);
/// After the last dot of the file name, without it; "" if there is none or only a leading one.
std::string_view extension_of(std::string_view path);
/// The extension of a product of format `output`: the input's own spelling ("JPG", "jpeg") if it is one of that
/// format's, else the format's preferred one.
std::string output_extension(std::string_view input_path, const stages::Codec& output, const Vocabulary& = built_in());

}  // namespace tessera::pipeline
