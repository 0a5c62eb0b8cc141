// The skewed set that balance is measured with, made by the program itself from the pictures that were given.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/compare/balance.h"

namespace tessera::pipeline {

struct BalanceSet {
  std::vector<std::string> paths;  // links, named by their place in the list; the huge ones come last
  std::size_t huge = 0;            // of these
};

/// In `folder`, which must be there and empty. Throws EnvironmentError when no picture can be made.
BalanceSet make_balance_set(const BalanceRequest&, const std::string& folder);

/// A list for --files-from -0. Throws EnvironmentError.
void write_list(const std::string& file, std::span<const std::string> paths);

}  // namespace tessera::pipeline
