#include "host/config/json_library.hpp"
#include "host/config/result_file.hpp"
#include "host/config/words.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>

namespace taskgraph::config {
namespace {

/// Takes RapidJSON's events and keeps nothing; refuses what the grammar allows and we do not.
class ResultChecker : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ResultChecker> {
 public:
  const char* complaint() const { return complaint_; }

  bool Default() { return depth_ != 0 || refuse("it is no JSON object; give {...}"); }
  bool String(const char* data, rapidjson::SizeType size, bool) { return Default() && check_text({data, size}); }
  bool Key(const char* data, rapidjson::SizeType size, bool) { return check_text({data, size}); }
  bool StartObject() { return deeper(); }
  bool StartArray() { return Default() && deeper(); }
  bool EndObject(rapidjson::SizeType) { return shallower(); }
  bool EndArray(rapidjson::SizeType) { return shallower(); }

 private:
  bool refuse(const char* complaint) {
    complaint_ = complaint;
    return false;
  }
  bool deeper() {
    static_assert(kResultDepthMax == 64);
    return ++depth_ <= kResultDepthMax || refuse("it is nested more than 64 deep");
  }
  bool shallower() {
    --depth_;
    return true;
  }
  /// The library lets a lone low surrogate (\udc00) pass.
  bool check_text(std::string_view text) {
    while (!text.empty()) {
      const std::size_t size = utf8_sequence(text);
      if (size == 0) return refuse("a string has a lone surrogate or is no UTF-8");
      text.remove_prefix(size);
    }
    return true;
  }

  std::size_t depth_ = 0;
  const char* complaint_ = nullptr;
};

}  // namespace

std::optional<std::string> check_result_json(std::string_view text) {
  if (text.size() > kResultBytesMax) {
    return "it has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(kResultBytesMax) +
           " (256 KiB) are kept; write large results to a file of the job's own";
  }
  // The library takes a NUL for the end of its input.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return "NUL byte at byte " + std::to_string(nul);
  }
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  try {
    rapidjson::MemoryStream stream(text.data(), text.size());
    ResultChecker checker;
    rapidjson::Reader reader;
    const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, checker);
    if (!parsed.IsError()) return std::nullopt;
    const char* why = checker.complaint() != nullptr ? checker.complaint() : rapidjson::GetParseError_En(parsed.Code());
    return std::string(why) + " (at byte " + std::to_string(parsed.Offset()) + ")";
  } catch (const JsonLibraryError& error) {
    return std::string("the JSON library gave up on it: ") + error.what();
  }
}

}  // namespace taskgraph::config
