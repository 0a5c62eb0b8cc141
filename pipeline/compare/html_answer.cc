// What a reader came for, before all charts.
#include <cctype>

#include "pipeline/compare/html_parts.h"

namespace tessera::pipeline::html {
namespace {

// The first sentences of a paragraph: a point, a space and a capital end one.
std::string first_sentences(const std::string& text, int count) {
  for (std::size_t at = 0; (at = text.find(". ", at)) != std::string::npos; at += 2)
    if (at + 2 < text.size() && std::isupper(static_cast<unsigned char>(text[at + 2])) != 0 && --count == 0)
      return text.substr(0, at + 1);
  return text;
}

std::string of_runs(const At& runs) {
  std::string out;
  const At recommendation = runs["recommendation"];
  if (recommendation.there()) {
    const bool decided = runs["method"]["runs"].number() >= runs["method"]["runs_needed"].number();
    out += paragraph(decided ? "<strong>Use this:</strong>"
                             : "<strong>Not decided: too few runs. By the medians alone, this:</strong>",
                     "lead") +
           command_block(recommendation["command"].text());
    out += paragraph(words(recommendation["why"].text()));
  }
  out += "<ul class=\"verdict\">\n";
  for (const At& sentence : runs["verdict"].items()) out += "<li>" + words(sentence.text()) + "</li>\n";
  return out + "</ul>\n";
}

std::string of_other_sections(const At& document) {
  std::vector<At> explanations;
  for (const At& group : document["costs"]["groups"].items()) explanations.push_back(group["explanation"]);
  for (const char* section : {"faults", "balance"}) explanations.push_back(document[section]["explanation"]);
  std::string out;
  const int sentences = document.has("costs") ? 1 : 2;  // costs have several groups
  for (const At& explanation : explanations)
    if (!explanation.text().empty()) out += "<li>" + words(first_sentences(explanation.text(), sentences)) + "</li>\n";
  return out.empty() ? "" : "<ul class=\"verdict\">\n" + out + "</ul>\n";
}

}  // namespace

std::string answer_part(const At& document) {
  const At runs = document["runs"];
  const std::string answer = runs.there() ? of_runs(runs) : of_other_sections(document);
  if (answer.empty()) return "";
  return "<section class=\"answer\" aria-labelledby=\"answer\">\n" + heading(2, "answer", "The answer") + answer +
         "</section>\n";
}

}  // namespace tessera::pipeline::html
