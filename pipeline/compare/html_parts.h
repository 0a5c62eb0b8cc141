// The sections of the page, each made of the document's root. "" where the document has nothing for one.
#pragma once

#include <string>

#include "pipeline/compare/html_text.h"

namespace tessera::pipeline::html {

std::string style_sheet();

/// The answer: verdict and recommendation; without runs the first sentences of what the other sections explain.
std::string answer_part(const At& document);
/// Charts of the runs, and their tables.
std::string runs_part(const At& document);
/// Every metric of every configuration.
std::string metrics_tables(const At& runs);
/// Which differences are more than noise, as a matrix and as a list. "a" and "b" are indices into `names`; `id`
/// makes ids of the page differ. Not `tested`: there were too few runs for any difference to be found.
std::string pairs_tables(const At& pairs, const std::vector<std::string>& names, const std::string& id, bool tested);
std::string costs_part(const At& document);
std::string faults_part(const At& document);
std::string balance_part(const At& document);
/// Machine, pictures, method, notes, command, how to take the data out.
std::string method_part(const At& document);

}  // namespace tessera::pipeline::html
