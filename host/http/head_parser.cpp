#include "host/http/head_parser.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>

#include "host/core/assert.hpp"

namespace taskgraph::http {
namespace {

namespace beast = boost::beast::http;
using boost::beast::string_view;
using ErrorCode = boost::beast::error_code;

// Fields that mean something here: twice, each reader would choose for itself which one counts.
enum class Singleton : std::uint8_t {
  host,
  content_length,
  transfer_encoding,
  authorization,
  content_type,
  content_encoding,
  range,
  if_range,
  idempotency_key,
  expect
};

std::optional<Singleton> singleton_of(beast::field field, std::string_view name) {
  switch (field) {
    case beast::field::host:
      return Singleton::host;
    case beast::field::content_length:
      return Singleton::content_length;
    case beast::field::transfer_encoding:
      return Singleton::transfer_encoding;
    case beast::field::authorization:
      return Singleton::authorization;
    case beast::field::content_type:
      return Singleton::content_type;
    case beast::field::content_encoding:
      return Singleton::content_encoding;
    case beast::field::range:
      return Singleton::range;
    case beast::field::if_range:
      return Singleton::if_range;
    case beast::field::expect:
      return Singleton::expect;
    case beast::field::unknown:  // Beast knows no Idempotency-Key
      if (equal_ignoring_case(name, "idempotency-key")) return Singleton::idempotency_key;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string_view to_std(string_view text) {
  return {text.data(), text.size()};
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter_or_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_digit);
}

/// RFC 3986, 3.3: what stands in a path unescaped, "/" included.
constexpr std::array<bool, 128> kPathCharacters = [] {
  std::array<bool, 128> allowed{};
  for (std::size_t c = '0'; c <= '9'; ++c) allowed[c] = true;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) allowed[c] = allowed[c + 'a' - 'A'] = true;
  for (const char c : std::string_view("-._~!$&'()*+,;=:@/")) allowed[static_cast<std::size_t>(c)] = true;
  return allowed;
}();

/// Of a path, or of a query when `question` marks are allowed.
bool is_uri_part(std::string_view text, bool question) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= kPathCharacters.size()) return false;
    if (kPathCharacters[c] || (c == '?' && question)) continue;
    if (c != '%' || text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
    i += 2;
  }
  return true;
}

/// RFC 3986, 3.2: a name or an address, and perhaps a port; no user.
bool is_host(std::string_view text) {
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    const std::string_view address = text.substr(1, end++ - 1);
    if (!std::all_of(address.begin(), address.end(), [](char c) { return is_hex(c) || c == ':' || c == '.'; }))
      return false;
  } else {
    while (end < text.size() &&
           (is_letter_or_digit(text[end]) || std::string_view("-._~").find(text[end]) != std::string_view::npos))
      ++end;
    if (end == 0) return false;
  }
  if (end == text.size()) return true;
  const std::string_view port = text.substr(end + 1);
  return text[end] == ':' && !port.empty() && port.size() <= 5 && all_digits(port);
}

Method method_of(beast::verb verb) {
  switch (verb) {
    case beast::verb::get:
      return Method::get;
    case beast::verb::head:
      return Method::head;
    case beast::verb::post:
      return Method::post;
    case beast::verb::put:
      return Method::put;
    case beast::verb::delete_:
      return Method::del;
    default:
      return Method::other;
  }
}

const char* reason_of(const ErrorCode& error) {
  if (error == beast::error::bad_method) return "the method is not a token";
  if (error == beast::error::bad_target) return "the request line has no target";
  if (error == beast::error::bad_version) return "the request line does not end in a version of HTTP";
  if (error == beast::error::bad_field) return "a field's name is not a token with a colon";
  if (error == beast::error::bad_value) return "a field has a value that is not allowed";
  if (error == beast::error::bad_content_length)
    return "Content-Length is not one number, or stands beside Transfer-Encoding";
  if (error == beast::error::multiple_content_length) return "Content-Length is there twice";
  if (error == beast::error::bad_transfer_encoding) return "Transfer-Encoding is there twice, or beside Content-Length";
  return "the head is malformed";
}

/// The request line ends in a version, whichever.
bool names_a_version(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\r'));
  if (line.size() < 9) return false;
  const std::string_view end = line.substr(line.size() - 9);
  return end.starts_with(" HTTP/") && is_digit(end[6]) && end[7] == '.' && is_digit(end[8]);
}

}  // namespace

class HeadParser::Grammar final : public beast::basic_parser<true> {
 public:
  explicit Grammar(RequestHead& head) : head_(head) { skip(true); }

  std::optional<Rejection> run() {
    const std::string_view text = head_.text_;
    header_limit(static_cast<std::uint32_t>(text.size()) + 1);
    ErrorCode error;
    put(boost::asio::const_buffer(text.data(), text.size()), error);
    if (rejection_) return rejection_;
    if (error == beast::error::bad_version && names_a_version(text)) return kVersion;
    if (error) return Rejection{400, reason_of(error)};
    TG_ASSERT(is_header_done());  // the scanner has seen the empty line
    head_.keep_alive_ = keep_alive();
    return check_together();
  }

 private:
  static constexpr Rejection kVersion{505, "this server speaks HTTP/1.1"};

  RequestHead::Part part(std::string_view text) const {
    const std::ptrdiff_t begin = text.data() - head_.text_.data();
    TG_ASSERT(begin >= 0 && static_cast<std::size_t>(begin) + text.size() <= head_.text_.size());
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(text.size())};
  }

  void refuse(ErrorCode& error, Rejection rejection) {
    rejection_ = rejection;
    error = beast::error::bad_field;
  }

  void on_request_impl(beast::verb verb, string_view, string_view target, int version, ErrorCode& error) override {
    if (version != 11) return refuse(error, kVersion);
    head_.method_ = method_of(verb);
    std::string_view rest = to_std(target);
    constexpr std::string_view kScheme = "http://";
    if (equal_ignoring_case(rest.substr(0, kScheme.size()), kScheme)) {
      rest.remove_prefix(kScheme.size());
      const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
      authority_ = rest.substr(0, end);
      rest.remove_prefix(end);
    }
    if (!rest.starts_with('/')) return refuse(error, {400, "the target is no path"});
    const std::size_t question = std::min(rest.find('?'), rest.size());
    const std::string_view path = rest.substr(0, question);
    const std::string_view query = rest.substr(std::min(question + 1, rest.size()));
    if (!is_uri_part(path, false) || !is_uri_part(query, true)) {
      return refuse(error, {400, "the target has a character that no URI has"});
    }
    head_.path_ = part(path);
    head_.query_ = part(query);
  }

  void on_field_impl(beast::field field, string_view beast_name, string_view beast_value, ErrorCode& error) override {
    const std::string_view name = to_std(beast_name);
    const std::string_view value = to_std(beast_value);
    if (const auto singleton = singleton_of(field, name)) {
      const unsigned bit = 1U << static_cast<unsigned>(*singleton);
      if ((seen_ & bit) != 0) return refuse(error, {400, "a field that means something once is there twice"});
      seen_ |= bit;
      if (const auto rejection = take_singleton(*singleton, value)) return refuse(error, *rejection);
    }
    head_.fields_.push_back({part(name), part(value)});
  }

  std::optional<Rejection> take_singleton(Singleton singleton, std::string_view value) {
    switch (singleton) {
      case Singleton::host:
        if (!is_host(value)) return Rejection{400, "Host is no host"};
        head_.host_ = part(value);
        return std::nullopt;
      case Singleton::content_length:
        return take_content_length(value);
      case Singleton::transfer_encoding:
        return take_transfer_encoding(value);
      case Singleton::expect:
        if (!equal_ignoring_case(value, "100-continue")) return Rejection{417, "Expect is not 100-continue"};
        head_.expects_continue_ = true;
        return std::nullopt;
      case Singleton::content_encoding:
        if (!equal_ignoring_case(value, "identity")) return Rejection{415, "bodies are not decompressed here"};
        return std::nullopt;
      default:
        return std::nullopt;
    }
  }

  std::optional<Rejection> take_content_length(std::string_view value) {
    const char* end = value.data() + value.size();
    const auto [parsed, failed] = std::from_chars(value.data(), end, head_.content_length_);
    const bool leading_zero = value.size() > 1 && value.front() == '0';
    if (value.empty() || !all_digits(value) || leading_zero || failed != std::errc{} || parsed != end) {
      return Rejection{400, "Content-Length is not one number"};
    }
    return std::nullopt;
  }

  std::optional<Rejection> take_transfer_encoding(std::string_view value) {
    if (equal_ignoring_case(value, "chunked")) {
      head_.chunked_ = true;
      return std::nullopt;
    }
    // RFC 9112, 6.1 and 6.3: one that is not understood is told so, but without a last "chunked" nothing has an end.
    const std::size_t comma = value.rfind(',');
    std::string_view last = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
    last.remove_prefix(std::min(last.find_first_not_of(" \t"), last.size()));
    const bool ends = equal_ignoring_case(last, "chunked");
    return Rejection{static_cast<std::uint16_t>(ends ? 501 : 400), "Transfer-Encoding is not chunked"};
  }

  /// What only all of the fields together tell.
  std::optional<Rejection> check_together() const {
    if (head_.host_.size == 0) return Rejection{400, "Host is missing"};
    if (authority_ && !equal_ignoring_case(*authority_, head_.host())) {
      return Rejection{400, "the target names another host than Host"};
    }
    if (head_.chunked_ && (seen_ & 1U << static_cast<unsigned>(Singleton::content_length)) != 0) {
      return Rejection{400, "Content-Length stands beside Transfer-Encoding"};
    }
    if (head_.has_body() && (head_.method_ == Method::get || head_.method_ == Method::head)) {
      return Rejection{400, "GET and HEAD have no body"};
    }
    return std::nullopt;
  }

  // Not reached: responses, bodies (skip) and chunks are none of this parser's business.
  void on_response_impl(int, string_view, int, ErrorCode&) override {}
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(string_view body, ErrorCode&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, ErrorCode&) override { return body.size(); }
  void on_finish_impl(ErrorCode&) override {}

  RequestHead& head_;
  std::optional<std::string_view> authority_;  ///< of a target in absolute form
  std::optional<Rejection> rejection_;
  unsigned seen_ = 0;  ///< a bit for each Singleton
};

std::optional<Rejection> HeadParser::parse(std::string_view text, RequestHead& head) {
  head = RequestHead{};
  head.text_ = text;
  head.fields_.reserve(8);
  return Grammar(head).run();
}

}  // namespace taskgraph::http
