#include "pipeline/trace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "pipeline/console.h"
#include "pipeline/printable.h"
#include "pipeline/usage_error.h"

namespace tessera::pipeline {
using workers::Clock;

namespace {
using Json = nlohmann::ordered_json;

double microseconds(Clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

std::string_view name_of(JobKind kind) {
  switch (kind) {
    case JobKind::whole:
      return "whole";
    case JobKind::decode:
      return "decode";
    case JobKind::band:
      return "band";
    case JobKind::resolve:
      return "resolve";
    case JobKind::encode:
      return "encode";
    case JobKind::info:
      return "info";
    case JobKind::pixels:
      return "pixels";
    case JobKind::hash:
      return "hash";
    case JobKind::drop:
      return "drop";
  }
  return "";
}

std::string_view name_of(workers::Outcome outcome) {
  switch (outcome) {
    case workers::Outcome::done:
      return "done";
    case workers::Outcome::declined:
      return "declined";
    case workers::Outcome::failed:
      return "failed";
    case workers::Outcome::crashed:
      return "crashed";
    case workers::Outcome::cancelled:
      return "cancelled";
    case workers::Outcome::timed_out:
      return "timed_out";
    case workers::Outcome::interrupted:
      return "interrupted";
  }
  return "";
}

Json instant(std::string_view name, std::uint32_t pid, Json args) {
  return {{"name", name}, {"ph", "i"}, {"s", pid == 0 ? "g" : "p"},
          {"pid", pid},   {"tid", 0},  {"ts", microseconds(Clock::now().time_since_epoch())},
          {"args", args}};
}

Json name_event(std::string_view what, std::uint32_t pid, int tid, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", pid}, {"tid", tid}, {"args", {{"name", name}}}};
}

Json phases_of(const JobTime& time) {
  Json phases = Json::object();
  for (std::size_t i = 0; i < kPhases; ++i)
    if (time.phases_us[i] > 0) phases[std::string(phase_name(i))] = time.phases_us[i];
  return phases;
}

// A picture that was named by mistake keeps its bytes.
workers::Fd open_trace(const std::string& path) {
  const auto fail = [&](const std::string& why) {
    throw UsageError(fmt::format("--trace {}: {}", printable(path), why));
  };
  workers::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666));
  if (!fd) fail(fmt::format("cannot write it: {}", std::strerror(errno)));
  struct stat s {};
  if (::fstat(fd.get(), &s) != 0) fail(std::strerror(errno));
  if (S_ISCHR(s.st_mode)) return fd;
  if (!S_ISREG(s.st_mode)) fail("it is no regular file; name a new one");
  char first = '[';
  if (::pread(fd.get(), &first, 1, 0) < 0) fail(std::strerror(errno));
  if (first != '[') fail("it is there and is no trace; name another file, or remove it");
  if (::ftruncate(fd.get(), 0) != 0) fail(fmt::format("cannot empty it: {}", std::strerror(errno)));
  return fd;
}

}  // namespace

Trace::Trace(const std::string& path, RunStats* stats) : path_(path), stats_(stats) {
  if (path.empty()) return;
  fd_ = open_trace(path);
  write_bytes("[\n");
}

void Trace::began(std::span<const workers::Executor::Worker> all) {
  if (stats_) stats_->began(all);
  if (!fd_) return;
  write(name_event("process_name", 0, 0, "coordinator"));
  for (const auto& worker : all) {
    write(name_event("process_name", worker.window, 0, fmt::format("worker {}", worker.window)));
    for (int slot = 0; slot < worker.slots; ++slot)
      write(name_event("thread_name", worker.window, slot, fmt::format("slot {}", slot)));
  }
}

void Trace::started(JobStart start) {
  if (!fd_ && !stats_) return;
  if (fd_) {
    Json args{{"image", start.image}, {"job", start.job}, {"attempt", start.attempt}, {"kind", name_of(start.kind)}};
    if (!start.source.empty()) args["source"] = start.source;
    write(instant("start", start.window, std::move(args)));
  }
  times_.started(std::move(start));
}

void Trace::answered(const workers::Completion& completion) {
  const std::optional<JobTime> time = times_.answered(completion);
  if (!time) return;
  if (stats_) stats_->answered(*time);
  if (!fd_) return;
  Json args{{"image", time->start.image},
            {"job", time->start.job},
            {"attempt", time->start.attempt},
            {"outcome", name_of(completion.outcome)},
            {"cpu_us", completion.cpu_ns / 1000}};
  if (completion.outcome == workers::Outcome::done || completion.outcome == workers::Outcome::declined)
    args["phases_us"] = phases_of(*time);
  write({{"name", name_of(time->start.kind)},
         {"ph", "X"},
         {"pid", time->start.window},
         {"tid", time->slot},
         {"ts", microseconds(time->begin.time_since_epoch())},
         {"dur", microseconds(time->end - time->begin)},
         {"args", std::move(args)}});
}

void Trace::closed(const ItemRow& row) {
  if (!fd_) return;
  Json args{{"image", row.item}, {"status", to_string(row.terminal.kind)}};
  if (row.original_width > 0 && row.original_height > 0)
    args["megapixels"] = static_cast<double>(row.original_width) * row.original_height / 1e6;
  write(instant("closed", 0, std::move(args)));
}

void Trace::died(std::uint32_t window) {
  if (fd_) write(instant("death", window, {{"worker", window}}));
}

void Trace::ended(const Counts& counts, const workers::Executor::Traffic& traffic) {
  if (stats_) stats_->ended();
  if (!fd_) return;
  write(instant("run", 0,
                {{"messages", traffic.messages_sent + traffic.messages_received},
                 {"channel_bytes", traffic.bytes},
                 {"forks", traffic.forks},
                 {"deaths", traffic.deaths},
                 {"done", counts.done},
                 {"skipped", counts.skipped},
                 {"failed", counts.failed},
                 {"quarantined", counts.quarantined}}),
        true);
}

void Trace::write(const Json& event, bool last) {
  // JSON is text: of a name that is not, the other bytes show as U+FFFD.
  write_bytes(event.dump(-1, ' ', false, Json::error_handler_t::replace) + (last ? "\n]\n" : ",\n"));
}

// A line at once, so that a run that is killed leaves whole ones.
void Trace::write_bytes(const std::string& bytes) {
  for (std::size_t done = 0; fd_ && done < bytes.size();) {
    const ssize_t count = ::write(fd_.get(), bytes.data() + done, bytes.size() - done);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      const int error = errno;
      fd_.close();
      say(stderr, fmt::format("tessera: warning: the trace ends here: cannot write {}: {}\n", printable(path_),
                              std::strerror(error)));
    }
  }
}

}  // namespace tessera::pipeline
