/// How this folder writes JSON: RapidJSON's writer, and texts of any bytes. Private to the .cpp files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/config/json_library.hpp"
#include "host/config/value_texts.hpp"

namespace taskgraph::control {

/// One JSON text. Keys are literals.
class Json {
 public:
  Json& key(std::string_view name) {
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    return *this;
  }
  /// What is no UTF-8 becomes U+FFFD.
  Json& text(std::string_view bytes) {
    const std::string clean = config::valid_utf8(bytes);
    writer_.String(clean.data(), static_cast<rapidjson::SizeType>(clean.size()));
    return *this;
  }
  Json& number(std::uint64_t value) {
    writer_.Uint64(value);
    return *this;
  }
  Json& signed_number(std::int64_t value) {
    writer_.Int64(value);
    return *this;
  }
  /// A JSON text of its own.
  Json& raw(std::string_view json) {
    writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return *this;
  }
  Json& null() {
    writer_.Null();
    return *this;
  }
  Json& begin_object() {
    writer_.StartObject();
    return *this;
  }
  Json& end_object() {
    writer_.EndObject();
    return *this;
  }
  Json& begin_array() {
    writer_.StartArray();
    return *this;
  }
  Json& end_array() {
    writer_.EndArray();
    return *this;
  }

  /// With a newline behind it.
  std::string take() { return std::string(buffer_.GetString(), buffer_.GetSize()) + '\n'; }

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

}  // namespace taskgraph::control
