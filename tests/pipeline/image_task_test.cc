// The life of an image against a fake executor: it runs no pixel, answers out of order and dies at will.
#include "pipeline/image_task.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "pipeline/stage_text.h"
#include "tests/stages/naive.h"

namespace tessera::tests {
using namespace pipeline;
using namespace stages;
using workers::Completion;
using workers::Outcome;

namespace {

std::shared_ptr<const Recipe> recipe_of(const std::vector<std::string>& stages, std::size_t outputs = 1) {
  RecipeFile file = default_recipe();
  CommandLineOverrides flags;
  flags.format = "jpeg";
  for (const std::string& text : stages) {
    const StageText parsed = parse_stage_text(text);
    flags.stages.push_back(make_stage_spec(parsed.op, parsed.pairs, text));
  }
  apply(flags, file);
  for (std::size_t i = 1; i < outputs; ++i) {
    file.recipe.outputs.push_back(file.recipe.outputs[0]);
    file.recipe.outputs[i].name_template = fmt::format("{{name}}_{}.jpg", i);
  }
  return std::make_shared<const Recipe>(std::move(file.recipe));
}

Header header_of(std::int32_t width, std::int32_t height) {
  Header header;
  header.full = {width, height, {Model::bgr, Depth::u8, false}, {}, 0};
  const auto& all = codecs();
  header.codec = static_cast<std::uint32_t>(std::ranges::find(all, find_codec("jpeg")) - all.begin());
  return header;
}

// A first job that runs whatever comes, and one that declines so that the route is asked for.
const TaskSettings kHopeful{{}, 0, 1 << 20, ~0ull, 0, {}}, kToBeAsked{{}, 0, 1 << 20, 0, 0, {}};

// Starts whatever a task wants, in three windows, and lets the test decide what comes back.
class FakeExecutor {
 public:
  explicit FakeExecutor(std::uint64_t budget = 1u << 30)
      : windows_(workers::Backing::private_memory, 3, 1u << 30, 1 << 20), arena_(windows_, budget, 4096) {}

  // Made before the task, whose leases must not outlive the arena.
  void serve(ImageTask& task) { task_ = &task; }

  struct Started {
    std::uint64_t id;
    Work work;
    std::uint32_t window;
  };

  void start_all(std::mt19937* random = nullptr) {
    while (running.size() < 3 && start_one(random)) {
    }
  }
  // The first of its wishes that there is memory for.
  bool start_one(std::mt19937* random) {
    for (const Work& work : task_->wishes()) {
      const std::uint32_t any = random ? std::uniform_int_distribution<std::uint32_t>(1, 3)(*random)
                                       : 1 + static_cast<std::uint32_t>(next_id_ % 3);
      const std::uint32_t window = work.only_window != 0 ? work.only_window : any;
      std::vector<workers::Want> wants;
      for (const std::uint64_t bytes : work.own_blocks)
        if (bytes > 0) wants.push_back({window, bytes, 0});
      if (work.kept_bytes > 0) wants.push_back({window, 0, work.kept_bytes});
      if (work.private_bytes > 0) wants.push_back({window, 0, work.private_bytes});
      const auto usage = arena_.usage();
      std::uint64_t taken = usage.leased + usage.private_bytes + work.spare_bytes;
      for (const workers::Want& want : wants) taken += workers::round_up_to_page(want.block_bytes) + want.private_bytes;
      if (work.spare_bytes > 0 && taken > arena_.budget()) continue;
      auto leases = arena_.lease(wants);
      if (!leases) continue;
      running.push_back({next_id_, work, window});
      ++jobs[work.payload.kind];
      task_->started(work, next_id_++, window, std::move(*leases));
      return true;
    }
    return false;
  }
  Started take(std::size_t index) {
    Started job = running[index];
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(index));
    return job;
  }
  void complete(const Started& job, const CompletionPayload& payload, Outcome outcome = Outcome::done) {
    Completion completion;
    completion.id = job.id;
    completion.outcome = outcome;
    put_payload(payload, completion.payload);
    task_->on(completion);
  }
  void fail(const Started& job, FailReason reason, std::string_view text) {
    Completion completion;
    completion.id = job.id;
    put_failure(completion, reason, text);
    task_->on(completion);
  }
  // The window's worker dies: its jobs crash, its blocks are lost.
  void kill(std::uint32_t window) {
    arena_.forget(window);
    task_->lost(window);
    for (std::size_t i = running.size(); i-- > 0;)
      if (running[i].window == window) {
        const Started job = take(i);
        Completion completion;
        completion.id = job.id;
        completion.outcome = Outcome::crashed;
        completion.signal = 11;
        task_->on(completion);
      }
  }
  workers::Arena::Usage usage() const { return arena_.usage(); }

  std::deque<Started> running;
  std::map<JobKind, int> jobs;

 private:
  ImageTask* task_ = nullptr;
  workers::Windows windows_;
  workers::Arena arena_;
  std::uint64_t next_id_ = 1;
};

CompletionPayload payload_for(const Header& header, std::size_t products) {
  CompletionPayload payload{};
  payload.header = header;
  payload.products = static_cast<std::uint32_t>(products);
  return payload;
}

}  // namespace

TEST_CASE("a small image is one job", "[task]") {
  FakeExecutor fake;
  ImageTask task(recipe_of({"resize 50%"}), {}, kHopeful);
  fake.serve(task);
  fake.start_all();
  REQUIRE(fake.running.size() == 1);
  CHECK(fake.running[0].work.fds == std::vector<std::int32_t>{kInputFd, 0});
  fake.complete(fake.take(0), payload_for(header_of(100, 80), 1));
  REQUIRE(task.terminal());
  CHECK(task.terminal()->kind == Terminal::Kind::done);
}

TEST_CASE("a declined image asks for its route and comes back with what it needs", "[task]") {
  FakeExecutor fake;
  ImageTask task(recipe_of({"flip"}), {}, kHopeful);
  fake.serve(task);
  fake.start_all();
  CompletionPayload declined = payload_for(header_of(3000, 2000), 0);
  declined.need_block = 18 << 20;
  fake.complete(fake.take(0), declined, Outcome::declined);
  REQUIRE(task.question());
  CHECK(task.wishes().empty());
  task.answer(Route::whole);
  fake.start_all();
  REQUIRE(fake.running.size() == 1);
  CHECK(fake.running[0].work.own_blocks[0] >= 3000u * 2000 * 3);
  CHECK(fake.running[0].work.payload.decline_above == ~0ull);
  fake.complete(fake.take(0), payload_for(header_of(3000, 2000), 1));
  CHECK(task.terminal()->kind == Terminal::Kind::done);
}

TEST_CASE("a crash is retried once, alone; a second one quarantines", "[task]") {
  FakeExecutor fake;
  ImageTask task(recipe_of({}), {}, kHopeful);
  fake.serve(task);
  fake.start_all();
  CHECK_FALSE(fake.running[0].work.alone);
  fake.kill(fake.running[0].window);
  CHECK(task.terminal() == nullptr);
  fake.start_all();
  REQUIRE(fake.running.size() == 1);
  CHECK(fake.running[0].work.alone);
  fake.kill(fake.running[0].window);
  REQUIRE(task.terminal());
  CHECK(task.terminal()->kind == Terminal::Kind::quarantined);
  CHECK_THAT(task.terminal()->sentence, Catch::Contains("signal 11"));
}

TEST_CASE("an input that changed is read once more, then failed", "[task]") {
  FakeExecutor fake;
  ImageTask task(recipe_of({}), {}, kHopeful);
  fake.serve(task);
  for (int i = 0; i < 2; ++i) {
    CHECK(task.terminal() == nullptr);
    fake.start_all();
    fake.fail(fake.take(0), FailReason::changed, "it changed while it was read");
  }
  REQUIRE(task.terminal());
  CHECK(task.terminal()->kind == Terminal::Kind::failed);
  CHECK(task.terminal()->sentence == "it changed while it was read");
}

TEST_CASE("a worker's impossible answers fail the image and nothing else", "[task]") {
  for (int what = 0; what < 3; ++what) {
    FakeExecutor fake;
    ImageTask task(recipe_of({}), {}, kHopeful);
    fake.serve(task);
    fake.start_all();
    CompletionPayload payload = payload_for(header_of(10, 10), 1);
    if (what == 0) payload.header.full.width = -5;
    if (what == 1) payload.header.codec = 999;
    if (what == 2) payload.products = 4;
    fake.complete(fake.take(0), payload);
    REQUIRE(task.terminal());
    CHECK(task.terminal()->kind == Terminal::Kind::failed);
  }
}

TEST_CASE("a spread image ends well whatever order its jobs come back in and whoever dies", "[task]") {
  std::mt19937 random(test_seed());
  INFO("seed " << test_seed());
  const std::vector<std::vector<std::string>> recipes{
      {"gaussian 2"}, {"flip", "equalize", "gamma 1.2"}, {"trim", "rotate 90", "auto-levels"}, {}};
  for (int round = 0; round < 60; ++round) {
    const std::size_t outputs = 1 + static_cast<std::size_t>(round % 3) * 3;  // 1, 4, 7
    const auto recipe = recipe_of(recipes[static_cast<std::size_t>(round) % recipes.size()], outputs);
    const Header header = header_of(2000, 1500);
    FakeExecutor fake;
    ImageTask task(recipe, {64}, kToBeAsked);
    fake.serve(task);
    const bool dies = round % 2 == 1;
    int deaths = dies ? 1 : 0;
    int steps = 0;
    while (!task.terminal()) {
      REQUIRE(++steps < 5000);
      if (task.question())
        task.answer(task.question()->retry && outputs <= kMaxWholeProducts ? Route::whole : Route::spread);
      fake.start_all(&random);
      for ([[maybe_unused]] const std::uint64_t id : task.take_cancellations()) {
      }
      REQUIRE_FALSE(fake.running.empty());
      if (deaths > 0 && steps > 20 && std::uniform_int_distribution<int>(0, 9)(random) == 0) {
        --deaths;
        fake.kill(std::uniform_int_distribution<std::uint32_t>(1, 3)(random));
        continue;
      }
      const auto job = fake.take(std::uniform_int_distribution<std::size_t>(0, fake.running.size() - 1)(random));
      CompletionPayload payload = payload_for(header, job.work.payload.kind == JobKind::encode ? 1 : outputs);
      if (job.work.payload.kind == JobKind::resolve) {
        payload.resolved = header.full;
        payload.resolved.width = 1200, payload.resolved.height = 1000;
      }
      const bool declines = job.work.payload.kind == JobKind::whole && job.work.payload.decline_above == 0;
      fake.complete(job, payload, declines ? Outcome::declined : Outcome::done);
    }
    CHECK(task.terminal()->kind == Terminal::Kind::done);
    CHECK(fake.usage().leased == 0);  // it gave everything back
    CHECK(fake.usage().private_bytes == 0);
    if (!dies) CHECK(fake.jobs[JobKind::encode] >= static_cast<int>(outputs));
    CHECK(fake.jobs[JobKind::drop] <= 2);  // what a decoder and an encoder left in workers that did not die
    if (!dies) CHECK(fake.jobs[JobKind::drop] == 0);
  }
}

TEST_CASE("a spread image that goes through a window ends with the least memory that its plan asks for", "[task]") {
  std::mt19937 random(test_seed());
  INFO("seed " << test_seed());
  const std::vector<std::vector<std::string>> recipes{
      {"gaussian 2"}, {"resize 60%", "sharpen 0.5"}, {"crop 3000x2000+500+2500"}, {"resize 130%"}};
  for (int round = 0; round < 40; ++round) {
    const auto recipe = recipe_of(recipes[static_cast<std::size_t>(round) % recipes.size()]);
    const Header header = header_of(4000, 6000);
    const std::vector<const Codec*> products{find_codec("jpeg")};
    const ImagePlan plan = make_plan(*recipe, header, products, {64}, Route::spread, {});
    REQUIRE(plan.windowed);
    const ImagePlan full = make_plan(*recipe_of({"flip"}), header, products, {64}, Route::spread, {});
    REQUIRE_FALSE(full.windowed);
    CHECK(plan.spread_bytes < full.spread_bytes / 2);
    std::uint64_t scratch = 0;
    for (const Pass& pass : plan.passes) scratch = std::max(scratch, pass.band_scratch_bytes);
    const std::uint64_t least =
        plan.spread_bytes + plan.decode_traits.private_bytes + scratch + plan.most_encoder_bytes + 8192;
    // The least, and with room to run ahead: then the window is still a small part of the frame.
    for (const std::uint64_t budget : {least, std::uint64_t{1} << 30}) {
      FakeExecutor fake(budget);
      TaskSettings settings = kToBeAsked;
      settings.first_private_bytes = 4096;
      settings.slots = 3;
      ImageTask task(recipe, {64}, settings);
      fake.serve(task);
      int steps = 0;
      std::uint64_t most = 0;
      while (!task.terminal()) {
        REQUIRE(++steps < 5000);
        if (task.question()) task.answer(Route::spread);
        fake.start_all(&random);
        most = std::max(most, fake.usage().leased);
        REQUIRE_FALSE(fake.running.empty());  // else it would wait for itself for ever
        const auto job = fake.take(std::uniform_int_distribution<std::size_t>(0, fake.running.size() - 1)(random));
        const bool declines = job.work.payload.kind == JobKind::whole;
        fake.complete(job, payload_for(header, 1), declines ? Outcome::declined : Outcome::done);
      }
      CHECK(task.terminal()->kind == Terminal::Kind::done);
      CHECK(fake.usage().leased == 0);
      CHECK(fake.usage().private_bytes == 0);
      CHECK(most < full.spread_bytes * 3 / 4);
    }
  }
}

TEST_CASE("what a spread image that fails has kept in workers is dropped before it ends", "[task]") {
  FakeExecutor fake;
  ImageTask task(recipe_of({"gaussian 2"}), {64}, kToBeAsked);
  fake.serve(task);
  fake.start_all();
  const Header header = header_of(4000, 6000);
  fake.complete(fake.take(0), payload_for(header, 0), Outcome::declined);
  task.answer(Route::spread);
  fake.start_all();
  const auto first = fake.take(0);
  fake.complete(first, payload_for(header, 0));
  REQUIRE(task.kept_bytes(first.window) > 0);
  const auto decode = [&] {
    return std::ranges::find(fake.running, JobKind::decode, [](const auto& job) { return job.work.payload.kind; });
  };
  for (fake.start_all(); decode() == fake.running.end(); fake.start_all())
    fake.complete(fake.take(0), payload_for(header, 0));
  const auto next = decode();
  CHECK(next->window == first.window);
  fake.fail(fake.take(static_cast<std::size_t>(next - fake.running.begin())), FailReason::image, "it is damaged");
  while (task.running() > 0 && task.wishes().empty()) fake.complete(fake.take(0), payload_for(header, 0));
  CHECK(task.terminal() == nullptr);
  CHECK(task.holds(first.window));
  SECTION("by a job") {
    while (!task.terminal()) {
      fake.start_all();
      REQUIRE_FALSE(fake.running.empty());
      fake.complete(fake.take(0), payload_for(header, 0));
    }
    CHECK(fake.jobs[JobKind::drop] >= 1);
  }
  SECTION("or by the death of its worker") {
    while (!fake.running.empty()) fake.complete(fake.take(0), payload_for(header, 0));
    for (const std::uint32_t window : {1u, 2u, 3u}) fake.kill(window);
    CHECK(fake.jobs[JobKind::drop] == 0);
  }
  REQUIRE(task.terminal());
  CHECK(task.terminal()->sentence == "it is damaged");
  CHECK(fake.usage().private_bytes == 0);
}

TEST_CASE("a part of another file starts the image again, and a second time fails it", "[task]") {
  FakeExecutor fake;
  ImageTask task(recipe_of({"gaussian 2"}), {64}, kToBeAsked);
  fake.serve(task);
  fake.start_all();
  const Header header = header_of(4000, 6000);
  fake.complete(fake.take(0), payload_for(header, 0), Outcome::declined);
  task.answer(Route::spread);
  std::uint64_t state = 1;
  for (int steps = 0; !task.terminal(); ++steps) {
    REQUIRE(steps < 100);
    fake.start_all();
    REQUIRE_FALSE(fake.running.empty());
    CompletionPayload payload = payload_for(header, 1);
    payload.source_state = state++;
    fake.complete(fake.take(0), payload);
  }
  CHECK(task.terminal()->reason == FailReason::changed);
  CHECK(fake.usage().leased == 0);
  CHECK(fake.usage().private_bytes == 0);
}

TEST_CASE("blocks lost with somebody else's worker start the image again without blame", "[task]") {
  FakeExecutor fake;
  ImageTask task(recipe_of({"gaussian 2"}), {64}, kToBeAsked);
  fake.serve(task);
  fake.start_all();
  fake.complete(fake.take(0), payload_for(header_of(2000, 1500), 0), Outcome::declined);
  task.answer(Route::spread);
  fake.start_all();
  const auto decode = fake.take(0);
  fake.complete(decode, payload_for(header_of(2000, 1500), 0));
  REQUIRE(task.holds(decode.window));
  fake.kill(decode.window);  // no job of this image ran there
  CHECK(task.result().crashes == 0);
  fake.start_all();
  REQUIRE(fake.running.size() == 1);
  CHECK(fake.running[0].work.payload.kind == JobKind::decode);
  CHECK_FALSE(fake.running[0].work.alone);
}

}  // namespace tessera::tests
