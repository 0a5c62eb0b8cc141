// What a run does to every image: stages, then one or more outputs. Read from TOML (recipe_toml.cc), from the command
// line (stage_text.h, CommandLineOverrides) or both; it says nothing about mode, workers, memory or what happens to
// files that exist already. Every Recipe that these functions return is checked: its stages are made, its options are
// known and its templates parse.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/usage_error.h"
#include "pipeline/vocabulary.h"
#include "stages/codec.h"
#include "stages/stage.h"
#include "stages/values.h"

namespace tessera::pipeline {

/// Part of Recipe::hash(). Raised whenever the same recipe and input may give other bytes than before.
inline constexpr std::string_view kEngineVersion = "2";

inline constexpr std::string_view kDefaultTemplate = "{reldir}/{name}.{ext}";

struct StageSpec {
  std::string op;
  stages::Values values;
  std::shared_ptr<const stages::Stage> stage;  // never null
};

struct OutputSpec {
  std::vector<StageSpec> stages;  // this output's own, after the common ones
  std::string name_template{kDefaultTemplate};
  std::string format;                    // codec->name(); empty: the input's
  const stages::Codec* codec = nullptr;  // from `format` or the template's literal extension; nullptr: the input's
  /// Encoder settings as given, each once, sorted, in canonical spelling. settings_for() completes them.
  std::vector<stages::Values::Pair> options;
  std::string background = "#ffffff";  // opaque; alpha is flattened onto it where the format has none
  std::vector<std::string> keep{"exif", "icc", "iptc", "xmp"};  // sorted subset of these; density is always kept
};

struct Recipe {
  stages::FailOn fail_on = stages::FailOn::truncated;
  bool full_decode = false;  // never shrink while decoding
  std::vector<StageSpec> common;
  std::vector<OutputSpec> outputs;  // at least one; their templates differ

  /// The one text form: TOML, every parameter spelled out, fixed order. Equal recipes give equal text however they
  /// were written; it parses back to itself.
  std::string canonical() const;
  /// XXH3-128 of canonical() and kEngineVersion, most significant byte first.
  std::array<std::byte, 16> hash() const;
};

/// A recipe file may also carry a policy, which is not part of the recipe or its hash.
struct RecipeFile {
  Recipe recipe;
  std::optional<std::string> on_exist;  // one of on_exist_names() in collisions.h
};

/// What the command line says about the recipe, as text. Applied after the file.
struct CommandLineOverrides {
  std::vector<StageSpec> stages = {};                // appended to the common ones
  std::vector<stages::Values::Pair> options = {};    // "quality" -> "82"; for every output
  std::optional<std::string> format = {};            // for every output
  std::optional<std::string> name_template = {};     // only with one output
  std::optional<std::string> background = {};        // opaque colour
  std::optional<std::string> keep = {}, strip = {};  // "exif,icc", "all" or "none"; not both
  std::optional<std::string> fail_on = {};           // none, truncated, warning
  std::optional<bool> full_decode = {};
};

/// No stages, one output, all defaults: where a run without a recipe file starts.
RecipeFile default_recipe();

/// `file` names the text in errors: "recipe.toml:7: ...". Throws UsageError.
RecipeFile parse_recipe(std::string_view toml, std::string_view file, const Vocabulary& = built_in());
/// Reads the file (at most 1 MiB). Throws UsageError.
RecipeFile load_recipe(const std::string& path, const Vocabulary& = built_in());

/// A changed format drops those options of the file that the new format does not have or would not accept; options of
/// the command line itself must fit. Throws UsageError.
void apply(const CommandLineOverrides&, RecipeFile&, const Vocabulary& = built_in());

/// Checks the parameters and makes the stage. An empty value means "not set". Throws UsageError("<where>: ...").
StageSpec make_stage_spec(std::string_view op, std::span<const stages::Values::Pair>, std::string_view where,
                          const Vocabulary& = built_in());

/// Every setting of `codec`: the output's options that the codec has, and defaults for the rest. An output whose format
/// is the input's may carry options that only other codecs have: they are left out here. Never throws for a codec of
/// the vocabulary that the recipe was checked with.
stages::Values settings_for(const OutputSpec&, const stages::Codec& codec);

}  // namespace tessera::pipeline
