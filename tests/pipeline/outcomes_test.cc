// What a bad end of a job means for its image, one outcome at a time: no worker runs here.
#include <catch2/catch.hpp>
#include <csignal>

#include "pipeline/breadcrumb.h"
#include "pipeline/image_task.h"
#include "pipeline/stage_text.h"

namespace tessera::tests {
using namespace pipeline;
using workers::Completion;
using workers::Outcome;

namespace {

std::shared_ptr<const Recipe> sharpening() {
  RecipeFile file = default_recipe();
  CommandLineOverrides flags;
  flags.format = "jpeg";
  for (const std::string text : {"flip", "sharpen 0.5"}) {
    const StageText parsed = parse_stage_text(text);
    flags.stages.push_back(make_stage_spec(parsed.op, parsed.pairs, text));
  }
  apply(flags, file);
  return std::make_shared<const Recipe>(std::move(file.recipe));
}

// One whole image whose jobs end as the test says.
class OneImage {
 public:
  explicit OneImage(TimeLimit time = {}) : task(sharpening(), {}, TaskSettings{{}, 0, 0, ~0ull, 1'000'000, time}) {}

  const Work start() {
    REQUIRE_FALSE(task.wishes().empty());
    const Work work = task.wishes().front();
    task.started(task.wishes().front(), ++id_, 1, {});
    return work;
  }
  Completion ended(Outcome outcome, std::int32_t reason = 0) const {
    Completion completion;
    completion.id = id_;
    completion.outcome = outcome;
    completion.reason = reason;
    completion.suspects = 1;
    return completion;
  }
  void fail(FailReason reason) {
    Completion completion = ended(Outcome::failed);
    put_failure(completion, reason, "the job's own words");
    task.on(completion);
  }
  void crash(int signal, std::uint8_t suspects = 1) {
    Completion completion = ended(Outcome::crashed);
    completion.signal = signal;
    completion.suspects = suspects;
    completion.breadcrumb = breadcrumb_of(JobStep::stages, 2);
    task.lost(1, "free(): invalid\npointer\x1b");
    task.on(completion);
  }
  std::uint64_t id() const { return id_; }

  ImageTask task;

 private:
  std::uint64_t id_ = 0;
};

}  // namespace

TEST_CASE("a quarantined image says signal, stage, its worker's last words and how often it was tried", "[outcomes]") {
  OneImage image;
  CHECK_FALSE(image.start().alone);
  image.crash(SIGSEGV);
  REQUIRE_FALSE(image.task.terminal());
  CHECK(image.start().alone);
  image.crash(SIGSEGV);
  REQUIRE(image.task.terminal());
  CHECK(image.task.terminal()->kind == Terminal::Kind::quarantined);
  CHECK(image.task.terminal()->reason == FailReason::crashed);
  CHECK(image.task.terminal()->sentence ==
        "its worker died twice with it: signal 11 (Segmentation fault), while running stage 2 (sharpen)");
  REQUIRE(image.task.result().failure);
  CHECK(image.task.result().failure->signal == SIGSEGV);
  CHECK(image.task.result().failure->stage == "stage 2 (sharpen)");
  CHECK(image.task.result().failure->attempts == 2);
  CHECK(image.task.result().failure->output == "free(): invalid\npointer\\x1b");
}

TEST_CASE("a forbidden system call is not tried again unless a neighbour may have made it", "[outcomes]") {
  OneImage guilty;
  guilty.start();
  guilty.crash(SIGSYS);
  REQUIRE(guilty.task.terminal());
  CHECK(guilty.task.terminal()->kind == Terminal::Kind::quarantined);
  CHECK(guilty.task.terminal()->reason == FailReason::policy);

  OneImage suspect;
  suspect.start();
  suspect.crash(SIGSYS, 2);
  REQUIRE_FALSE(suspect.task.terminal());
  CHECK(suspect.start().alone);
  suspect.crash(SIGSYS);
  REQUIRE(suspect.task.terminal());
  CHECK(suspect.task.terminal()->reason == FailReason::policy);
}

TEST_CASE("processor time that has run out ends an image, the clock only alone", "[outcomes]") {
  OneImage busy;
  busy.start();
  busy.task.on(busy.ended(Outcome::timed_out, workers::kCpuTime));
  REQUIRE(busy.task.terminal());
  CHECK(busy.task.terminal()->kind == Terminal::Kind::failed);
  CHECK(busy.task.terminal()->reason == FailReason::timeout);
  CHECK_THAT(busy.task.terminal()->sentence, Catch::Contains("5.0 s") && Catch::Contains("--timeout"));

  OneImage sleepy;
  sleepy.start();
  sleepy.task.on(sleepy.ended(Outcome::timed_out, workers::kWallTime));
  REQUIRE_FALSE(sleepy.task.terminal());
  CHECK(sleepy.start().alone);
  sleepy.task.on(sleepy.ended(Outcome::timed_out, workers::kWallTime));
  REQUIRE(sleepy.task.terminal());
  CHECK(sleepy.task.terminal()->reason == FailReason::timeout);
}

TEST_CASE("an interrupted image starts again without blame, but not for ever", "[outcomes]") {
  OneImage image;
  for (int i = 0; i < 16; ++i) {
    CHECK(image.start().alone == (i > 1));  // at first it may have been chance
    image.task.on(image.ended(Outcome::interrupted));
    REQUIRE_FALSE(image.task.terminal());
  }
  CHECK(image.task.result().crashes == 0);
  image.start();
  image.task.on(image.ended(Outcome::interrupted));
  REQUIRE(image.task.terminal());
  CHECK(image.task.terminal()->reason == FailReason::interrupted);
}

TEST_CASE("an image that ran out of memory is tried once more, alone and with all there is", "[outcomes]") {
  for (const FailReason reason : {FailReason::out_of_memory, FailReason::allocation}) {
    OneImage image;
    CHECK_FALSE(image.start().all_memory);
    image.fail(reason);
    REQUIRE_FALSE(image.task.terminal());
    const Work again = image.start();
    CHECK(again.alone);
    CHECK(again.all_memory);
    image.fail(reason);
    REQUIRE(image.task.terminal());
    CHECK(image.task.terminal()->kind == Terminal::Kind::failed);
    CHECK(image.task.terminal()->reason == FailReason::out_of_memory);
    CHECK_THAT(image.task.terminal()->sentence, Catch::Contains("--memory"));
  }
}

TEST_CASE("lost descriptors are tried once more, damage is not", "[outcomes]") {
  OneImage lost;
  lost.start();
  lost.fail(FailReason::no_descriptors);
  REQUIRE_FALSE(lost.task.terminal());
  lost.start();
  lost.fail(FailReason::no_descriptors);
  REQUIRE(lost.task.terminal());
  for (const FailReason reason : {FailReason::image, FailReason::io_error, FailReason::exception}) {
    OneImage image;
    image.start();
    image.fail(reason);
    REQUIRE(image.task.terminal());
    CHECK(image.task.terminal()->reason == reason);
    CHECK(image.task.terminal()->sentence == "the job's own words");
  }
}

TEST_CASE("a job cannot claim an end that is the coordinator's to see", "[outcomes]") {
  OneImage image;
  image.start();
  image.fail(FailReason::policy);
  REQUIRE(image.task.terminal());
  CHECK(image.task.terminal()->reason == FailReason::exception);
}

TEST_CASE("limits grow with what a worker says is before it, up to what may be", "[outcomes]") {
  OneImage image;
  CHECK(image.start().limits.cpu_ms == 5000);
  const auto more = image.task.on(workers::Progress{image.id(), claim_of(500'000)});
  REQUIRE(more);
  CHECK(more->cpu_ms > 5000 + 500'000 * 3 / 1000 - 10);
  const auto most = image.task.on(workers::Progress{image.id(), ~std::uint32_t{0}});
  REQUIRE(most);
  CHECK(most->cpu_ms == 5000 + 1'000'000 * 3 / 1000);  // max_pixels, two stages and a product
  CHECK_FALSE(image.task.on(workers::Progress{image.id() + 1, 1}));
}

}  // namespace tessera::tests
