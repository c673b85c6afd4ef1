/// One JSON object on one line.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/config/value_texts.hpp"
#include "host/core/ids.hpp"

namespace taskgraph::journal {

inline constexpr std::uint64_t kFormatVersion = 1;
inline constexpr std::size_t kTextBytesMax = 4'096;  ///< of one value; a longer one is cut

/// Keys in the order of adding.
class JsonLine {
 public:
  JsonLine();
  ~JsonLine();
  JsonLine(const JsonLine&) = delete;
  JsonLine& operator=(const JsonLine&) = delete;

  /// Any bytes: what is no UTF-8 becomes U+FFFD.
  JsonLine& add(std::string_view key, std::string_view text);
  JsonLine& add(std::string_view key, const char* text) { return add(key, std::string_view(text)); }
  JsonLine& add(std::string_view key, std::uint64_t number);
  JsonLine& add_signed(std::string_view key, std::int64_t number);
  JsonLine& add_null(std::string_view key);
  template <typename Tag, typename Rep>
  JsonLine& add(std::string_view key, core::Strong<Tag, Rep> number) {
    return add(key, std::uint64_t{number.value});
  }
  template <typename Tag>
  JsonLine& add(std::string_view key, const core::Uuid<Tag>& uuid) {
    return uuid.is_nil() ? add_null(key) : add(key, config::uuid_text(uuid));
  }
  JsonLine& add(std::string_view key, core::Time at) { return add_signed(key, at.ns); }
  JsonLine& begin(std::string_view key);  ///< an object within
  JsonLine& end();
  std::string take();  ///< the end of the object; once

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace taskgraph::journal
