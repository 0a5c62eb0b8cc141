// Apart from vocabulary.cc so that a program with a vocabulary of its own links no codec library.
#include "pipeline/vocabulary.h"
#include "stages/test_faults.h"

namespace tessera::pipeline {

const Vocabulary& built_in() {
#ifdef TESSERA_FAULTS
  static const std::vector<stages::StageEntry> known = [] {
    std::vector<stages::StageEntry> with_fault = stages::catalogue();
    with_fault.push_back(stages::fault_stage());
    return with_fault;
  }();
#else
  const std::vector<stages::StageEntry>& known = stages::catalogue();
#endif
  static const Vocabulary vocabulary{known, stages::listed_codecs()};
  return vocabulary;
}

}  // namespace tessera::pipeline
