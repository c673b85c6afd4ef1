#include "host/config/json_library.hpp"
//
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "host/config/chaos_option.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

constexpr std::size_t kErrorsMax = 10;
constexpr std::uint64_t kTaskMax = 99'999;
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 53U;

enum Key : std::size_t { kKill, kThrow, kDelay, kDrop, kSigkill, kSigstop, kAtEpoch, kAtEvent, kMs, kKeyCount };
constexpr std::array<std::string_view, kKeyCount> kKeys{"kill",    "throw",    "delay",    "drop", "sigkill",
                                                        "sigstop", "at_epoch", "at_event", "ms"};
constexpr std::size_t kLastFault = kSigstop;
/// Of a fault that hits a whole worker; the task's number follows.
constexpr std::string_view kWorkerOf = "worker of ";

bool hits_worker(std::size_t key) {
  return key == kSigkill || key == kSigstop;
}

/// Reads the file in one pass from RapidJSON's events. What is wrong within an entry is noted and the pass goes on;
/// what is no list of objects ends it.
class ChaosFileReader : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ChaosFileReader> {
 public:
  ChaosFileReader(std::string_view file, std::string_view text)
      : file_(file), text_(text), stream_(text.data(), text.size()) {}

  Result<ChaosOption> run() {
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    rapidjson::Reader reader;
    const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream_, *this);
    if (parsed.IsError() && parsed.Code() != rapidjson::kParseErrorTermination) {
      note(parsed.Offset(), rapidjson::GetParseError_En(parsed.Code()));
    }
    if (!errors_.empty()) return Failure{ExitCode::topology_invalid, errors_};
    ChaosOption option;
    option.plan = core::ChaosPlan::scripted(std::move(faults_));
    option.file = file_;
    option.text = text_;
    option.places = std::move(places_);
    return option;
  }

  // RapidJSON's events; false ends the pass.
  bool Default() { return other_value(); }
  bool Uint(unsigned value) { return number(value); }
  bool Uint64(std::uint64_t value) { return number(value); }
  bool String(const char* data, rapidjson::SizeType size, bool) {
    if (depth_ != 2 || !hits_worker(key_)) return other_value();
    return worker({data, size});
  }
  bool StartArray() {
    if (depth_ != 0) return other_value();
    token();
    ++depth_;
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    token();
    return true;
  }
  bool StartObject() {
    const std::size_t at = token();
    if (depth_ != 1) return stop(at, kShape);
    if (faults_.size() + broken_ >= kChaosFaultsMax) {
      return stop(at, "more than " + std::to_string(kChaosFaultsMax) + " faults");
    }
    ++depth_;
    entry_ = Entry{};
    entry_.at = at;
    return true;
  }
  bool Key(const char* data, rapidjson::SizeType size, bool) {
    const std::size_t at = token();
    const std::string_view key(data, size);
    const auto found = std::find(kKeys.begin(), kKeys.end(), key);
    key_ = static_cast<std::size_t>(found - kKeys.begin());
    if (key_ == kKeyCount)
      return entry_error(at, "unknown key " + quote(key) + did_you_mean(key, kKeys) + known_keys());
    if (entry_.has(key_)) return entry_error(at, "key " + quote(key) + " is given twice");
    entry_.given[key_] = Given{0, at};
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    token();
    --depth_;
    if (!entry_.broken) finish_entry();
    if (entry_.broken) ++broken_;
    return count_ < kErrorsMax;
  }

 private:
  static constexpr const char* kShape = "expected a list of faults: [{\"kill\": TASK, \"at_epoch\": E}, ...]";

  struct Given {
    std::uint64_t value = 0;
    std::size_t at = 0;  ///< offset of the value
  };
  struct Entry {
    std::size_t at = 0;
    std::array<std::optional<Given>, kKeyCount> given;
    bool broken = false;
    bool has(std::size_t key) const { return given[key].has_value(); }
  };

  /// Offset at which the token of this event starts: between two tokens there are only blanks, commas and colons.
  std::size_t token() {
    const std::size_t start = text_.find_first_not_of(" \t\r\n,:", token_end_);
    // A list or an object is told of before its bracket is read.
    token_end_ = std::max(stream_.Tell(), std::min(start, text_.size()) + 1);
    return std::min(start, text_.size());
  }

  void note(std::size_t offset, std::string_view what) {
    std::uint32_t line = 1;
    std::uint32_t column = 1;
    locate(offset, line, column);
    errors_ += (errors_.empty() ? "" : "\n") + file_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
    errors_ += what;
    ++count_;
  }

  /// Offsets come mostly in rising order, so the search goes on from the last one.
  void locate(std::size_t offset, std::uint32_t& line, std::uint32_t& column) {
    if (offset < located_.offset) located_ = {};
    for (; located_.offset < offset && located_.offset < text_.size(); ++located_.offset) {
      const auto byte = static_cast<unsigned char>(text_[located_.offset]);
      if (byte == '\n') {
        ++located_.line;
        located_.column = 1;
      } else if ((byte & 0xc0U) != 0x80U) {
        ++located_.column;
      }
    }
    line = located_.line;
    column = located_.column;
  }

  bool stop(std::size_t at, std::string_view what) {
    note(at, what);
    return false;
  }

  bool entry_error(std::size_t at, std::string_view what) {
    entry_.broken = true;
    note(at, what);
    return count_ < kErrorsMax;
  }

  static std::string known_keys() {
    std::string text = " (known:";
    for (const std::string_view key : kKeys) text.append(" ").append(key);
    return text + ")";
  }

  bool number(std::uint64_t value) {
    if (depth_ != 2) return other_value();
    const std::size_t at = token();
    if (key_ == kKeyCount) return true;
    if (hits_worker(key_)) return entry_error(at, worker_form());
    const std::uint64_t low = key_ == kAtEvent || key_ == kMs ? 1 : 0;
    const std::uint64_t high = key_ <= kDrop ? kTaskMax : (key_ == kMs ? kChaosDelayMsMax : kNumberMax);
    if (value < low || value > high) {
      const char* why = key_ == kAtEvent && value == 0 ? " (a task's events count from 1)" : "";
      return entry_error(
          at, quote(kKeys[key_]) + " must be from " + std::to_string(low) + " to " + std::to_string(high) + why);
    }
    entry_.given[key_] = Given{value, at};
    return true;
  }

  std::string worker_form() const {
    return quote(kKeys[key_]) +
           " must be \"worker of TASK\", as in \"worker of 3\": it hits the whole worker process that runs the task";
  }

  /// "worker of 3".
  bool worker(std::string_view value) {
    const std::size_t at = token();
    std::uint64_t task = 0;
    const std::string_view digits = value.starts_with(kWorkerOf) ? value.substr(kWorkerOf.size()) : std::string_view();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), task);
    if (digits.empty() || error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
      return entry_error(at, worker_form());
    }
    if (error != std::errc() || task > kTaskMax) {
      return entry_error(at, quote(kKeys[key_]) + " must name a task from 0 to " + std::to_string(kTaskMax));
    }
    entry_.given[key_] = Given{task, at};
    return true;
  }

  bool other_value() {
    const std::size_t at = token();
    if (depth_ != 2) return stop(at, kShape);
    entry_.broken = true;
    const std::string key = key_ == kKeyCount ? "the value" : quote(kKeys[key_]);
    note(at, hits_worker(key_) ? worker_form() : key + " must be a whole number that is not negative");
    // A list or an object in place of a number: what follows in it would be taken for the entry's.
    return text_[std::min(at, text_.size() - 1)] != '[' && count_ < kErrorsMax;
  }

  void finish_entry() {
    std::size_t kinds = 0;
    std::size_t kind = kKill;
    for (std::size_t i = kKill; i <= kLastFault; ++i) {
      if (!entry_.has(i)) continue;
      ++kinds;
      kind = i;
    }
    const bool at_epoch = entry_.has(kAtEpoch);
    if (kinds != 1) {
      entry_error(entry_.at,
                  "a fault needs exactly one of \"kill\", \"throw\", \"delay\", \"drop\", \"sigkill\", \"sigstop\"");
    } else if (at_epoch == entry_.has(kAtEvent)) {
      entry_error(entry_.at, "a fault needs either \"at_epoch\" or \"at_event\"");
    } else if (at_epoch && (kind == kDelay || kind == kDrop)) {
      entry_error(entry_.given[kAtEpoch]->at, quote(kKeys[kind]) + " needs \"at_event\": an epoch is no message");
    } else if ((kind == kDelay) != entry_.has(kMs)) {
      const std::size_t at = entry_.has(kMs) ? entry_.given[kMs]->at : entry_.at;
      entry_error(at, kind == kDelay ? "\"delay\" needs \"ms\": how long" : "\"ms\" belongs to \"delay\" only");
    } else {
      const auto task = core::TaskId{static_cast<std::uint32_t>(entry_.given[kind]->value)};
      core::Fault fault{static_cast<core::FaultKind>(kind), {}};
      if (kind == kDelay) fault.delay = core::milliseconds(static_cast<std::int64_t>(entry_.given[kMs]->value));
      using When = core::ScriptedFault::When;
      faults_.push_back(
          {task, fault, at_epoch ? When::epoch : When::event, entry_.given[at_epoch ? kAtEpoch : kAtEvent]->value});
      ChaosTaskPlace place{task, 1, 1, hits_worker(kind)};
      locate(entry_.given[kind]->at, place.line, place.column);
      places_.push_back(place);
    }
  }
  // The kinds of a file stand in the order of the core's.
  static_assert(static_cast<std::size_t>(core::FaultKind::kill) == kKill);
  static_assert(static_cast<std::size_t>(core::FaultKind::throw_in_hook) == kThrow);
  static_assert(static_cast<std::size_t>(core::FaultKind::delay) == kDelay);
  static_assert(static_cast<std::size_t>(core::FaultKind::drop) == kDrop);
  static_assert(static_cast<std::size_t>(core::FaultKind::kill_worker) == kSigkill);
  static_assert(static_cast<std::size_t>(core::FaultKind::stop_worker) == kSigstop);

  struct Located {
    std::size_t offset = 0;
    std::uint32_t line = 1;
    std::uint32_t column = 1;
  };

  std::string file_;
  std::string_view text_;
  rapidjson::MemoryStream stream_;
  std::size_t token_end_ = 0;
  Located located_;
  int depth_ = 0;  ///< 1 in the list, 2 in an entry
  std::size_t key_ = kKeyCount;
  Entry entry_;
  std::size_t broken_ = 0;
  std::string errors_;
  std::size_t count_ = 0;
  std::vector<core::ScriptedFault> faults_;
  std::vector<ChaosTaskPlace> places_;
};

}  // namespace

Result<ChaosOption> parse_chaos_file(std::string_view file, std::string_view text) {
  const auto invalid = [&](const std::string& what) {
    return Failure{ExitCode::topology_invalid, std::string(file) + ":1:1: " + what};
  };
  if (text.size() > kChaosFileBytesMax) return invalid("larger than 1 MiB, which is the most for a file of --chaos");
  if (text.find('\0') != std::string_view::npos) return invalid("has a NUL byte: this is no JSON text");
  try {
    return ChaosFileReader(file, text).run();
  } catch (const JsonLibraryError& error) {
    return invalid(std::string("the JSON library gave up on it: ") + error.what());
  }
}

}  // namespace taskgraph::config
