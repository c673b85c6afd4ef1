#include "host/journal/json_line.hpp"

#include <utility>

#include "host/config/json_library.hpp"
#include "host/config/value_texts.hpp"

namespace taskgraph::journal {
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
  parts_->string(config::valid_utf8(text, kTextBytesMax));
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
