// The loop itself: how it pulls inputs, when it waits, and what counts of what it hears. Jobs run in this process, and
// the executor between counts and interrupts.
#include "pipeline/coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "pipeline/inspect.h"
#include "pipeline/runner.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
namespace {

using namespace pipeline;
using Clock = workers::Clock;

class GivenInputs final : public InputSet {
 public:
  explicit GivenInputs(std::vector<Input> inputs) : inputs_(std::move(inputs)) {}
  std::optional<Input> next() override {
    if (finished()) return std::nullopt;
    ++pulled;
    return inputs_[next_++];
  }
  bool finished() const override { return next_ == inputs_.size(); }
  int ready_fd() const override { return -1; }
  const std::vector<std::string>& empty_sources() const override { return none_; }

  std::size_t pulled = 0;

 private:
  std::vector<Input> inputs_;
  std::size_t next_ = 0;
  std::vector<std::string> none_;
};

class WatchedExecutor final : public workers::Executor {
 public:
  explicit WatchedExecutor(std::unique_ptr<workers::Executor> real) : real_(std::move(real)) {}
  std::span<const Worker> workers() const override { return real_->workers(); }
  void start(std::uint32_t window, const workers::Job& job, std::span<const int> fds,
             const workers::Limits& limits) override {
    ids.push_back(job.id);
    if (on_start) on_start(job, fds);
    most_starts = std::max(most_starts, ++starts_[window]);
    real_->start(window, job, fds, limits);
  }
  void set_limits(std::uint64_t job, const workers::Limits& limits) override { real_->set_limits(job, limits); }
  std::uint64_t grown_bytes(std::uint32_t window) const override { return real_->grown_bytes(window); }
  int ready_fd() const override { return real_->ready_fd(); }
  void wait(std::vector<workers::Event>& out, Clock::time_point until) override {
    if (on_wait) on_wait();
    real_->wait(out, until);
    for (const workers::Event& event : out)
      if (const auto* lost = std::get_if<workers::WindowLost>(&event)) starts_.erase(lost->window);
    if (fails_with_an_event && !out.empty()) throw std::runtime_error("no worker can be had");
  }
  void cancel(std::uint64_t job) override { real_->cancel(job); }
  void retire(std::uint32_t window) override { real_->retire(window); }
  void stop(Clock::time_point drain_until) override { real_->stop(drain_until); }
  Traffic traffic() const override { return real_->traffic(); }

  std::function<void(const workers::Job&, std::span<const int> fds)> on_start;
  std::function<void()> on_wait;
  bool fails_with_an_event = false;
  std::vector<std::uint64_t> ids;
  int most_starts = 0;  // of jobs, by one worker before it was replaced

 private:
  std::map<std::uint32_t, int> starts_;
  std::unique_ptr<workers::Executor> real_;
};

struct OneRun {
  explicit OneRun(const workers::ExecutorOptions& options = {workers::ExecutorOptions::Mode::serial}) {
    std::filesystem::create_directories(folder / "in");
    workforce = workers::make_workforce(options, 256 << 20, make_runner(recipe, {}, options.threads));
    auto watched = std::make_unique<WatchedExecutor>(std::move(workforce.executor));
    executor = watched.get();
    workforce.executor = std::move(watched);
    journal.begin_run(recipe->canonical(), recipe->hash(), {"boot", false, "serial"});
    settings.names_checked = true;
  }
  Input input(std::uint64_t index, std::string name) const {
    return {index, folder / ("in/" + name), "", std::filesystem::file_size(folder / ("in/" + name)), {}};
  }
  RunResult run(GivenInputs& inputs) {
    Progress progress(Verbosity::quiet, false);
    return Coordinator(recipe, settings, inputs, workforce, tree, journal, names, progress).run();
  }

  TemporaryFolder folder;
  std::shared_ptr<const Recipe> recipe = std::make_shared<const Recipe>(default_recipe().recipe);
  workers::Workforce workforce;
  WatchedExecutor* executor = nullptr;
  OutputTree tree{folder / "out"};
  Journal journal{folder / "journal.sqlite"};
  ProductNames names{*recipe};
  CoordinatorSettings settings;
};

}  // namespace

TEST_CASE("inputs that need no job are not waited for", "[coordinator]") {
  constexpr std::uint64_t kInputs = 4000;  // 64 at a time, and 50 ms after each, would be 3 s
  OneRun run;
  run.settings.on_exist = OnExist::skip;
  std::vector<Input> inputs;
  for (std::uint64_t i = 0; i < kInputs; ++i) {
    const std::string name = fmt::format("{}.jpg", i);
    write_file(run.folder / ("in/" + name), "x");
    write_file(run.folder / ("out/" + name), "x");
    inputs.push_back(run.input(i, name));
  }
  GivenInputs given(std::move(inputs));
  const auto begun = Clock::now();
  const RunResult result = run.run(given);
  CHECK(Clock::now() - begun < std::chrono::milliseconds(1500));
  CHECK(result.stopped == "");
  CHECK(result.counts.skipped == kInputs);
}

TEST_CASE("the loop goes round among inputs that cannot be read", "[coordinator]") {
  OneRun run;
  std::vector<Input> inputs;
  for (std::uint64_t i = 0; i < 300; ++i)
    inputs.push_back({i, fmt::format("/nowhere/{}.jpg", i), "", 0, "there is no such file"});
  const std::string first = inputs.front().path;
  GivenInputs given(std::move(inputs));
  std::size_t before = 0, most = 0;
  bool first_is_closed = false;
  run.executor->on_wait = [&] {
    most = std::max(most, given.pulled - before);
    before = given.pulled;
    if (given.finished()) return;
    const auto row = run.journal.find(first);
    first_is_closed |= row && row->closed;
  };
  const RunResult result = run.run(given);
  CHECK(most == 64);
  CHECK(first_is_closed);
  CHECK(result.counts.failed == 300);
}

TEST_CASE("what was heard together with the end of the executor counts", "[coordinator]") {
  OneRun run;
  write_photos(run.folder / "in", 2, 64, 48);
  run.executor->fails_with_an_event = true;
  GivenInputs given({run.input(0, "p00.jpg"), run.input(1, "p01.jpg")});
  const RunResult result = run.run(given);
  CHECK(result.stopped == "no worker can be had");
  CHECK(result.environment);
  CHECK(result.counts.done == 1);
  CHECK(tests::tree(run.folder / "out").size() == 1);
}

TEST_CASE("no worker opens more images than --recycle allows, however many threads it has", "[coordinator]") {
  OneRun run({workers::ExecutorOptions::Mode::processes, 2, 4});
  write_photos(run.folder / "in", 16, 64, 48);
  std::vector<Input> inputs;
  for (std::uint64_t i = 0; i < 16; ++i) inputs.push_back(run.input(i, fmt::format("p{:02}.jpg", i)));
  GivenInputs given(std::move(inputs));
  run.settings.tiling = Tiling::whole;
  run.settings.recycle = 3;
  const RunResult result = run.run(given);
  CHECK(result.counts.done == 16);
  CHECK(run.executor->most_starts == 3);
}

TEST_CASE("workers that are to be replaced and hold bands of an image do not stop the run", "[coordinator]") {
  OneRun run({workers::ExecutorOptions::Mode::processes, 2, 2});
  write_photos(run.folder / "in", 6);
  std::vector<Input> inputs;
  for (std::uint64_t i = 0; i < 6; ++i) inputs.push_back(run.input(i, fmt::format("p{:02}.jpg", i)));
  GivenInputs given(std::move(inputs));
  run.settings.tiling = Tiling::spread;
  run.settings.recycle = 1;
  const RunResult result = run.run(given);
  CHECK(result.counts.done == 6);
  CHECK(result.stopped == "");
  CHECK(run.executor->traffic().deaths >= 4);
}

TEST_CASE("jobs that look at files and jobs of the run share no id", "[coordinator]") {
  OneRun run;
  write_photos(run.folder / "in", 2, 64, 48);
  const std::vector<std::string> paths{run.folder / "in/p00.jpg", run.folder / "in/p01.jpg"};
  for (int i = 0; i < 2; ++i) inspect(*run.executor, JobKind::hash, paths, {0, {}, kInspectorBytes});
  GivenInputs given({run.input(0, "p00.jpg"), run.input(1, "p01.jpg")});
  CHECK(run.run(given).counts.done == 2);
  std::vector<std::uint64_t>& ids = run.executor->ids;
  CHECK(ids.size() >= 6);
  std::ranges::sort(ids);
  CHECK(std::ranges::adjacent_find(ids) == ids.end());
}

TEST_CASE("a fault is in the jobs of its image and of no other, and in none of an ordinary run", "[coordinator]") {
  for (const Tiling tiling : {Tiling::whole, Tiling::spread})
    for (const bool injected : {false, true}) {
      OneRun run;
      write_photos(run.folder / "in", 4, 64, 48);
      run.settings.tiling = tiling;
      // Harmless where no limit of memory is in force: it is refused, and the image fails.
      if (injected) run.settings.injection = {InjectedFault::balloon, 2};
      std::map<std::uint64_t, std::set<InjectedFault>> seen;  // by image; jobs without a descriptor belong to the last
      std::uint64_t image = 0;
      run.executor->on_start = [&](const workers::Job& job, std::span<const int> fds) {
        const auto payload = get_payload<JobPayload>(job.payload);
        if (payload.kind == JobKind::whole || payload.kind == JobKind::decode) {
          const auto name = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fds[0])).stem().string();
          image = std::stoul(name.substr(1));
        }
        seen[image].insert(payload.fault);
      };
      std::vector<Input> inputs;
      for (std::uint64_t i = 0; i < 4; ++i) inputs.push_back(run.input(i, fmt::format("p{:02}.jpg", i)));
      GivenInputs given(std::move(inputs));
      const RunResult result = run.run(given);
      for (std::uint64_t i = 0; i < 4; ++i) {
        INFO("image " << i << ", injected " << injected);
        CHECK(seen[i] == std::set{injected && i == 2 ? InjectedFault::balloon : InjectedFault::none});
      }
      CHECK(result.counts.done == (injected ? 3 : 4));
      CHECK(result.counts.failed == (injected ? 1 : 0));
    }
}

}  // namespace tessera::tests
