/// topologies/schema.json and topologies/README.md say what the reader does: the same keys, the same limits.
#include <optional>

#include "tests/support/catch.hpp"
#include "tests/support/topology_text.hpp"
#include "topologies/shapes/registry.hpp"

namespace taskgraph::config {
namespace {

using test::seen;
using test::topology_text;

std::optional<JsonValue> child(JsonValue value, std::string_view name) {
  for (const JsonMember& member : value.members()) {
    if (member.name == name) return member.value;
  }
  return std::nullopt;
}

JsonValue must(std::optional<JsonValue> value) {
  if (!value) throw std::runtime_error("schema.json has no such value");
  return *value;
}

/// schema.json, kept while its values are looked at.
class Schema {
 public:
  Schema()
      : source_("schema.json", test::file_text(test::source_folder() / "topologies/schema.json")),
        errors_(source_),
        document_(JsonDocument::parse(errors_)) {
    if (!document_) throw std::runtime_error(to_text(errors_.take_errors().front()));
  }
  JsonValue root() const { return document_->root(); }
  JsonValue section(std::string_view name) const { return must(child(must(child(root(), "properties")), name)); }
  JsonValue definition(std::string_view name) const { return must(child(must(child(root(), "$defs")), name)); }

 private:
  SourceText source_;
  Diagnostics errors_;
  std::optional<JsonDocument> document_;
};

std::set<std::string> property_names(JsonValue schema) {
  std::set<std::string> out;
  for (const JsonMember& member : must(child(schema, "properties")).members()) out.insert(std::string(member.name));
  return out;
}

/// The keys that the reader names when it meets one that it does not know.
std::set<std::string> keys_of_reader(const std::string& text) {
  const std::string message = seen(text);
  const std::size_t begin = message.find("(keys: ");
  if (begin == std::string::npos) throw std::runtime_error(message);
  std::istringstream words(message.substr(begin + 7, message.find(')', begin) - begin - 7));
  std::set<std::string> out;
  for (std::string word; words >> word;) out.insert(word);
  return out;
}

std::string in_section(const std::string& section, const std::string& members) {
  if (section == "plugin")
    return R"({"version": 1, "job": "j", "tasks": {"count": 4}, "plugin": {"path": "p")" + members + "}}";
  if (section == "tasks")
    return R"({"version": 1, "job": "j", "plugin": {"path": "p"}, "tasks": {"count": 4)" + members + "}}";
  return topology_text(", \"" + section + "\": {\"x-\": 0" + members + "}");
}

const std::vector<std::string> kSections{"plugin", "tasks", "coordinator", "failure", "restart", "limits", "placement"};

TEST_CASE("schema.json knows the reader's keys", "[config][topology]") {
  const Schema schema;
  auto known = keys_of_reader(topology_text(", \"?\": 0"));
  CHECK(known.erase("checkpoint") == 1);  // of the format, but not of this version
  CHECK(property_names(schema.root()) == known);
  for (const std::string& section : kSections) {
    CAPTURE(section);
    CHECK(property_names(schema.section(section)) == keys_of_reader(in_section(section, ", \"?\": 0")));
  }
}

TEST_CASE("schema.json knows the shapes and their parameters", "[config][topology]") {
  const Schema schema;
  std::set<std::string> described;
  for (const JsonValue link : must(child(schema.definition("link"), "oneOf")).elements()) {
    const JsonValue properties = must(child(link, "properties"));
    const std::string name(must(child(must(child(properties, "shape")), "const")).text());
    described.insert(name);
    const topologies::ShapeInfo* shape = topologies::find_shape(name);
    REQUIRE(shape != nullptr);
    CAPTURE(name);
    CHECK(property_names(link) ==
          keys_of_reader(topology_text(", \"links\": {\"a\": {\"shape\": \"" + name + "\", \"?\": 0}}")));
    for (const topologies::Parameter& parameter : shape->parameters) {
      const JsonValue property = must(child(properties, parameter.name));
      const auto default_value = child(property, "default");
      CHECK(default_value.has_value() == parameter.default_value.has_value());
      if (default_value) CHECK(default_value->integer() == parameter.default_value);
      if (parameter.kind == topologies::Parameter::Kind::task_id) continue;
      CHECK(must(child(property, "minimum")).integer() == parameter.min);
      CHECK(must(child(property, "maximum")).integer() == parameter.max);
    }
    std::vector<std::string_view> roles;
    if (const auto role = child(properties, "role")) {
      for (const JsonValue word : must(child(*role, "enum")).elements()) roles.push_back(word.text());
    }
    CHECK(roles == shape->roles);
  }
  std::set<std::string> available;
  for (const topologies::ShapeInfo& shape : topologies::shapes()) {
    if (shape.available) available.insert(std::string(shape.name));
  }
  CHECK(described == available);
}

TEST_CASE("schema.json's ranges of numbers are the reader's", "[config][topology]") {
  const Schema schema;
  int checked = 0;
  for (const std::string& section : kSections) {
    for (const JsonMember& member : must(child(schema.section(section), "properties")).members()) {
      const auto min = child(member.value, "minimum");
      const auto max = child(member.value, "maximum");
      if (!min || !max || member.name == "count") continue;
      const auto with = [&](std::int64_t value) {
        return seen(in_section(section, ", \"" + std::string(member.name) + "\": " + std::to_string(value)));
      };
      CAPTURE(section, std::string(member.name));
      CHECK(with(*min->integer()) == "ok");
      CHECK(with(*max->integer()) == "ok");
      CHECK(with(*min->integer() - 1) != "ok");
      CHECK(with(*max->integer() + 1) != "ok");
      ++checked;
    }
  }
  CHECK(checked == 7);
}

TEST_CASE("schema.json's defaults are the reader's", "[config][topology]") {
  const Schema schema;
  std::map<std::string, std::string> effective;
  for (const ConfigValue& value : test::good(topology_text()).values) {
    if (value.origin == "default") effective[value.name] = value.value;
  }
  std::size_t found = 0;
  for (const std::string& section : kSections) {
    for (const JsonMember& member : must(child(schema.section(section), "properties")).members()) {
      const auto default_value = child(member.value, "default");
      if (!default_value) continue;
      const std::string name = section + "." + std::string(member.name);
      CAPTURE(name);
      const std::string text = default_value->is(JsonKind::object) ? "{}" : std::string(default_value->text());
      CHECK(effective[name] == text);
      ++found;
    }
  }
  CHECK(found == effective.size());
}

TEST_CASE("README.md names every key, shape and role", "[config][topology]") {
  const std::string readme = test::file_text(test::source_folder() / "topologies/README.md");
  const auto has = [&](const std::string& word) { return readme.find("`" + word + "`") != std::string::npos; };
  for (const std::string& section : kSections) {
    for (const std::string& key : keys_of_reader(in_section(section, ", \"?\": 0"))) {
      CAPTURE(section, key);
      CHECK(has(section + "." + key));
    }
  }
  for (const topologies::ShapeInfo& shape : topologies::shapes()) {
    CHECK(has(std::string(shape.name)));
    for (const auto& parameter : shape.parameters) CHECK(has(std::string(parameter.name)));
    for (const auto& role : shape.roles) CHECK(has(std::string(role)));
  }
}

TEST_CASE("the example of README.md is right", "[config][topology]") {
  const std::string readme = test::file_text(test::source_folder() / "topologies/README.md");
  const std::size_t begin = readme.find("```json\n") + 8;
  REQUIRE(begin > 8);
  CHECK(seen(readme.substr(begin, readme.find("```", begin) - begin)) == "ok");
}

}  // namespace
}  // namespace taskgraph::config
