#include "pipeline/job_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tessera::pipeline {
using namespace stages;
namespace {
constexpr std::size_t kReadBuffer = 64 << 10;
constexpr std::size_t kWriteBuffer = 256 << 10;

std::int64_t modified_ns_of(const struct stat& s) { return s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec; }

Hash128 canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Hash128 out;
  std::memcpy(out.data(), bytes.digest, out.size());
  return out;
}

HashState new_hash_state() {
  HashState state(XXH3_createState());
  XXH3_128bits_reset(state.get());
  return state;
}

// glibc's own fstat asks by a call that takes names as well, which a worker is not allowed.
bool get_status(int fd, struct stat& status) { return syscall(SYS_fstat, fd, &status) == 0; }

std::size_t read_fully(int fd, std::uint64_t offset, WriteBytes into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t n = pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw InputUnreadable(fmt::format("it cannot be read: {}", std::strerror(errno)));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}
}  // namespace

FdSource::FdSource(int fd) : fd_(fd), state_(new_hash_state()) {
  struct stat s {};
  if (!get_status(fd, s)) throw InputUnreadable(fmt::format("it cannot be read: {}", std::strerror(errno)));
  size_ = static_cast<std::uint64_t>(s.st_size);
  modified_ns_ = modified_ns_of(s);
}

ReadBytes FdSource::at(std::uint64_t offset, std::size_t bytes) {
  if (offset >= size_) return {};
  bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, size_ - offset));
  if (offset < begin_ || offset + bytes > begin_ + filled_) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(bytes, kReadBuffer), size_ - offset));
    buffer_.resize(std::max(buffer_.size(), want));
    begin_ = offset;
    filled_ = read_fully(fd_, offset, {buffer_.data(), want});
    if (filled_ < want) throw InputChanged("it became shorter while it was read");
    if (begin_ <= hashed_ && hashed_ < begin_ + filled_) {
      const auto known = static_cast<std::size_t>(hashed_ - begin_);
      XXH3_128bits_update(state_.get(), buffer_.data() + known, filled_ - known);
      hashed_ = begin_ + filled_;
    }
  }
  return {buffer_.data() + (offset - begin_), bytes};
}

Hash128 FdSource::hash_all() {
  while (hashed_ < size_) at(hashed_, kReadBuffer);
  return canonical(XXH3_128bits_digest(state_.get()));
}

std::uint64_t FdSource::state() const {
  const std::array<std::uint64_t, 2> parts{size_, static_cast<std::uint64_t>(modified_ns_)};
  return XXH3_64bits(parts.data(), sizeof parts);
}

void FdSource::check_unchanged() const {
  struct stat s {};
  if (!get_status(fd_, s) || static_cast<std::uint64_t>(s.st_size) != size_ || modified_ns_of(s) != modified_ns_)
    throw InputChanged("it changed while it was read");
}

FdSink::FdSink(int fd) : fd_(fd), state_(new_hash_state()) { buffer_.reserve(kWriteBuffer); }

void FdSink::write_fully(std::uint64_t offset, ReadBytes bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw OutputError(fmt::format("the output cannot be written: {}", std::strerror(errno)));
    done += static_cast<std::size_t>(n);
  }
}

void FdSink::flush() {
  write_fully(flushed_, buffer_);
  flushed_ += buffer_.size();
  buffer_.clear();
}

void FdSink::write_at(std::uint64_t offset, ReadBytes bytes) {
  if (offset != flushed_ + buffer_.size()) {
    flush();
    ascending_ = false;
    write_fully(offset, bytes);
    flushed_ = std::max(flushed_, offset + bytes.size());
    end_ = std::max(end_, flushed_);
    return;
  }
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
  if (buffer_.size() + bytes.size() > kWriteBuffer) flush();
  if (bytes.size() > kWriteBuffer) {
    write_fully(flushed_, bytes);
    flushed_ += bytes.size();
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  end_ = std::max(end_, offset + bytes.size());
}

void FdSink::finish() {
  flush();
  hash_ = ascending_ ? canonical(XXH3_128bits_digest(state_.get())) : FdSource(fd_).hash_all();
}

void FdSink::sync() const {
  while (fsync(fd_) != 0)
    if (errno != EINTR) throw OutputError(fmt::format("the output cannot be synced: {}", std::strerror(errno)));
}

void PixelHasher::add(const View& band) {
  while (states_.size() < static_cast<std::size_t>(band.format.planes())) states_.push_back(new_hash_state());
  for (int p = 0; p < band.format.planes(); ++p) {
    const auto& plane = band.plane(p);
    const auto bytes = static_cast<std::size_t>(plane.width) * static_cast<std::size_t>(band.format.pixel_bytes());
    for (std::int32_t y = 0; y < plane.height; ++y)
      XXH3_128bits_update(states_[static_cast<std::size_t>(p)].get(), plane.data + y * plane.stride, bytes);
  }
}

Hash128 PixelHasher::finish() const {
  if (states_.size() == 1) return canonical(XXH3_128bits_digest(states_[0].get()));
  const HashState all = new_hash_state();
  for (const HashState& state : states_) {
    const Hash128 plane = canonical(XXH3_128bits_digest(state.get()));
    XXH3_128bits_update(all.get(), plane.data(), plane.size());
  }
  return canonical(XXH3_128bits_digest(all.get()));
}

std::string to_hex(const Hash128& hash) {
  std::string text;
  for (const std::byte b : hash) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

}  // namespace tessera::pipeline
