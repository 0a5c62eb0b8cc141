#include "stages/catalogue.h"

namespace tessera::stages {

std::vector<StageEntry> detail_stages() { return {}; }

}  // namespace tessera::stages
