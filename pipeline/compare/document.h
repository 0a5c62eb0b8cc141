// What a comparison found, as one JSON document: experiments write sections of it, and everything that people read
// (terminal, HTML, Markdown, CSV) is made from it and from nothing else, so that no figure can differ between them.
// The format is pinned by compare.schema.json beside this file; a change that breaks readers raises kDocumentVersion.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pipeline/compare/statistics.h"

namespace tessera::pipeline {

using Json = nlohmann::ordered_json;

inline constexpr int kDocumentVersion = 1;

/// The head of a document: schema, version, program, command, seed, time, machine. No section yet.
Json new_document(const std::vector<std::string>& command, std::uint64_t seed);

/// What is known of the machine only when everything is measured: its load and clock then.
void finish_document(Json&);

/// {"n", "median", "mean", "sigma", "min", "max", "low", "high"}
Json to_json(const Summary&);

/// Throws UsageError ("FILE is no comparison", "... was written by a newer tessera") for what cannot be shown.
void check_document(const Json&, const std::string& file);

}  // namespace tessera::pipeline
