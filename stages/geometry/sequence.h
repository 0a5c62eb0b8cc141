// Two operations as one, for a stage that is made of two.
#pragma once

#include <memory>

#include "stages/operation.h"

namespace tessera::stages {

/// `second` after `first`. What lies between is taken from the scratch.
std::unique_ptr<const Operation> sequence(std::unique_ptr<const Operation> first,
                                          std::unique_ptr<const Operation> second);

}  // namespace tessera::stages
