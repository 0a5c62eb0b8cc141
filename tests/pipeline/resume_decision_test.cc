// What --resume believes: every state of a row against every change of its input and outputs.
#include <algorithm>
#include <catch2/catch.hpp>

#include "pipeline/printable.h"
#include "pipeline/resume.h"

namespace tessera::tests {
using namespace pipeline;
using enum Likeness;
using enum ResumeAction;

TEST_CASE("a row stands as long as its input and outputs do", "[resume]") {
  struct Case {
    RowState state;
    Likeness input;
    std::vector<Likeness> outputs;
    ResumeAction expected;
  };
  const std::vector<Case> cases{
      {RowState::none, same, {}, redo},
      {RowState::skipped, same, {}, redo},
      {RowState::skipped, different, {}, redo},
      {RowState::failed, same, {}, keep},
      {RowState::failed, unsure, {}, ask},
      {RowState::failed, different, {}, redo},
      {RowState::quarantined, same, {}, keep},
      {RowState::quarantined, unsure, {}, ask},
      {RowState::quarantined, different, {}, redo},
  };
  for (const Case& c : cases) {
    INFO(static_cast<int>(c.state) << " " << static_cast<int>(c.input));
    CHECK(decide_resume({c.state, c.input, c.outputs, false, false}) == c.expected);
  }
  const std::vector<Case> of_done{
      {{}, same, {same}, keep},       {{}, same, {unsure}, ask},           {{}, same, {different}, redo},
      {{}, unsure, {same}, ask},      {{}, unsure, {unsure}, ask},         {{}, unsure, {different}, redo},
      {{}, different, {same}, redo},  {{}, different, {unsure}, ask},      {{}, different, {different}, redo},
      {{}, same, {same, same}, keep}, {{}, same, {same, different}, redo}, {{}, same, {different, unsure}, ask},
  };
  for (const RowState state : {RowState::done, RowState::intended})
    for (const Case& c : of_done) {
      INFO(static_cast<int>(state) << " " << static_cast<int>(c.input) << " " << static_cast<int>(c.outputs[0]));
      CHECK(decide_resume({state, c.input, c.outputs, false, false}) == c.expected);
      CHECK(decide_resume({state, c.input, c.outputs, false, true}) == c.expected);
      CHECK(decide_resume({state, c.input, c.outputs, true, false}) ==
            (c.expected == ask && std::ranges::find(c.outputs, unsure) != c.outputs.end() ? ask : redo));
    }
}

TEST_CASE("retry-failed does failed and quarantined items again, and nothing else", "[resume]") {
  for (const RowState state : {RowState::failed, RowState::quarantined})
    for (const Likeness input : {same, unsure, different})
      CHECK(decide_resume({state, input, {}, false, true}) == redo);
  const std::vector<Likeness> whole{same};
  CHECK(decide_resume({RowState::done, same, whole, false, true}) == keep);
}

TEST_CASE("size and time decide about an input, and its content where only the time differs", "[resume]") {
  ItemRow row;
  row.bytes = 100, row.modified_ns = 5;
  row.source_hash.fill(std::byte{1});
  CHECK(compare_input(row, 100, 5) == same);
  CHECK(compare_input(row, 100, 6) == unsure);
  CHECK(compare_input(row, 101, 5) == different);
  row.source_hash = {};
  CHECK(compare_input(row, 100, 6) == different);
}

TEST_CASE("an output is believed by inode, size and time, and by its content after a power cut", "[resume]") {
  ProductRow row;
  row.file = {7, 100, 5};
  CHECK(compare_output(row, FileIdentity{7, 100, 5}, true) == same);
  CHECK(compare_output(row, FileIdentity{7, 100, 5}, false) == unsure);
  CHECK(compare_output(row, FileIdentity{8, 100, 5}, true) == unsure);  // copied
  CHECK(compare_output(row, FileIdentity{7, 100, 6}, true) == unsure);  // touched
  CHECK(compare_output(row, FileIdentity{7, 0, 5}, true) == different);
  CHECK(compare_output(row, std::nullopt, true) == different);
}

}  // namespace tessera::tests
