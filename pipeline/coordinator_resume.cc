// What an earlier session left to this one: items that are done already, and inputs that were being worked on when the
// program ended.
#include <fmt/format.h>

#include "pipeline/coordinator.h"

namespace tessera::pipeline {

// True: the input needs no job, or not yet.
bool Coordinator::settle_earlier(const Input& input) {
  if (settings_.resumed) {
    const std::optional<JournalRow> row = journal_.find(input.path);
    if (row && row->closed && row->listed) {
      count(row->item.terminal.kind);
      ++(row->item.terminal.kind == Terminal::Kind::done ? result_.counts.done_earlier : result_.counts.failed_earlier);
      return true;
    }
  }
  const auto suspect = settings_.suspects.find(input.path);
  if (suspect == settings_.suspects.end()) return false;
  if (suspect->second && !settings_.retry_failed)
    fail_input(input, 0,
               {Terminal::Kind::quarantined,
                "it ended the program twice; --mode processes isolates it, --retry-failed "
                "tries it again",
                FailReason::crashed});
  else
    deferred_.push_back(input);
  return true;
}

// Once nothing else is left, one at a time. What is done by then is published first: should the program end now, only
// the suspect is suspect.
void Coordinator::pull_suspect() {
  if (deferred_.empty() || !result_.stopped.empty() || !items_.empty() || !ahead_.empty() || !inputs_.finished())
    return;
  publisher_.flush();
  const std::uint64_t bytes = deferred_.front().bytes;
  ahead_.emplace(bytes, std::move(deferred_.front()));
  deferred_.pop_front();
}

}  // namespace tessera::pipeline
