// What a user got wrong in a recipe, on the command line or in a list of inputs. Caught once, in main: exit code 2.
#pragma once

#include <stdexcept>

namespace tessera::pipeline {

/// The sentence names the place: "recipe.toml:7: [[stage]] 2: ...", "-s 'resize ...': ...".
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tessera::pipeline
