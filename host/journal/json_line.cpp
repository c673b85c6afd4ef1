#include "host/journal/json_line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "host/config/json_library.hpp"
#include "host/config/words.hpp"

namespace taskgraph::journal {
namespace {

std::string valid_utf8(std::string_view text) {
  std::string valid;
  for (std::size_t at = 0; at < text.size() && valid.size() < kTextBytesMax;) {
    const std::size_t size = config::utf8_sequence(text.substr(at));
    if (size == 0) {
      valid += "\xef\xbf\xbd";
    } else {
      valid.append(text.substr(at, size));
    }
    at += std::max<std::size_t>(size, 1);
  }
  return valid;
}

}  // namespace

std::string uuid_text(std::uint64_t high, std::uint64_t low) {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48,
                     low & 0xffff'ffff'ffff);
}

std::string wall_time_text(std::int64_t unix_ns) {
  const std::time_t seconds = unix_ns / 1'000'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds), unix_ns % 1'000'000'000 / 1'000);
}

struct JsonLine::Parts {
  rapidjson::StringBuffer text;
  rapidjson::Writer<rapidjson::StringBuffer> writer{text};

  void string(std::string_view value) { writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size())); }
};

JsonLine::JsonLine() : parts_(std::make_unique<Parts>()) {
  parts_->writer.StartObject();
}
JsonLine::~JsonLine() = default;

JsonLine& JsonLine::add(std::string_view key, std::string_view text) {
  parts_->string(key);
  parts_->string(valid_utf8(text));
  return *this;
}
JsonLine& JsonLine::add(std::string_view key, std::uint64_t number) {
  parts_->string(key);
  parts_->writer.Uint64(number);
  return *this;
}
JsonLine& JsonLine::add_signed(std::string_view key, std::int64_t number) {
  parts_->string(key);
  parts_->writer.Int64(number);
  return *this;
}
JsonLine& JsonLine::add_null(std::string_view key) {
  parts_->string(key);
  parts_->writer.Null();
  return *this;
}
JsonLine& JsonLine::begin(std::string_view key) {
  parts_->string(key);
  parts_->writer.StartObject();
  return *this;
}
JsonLine& JsonLine::end() {
  parts_->writer.EndObject();
  return *this;
}
std::string JsonLine::take() {
  parts_->writer.EndObject();
  return {parts_->text.GetString(), parts_->text.GetSize()};
}

}  // namespace taskgraph::journal
