// Apart from vocabulary.cc so that a program with a vocabulary of its own links no codec library.
#include "pipeline/vocabulary.h"

namespace tessera::pipeline {

const Vocabulary& built_in() {
  static const Vocabulary vocabulary{stages::catalogue(), stages::codecs()};
  return vocabulary;
}

}  // namespace tessera::pipeline
