// What a balance section means, in a paragraph made of its figures.
#pragma once

#include <string>

#include "pipeline/compare/document.h"

namespace tessera::pipeline {

struct BalanceFacts {
  std::size_t images = 0, huge = 0;  // huge: made so; 0: the pictures as they are
  double huge_megapixels = 0;
  std::size_t bands = 0, banded_images = 0;  // of the way with tiles, in the run of it with most bands
  std::size_t declined = 0;                  // whole jobs in it that were handed back for a choice of route
  std::size_t runs = 0;
  double alpha = 0.01;
};

/// Of the row: one band to a picture is none that could be shared.
bool was_cut(const BalanceFacts&);
std::string tiles_name(const BalanceFacts&);

/// Of a section that has workers, ways (static, dynamic, dynamic-tiles) and pairs.
std::string balance_explanation(const Json& section, const BalanceFacts&);

}  // namespace tessera::pipeline
