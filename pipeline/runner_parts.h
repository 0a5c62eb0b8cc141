// What the kinds of jobs share. Private to runner*.cc.
#pragma once

#include <memory>
#include <vector>

#include "pipeline/breadcrumb.h"
#include "pipeline/job_files.h"
#include "pipeline/phase_clock.h"
#include "pipeline/runner.h"
#include "pipeline/runner_kept.h"
#include "pipeline/wire.h"
#include "stages/source.h"

namespace tessera::pipeline {

/// Kept between the jobs of one slot so that pages stay warm.
struct SlotMemory {
  stages::Scratch scratch;
};

struct RunnerState {
  std::shared_ptr<const Recipe> recipe;
  PlanOptions options;
  std::vector<SlotMemory> slots;
  KeptWork kept;
};

struct JobCall {
  workers::JobContext& context;
  workers::Completion& completion;
  RunnerState& state;
  SlotMemory& memory;
  JobPayload payload;
  PhaseClock& phases;

  void note(std::uint64_t breadcrumb) const {
    phases.enter(breadcrumb);
    context.step(breadcrumb);
  }
  void step(JobStep s) const { note(breadcrumb_of(s)); }
  stages::Chain::Note note_stages() const {
    return [this](std::uint32_t stage) { note(breadcrumb_of(JobStep::stages, stage)); };
  }
  const workers::Block& block(std::size_t i) const { return context.job().blocks.at(i); }
};

void run_whole(JobCall&);
void run_decode(JobCall&);
void run_band(JobCall&);
void run_resolve(JobCall&);
void run_encode(JobCall&);
void run_drop(JobCall&);
void run_info(JobCall&);
void run_pixels(JobCall&);
void run_hash(JobCall&);

/// The job ends as cancelled.
class Cancelled {};

/// The codec of every output for this job's input. Throws ImageError if an output keeps the input's format and that
/// cannot be written.
std::vector<const stages::Codec*> product_codecs(const JobCall&);
stages::Header checked_probe(const JobCall&, stages::ByteSource&);
/// Outputs of the stages whose size only their statistic knew, as far as statistics are measured.
std::vector<stages::ImageInfo> resolve_sizes(const ImagePlan&, std::span<const std::vector<std::byte>> statistics);
/// Before `band` of `pass` is rendered: commits the job's injected fault if that is the middle of the first product.
void obey_injection(const JobCall&, const Pass&, const stages::Region& band);
/// Encodes bands into one product and hashes both sides of it.
class ProductWriter {
 public:
  /// `sync`: finish() returns once the file is on the disk.
  ProductWriter(const OutputSpec&, const stages::Codec&, const stages::ImageInfo&, const stages::Metadata&, int fd,
                bool sync);
  /// Goes on with another descriptor of the same file.
  void go_on(int fd) { sink_.go_on(fd); }
  void write(const stages::View& band);
  ProductResult finish(const JobCall&);

 private:
  stages::ImageInfo info_;
  FdSink sink_;
  bool sync_;
  std::unique_ptr<stages::Encoder> encoder_;
  PixelHasher hasher_;
};

}  // namespace tessera::pipeline
