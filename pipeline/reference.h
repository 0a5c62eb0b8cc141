// The reference of stages and output formats, written from their catalogues: on the terminal and for README.md.
#pragma once

#include <string>

#include "stages/catalogue.h"

namespace tessera::pipeline {

std::string stages_list();                            // one line each, by group
std::string stage_detail(const stages::StageEntry&);  // with every parameter
std::string stages_markdown();                        // all of it, formats included

}  // namespace tessera::pipeline
