// The catalogue entries of this folder, one function per stage file.
#pragma once

#include "stages/catalogue.h"

namespace tessera::stages {

StageEntry resize_stage();
StageEntry crop_stage();
StageEntry trim_stage();
StageEntry pad_stage();
StageEntry rotate_stage();
StageEntry flip_stage();
StageEntry flop_stage();

}  // namespace tessera::stages
