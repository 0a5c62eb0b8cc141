// Stages and formats with parameters of every type and no pixels, so that recipes can be tested by themselves.
#pragma once

#include <stdexcept>

#include "pipeline/vocabulary.h"

namespace tessera::pipeline {

class IdleStage final : public stages::Stage {
 public:
  stages::PixelFormat working_format(stages::PixelFormat in) const override { return in; }
  std::optional<stages::ImageInfo> output(const stages::ImageInfo& in) const override { return in; }
  std::unique_ptr<const stages::Operation> bind(const stages::ImageInfo&, const stages::BindContext&) const override {
    throw std::logic_error("no test binds this stage");
  }
};

/// A name, extensions and options; no pixels.
class NamedCodec final : public stages::Codec {
 public:
  NamedCodec(std::string_view name, std::vector<std::string_view> extensions, std::vector<stages::Parameter> options)
      : name_(name), extensions_(std::move(extensions)), options_(std::move(options)) {}
  std::string_view name() const override { return name_; }
  std::vector<std::string_view> extensions() const override { return extensions_; }
  bool recognises(stages::ReadBytes) const override { return false; }
  stages::Header probe(stages::ByteSource&) const override { throw unused(); }
  stages::Traits decode_traits(const stages::Header&, const stages::DecodeRequest&) const override { throw unused(); }
  std::unique_ptr<stages::Decoder> decode(stages::ByteSource&, const stages::DecodeRequest&) const override {
    throw unused();
  }
  const std::vector<stages::Parameter>& encode_parameters() const override { return options_; }
  stages::PixelFormat storable(stages::PixelFormat format) const override { return format; }
  stages::Traits encode_traits(const stages::ImageInfo&, const stages::Values&) const override { throw unused(); }
  std::unique_ptr<stages::Encoder> encode(stages::ByteSink&, const stages::ImageInfo&, const stages::Metadata&,
                                          const stages::Values&) const override {
    throw unused();
  }

 private:
  static std::logic_error unused() { return std::logic_error("no test reads or writes this format"); }
  std::string_view name_;
  std::vector<std::string_view> extensions_;
  std::vector<stages::Parameter> options_;
};

inline std::unique_ptr<const stages::Stage> make_idle(const stages::Values&) { return std::make_unique<IdleStage>(); }
inline std::unique_ptr<const stages::Stage> make_window(const stages::Values& values) {
  if (values.number("low") >= values.number("high")) throw std::invalid_argument("window: low must be below high");
  return std::make_unique<IdleStage>();
}

inline const Vocabulary& test_vocabulary() {
  using Type = stages::ParameterType;
  constexpr auto kExact = stages::Exactness::any_tiling;
  static const std::vector<stages::StageEntry> entries{
      {"resize",
       "geometry",
       "Changes the size.",
       "resize 1600x1600> filter=lanczos3",
       kExact,
       {{"size", Type::text, "the new size", "", true},
        {"filter", Type::choice, "the kernel", "lanczos3", false, {}, {}, {}, {"lanczos3", "catrom", "box"}},
        {"linear", Type::boolean, "in linear light", "false"}},
       &make_idle},
      {"sharpen",
       "detail",
       "Sharpens.",
       "sharpen 0.5",
       kExact,
       {{"amount", Type::number, "how much", "1", false, {}, 0, 10},
        {"radius", Type::integer, "how wide", "", false, "px", 1, 50},
        {"tint", Type::color, "with a colour", ""}},
       &make_idle},
      {"label",
       "detail",
       "Writes a text.",
       "label 'a b'",
       kExact,
       {{"text", Type::text, "what to write", "", true}, {"font", Type::text, "in which font", "sans"}},
       &make_idle},
      {"window",
       "tone",
       "Stretches.",
       "window 0.1 high=0.9",
       kExact,
       {{"low", Type::number, "to black", "0", false, {}, 0, 1},
        {"high", Type::number, "to white", "1", false, {}, 0, 1}},
       &make_window},
      {"flop", "geometry", "Mirrors.", "flop", kExact, {}, &make_idle},
  };
  static const NamedCodec jpeg("jpeg", {"jpg", "jpeg", "jpe"},
                               {{"quality", Type::integer, "how good", "85", false, {}, 1, 100},
                                {"progressive", Type::boolean, "in scans", "false"},
                                {"chroma", Type::choice, "subsampling", "", false, {}, {}, {}, {"444", "420"}}});
  static const NamedCodec png("png", {"png"}, {{"compression", Type::integer, "how hard", "6", false, {}, 0, 9}});
  static const NamedCodec webp(
      "webp", {"webp"},
      {{"quality", Type::number, "how good", "75", false, {}, 0, 100}, {"lossless", Type::boolean, "exact", "false"}});
  static const std::vector<const stages::Codec*> codecs{&jpeg, &png, &webp};
  static const Vocabulary vocabulary{entries, codecs};
  return vocabulary;
}

}  // namespace tessera::pipeline
