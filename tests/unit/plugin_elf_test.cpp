// Step 1 of a plugin's check: the headers of a file are read, and none of them is trusted.
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/elf_check.hpp"
#include "tests/support/catch.hpp"

namespace {

using taskgraph::plugin::check_elf;
using taskgraph::plugin::ElfReport;
using taskgraph::plugin::Exported;

std::string read_plugin(const std::string& name) {
  std::ifstream file(std::string(TASKGRAPH_TEST_PLUGINS) + "/" + name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(bytes.size() > sizeof(Elf64_Ehdr));
  return bytes;
}

/// A file in memory with a descriptor, whose bytes and length the test changes.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("elf", MFD_CLOEXEC)) {
    REQUIRE(fd_ >= 0);
    write(0, bytes);
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }
  void write(std::size_t offset, std::string_view bytes) {
    REQUIRE(::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void resize(std::size_t size) { REQUIRE(::ftruncate(fd_, static_cast<off_t>(size)) == 0); }

 private:
  int fd_;
};

ElfReport check(std::string_view bytes) {
  const MemoryFile file(bytes);
  return check_elf(file.fd(), "taskgraph_plugin");
}

std::string defect(std::string_view bytes) {
  return check(bytes).defect.value_or("(none)");
}

template <typename Header, typename Change>
std::string changed(std::string bytes, std::size_t offset, Change change) {
  Header header;
  std::memcpy(&header, bytes.data() + offset, sizeof(header));
  change(header);
  std::memcpy(bytes.data() + offset, &header, sizeof(header));
  return bytes;
}

template <typename Change>
std::string with_header(const std::string& bytes, Change change) {
  return changed<Elf64_Ehdr>(bytes, 0, change);
}

Elf64_Ehdr header_of(const std::string& bytes) {
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header;
}

/// The rule of the check, written anew: all tables and segments lie inside. Floating point stands for overflow checks:
/// it is exact below the size of any file here, and large above.
bool whole(const std::string& bytes) {
  const Elf64_Ehdr header = header_of(bytes);
  const auto inside = [&](std::uint64_t offset, std::uint64_t count, std::size_t each) {
    const auto end = static_cast<double>(offset) + static_cast<double>(count) * static_cast<double>(each);
    return end <= static_cast<double>(bytes.size());
  };
  if (!inside(header.e_phoff, header.e_phnum, sizeof(Elf64_Phdr))) return false;
  if (header.e_shoff != 0 && !inside(header.e_shoff, header.e_shnum, sizeof(Elf64_Shdr))) return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type != PT_NULL && !inside(segment.p_offset, segment.p_filesz, 1)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a good plugin passes, and its entry is seen without loading it", "[plugin][elf]") {
  const std::string good = read_plugin("minimal.so");
  const MemoryFile file(good);
  CHECK(check_elf(file.fd(), "taskgraph_plugin").defect.value_or("") == "");
  CHECK(check_elf(file.fd(), "taskgraph_plugin").symbol == Exported::yes);
  CHECK(check_elf(file.fd(), "taskgraph_plugi").symbol == Exported::no);
  CHECK(check_elf(file.fd(), "taskgraph_plugins").symbol == Exported::no);
  // The library of no_entry.so exports a longer name only; a symbol that is merely used is not exported either.
  CHECK(check(read_plugin("no_entry.so")).symbol == Exported::no);
  const MemoryFile undefined(read_plugin("undefined_symbol.so"));
  CHECK(check_elf(undefined.fd(), "forgotten_library_function").symbol == Exported::no);
}

TEST_CASE("without section headers only the loader can tell the entry", "[plugin][elf]") {
  const std::string good = read_plugin("minimal.so");
  const ElfReport report = check(with_header(good, [](Elf64_Ehdr& h) { h.e_shoff = 0, h.e_shnum = 0; }));
  CHECK(report.defect.value_or("") == "");
  CHECK(report.symbol == Exported::unknown);
}

TEST_CASE("each thing that an ELF header may say wrongly has its own words", "[plugin][elf]") {
  const std::string good = read_plugin("minimal.so");
  CHECK(defect("") == "the file is empty; copy or build it again");
  CHECK(defect("\x7f"
               "EL") ==
        "no ELF file: begins with 7f 45 4c, a shared library with 7f 45 4c 46; name the .so file itself");
  CHECK(defect(good.substr(0, 10)) ==
        "truncated: its ELF header ends at byte 64, the file ends at byte 10; copy or build it again");
  CHECK(defect(good.substr(0, 63)) ==
        "truncated: its ELF header ends at byte 64, the file ends at byte 63; copy or build it again");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_ident[EI_CLASS] = 7; })).substr(0, 31) ==
        "built for an unknown word size,");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_ident[EI_VERSION] = 9; })) ==
        "damaged: ELF version 9 instead of 1; copy or build it again");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_machine = 4'242; })).substr(0, 27) ==
        "built for ELF machine 4242,");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_type = ET_CORE; })).substr(0, 12) == "a core dump,");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_phnum = 0; })) ==
        "damaged: it has no program headers; copy or build it again");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_phentsize = 55; })) ==
        "damaged: program headers of 55 bytes instead of 56; copy or build it again");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_shentsize = 1; })) ==
        "damaged: section headers of 1 bytes instead of 64; copy or build it again");
}

TEST_CASE("offsets that overflow are outside of the file, not inside", "[plugin][elf]") {
  const std::string good = read_plugin("minimal.so");
  const Elf64_Ehdr header = header_of(good);
  const std::string end = std::to_string(good.size());
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_phoff = UINT64_MAX - 8; })) ==
        "truncated: its program headers end at byte 18446744073709551615, the file ends at byte " + end +
            "; copy or build it again");
  CHECK(defect(with_header(good, [](Elf64_Ehdr& h) { h.e_shoff = UINT64_MAX; })) ==
        "truncated: its section headers end at byte 18446744073709551615, the file ends at byte " + end +
            "; copy or build it again");
  CHECK(defect(changed<Elf64_Phdr>(good, header.e_phoff,
                                   [](Elf64_Phdr& s) { s.p_filesz = UINT64_MAX, s.p_offset = 2; })) ==
        "truncated: its segment 0 ends at byte 18446744073709551615, the file ends at byte " + end +
            "; copy or build it again");
  CHECK(defect(changed<Elf64_Phdr>(good, header.e_phoff, [](Elf64_Phdr& s) { s.p_type = PT_LOAD, s.p_memsz = 0; })) ==
        "damaged: segment 0 is larger in the file than in memory; copy or build it again");
}

TEST_CASE("a plugin cut at any byte is refused", "[plugin][elf]") {
  const std::string good = read_plugin("minimal.so");
  MemoryFile file(good);
  for (std::size_t size = good.size(); size-- > 0;) {
    file.resize(size);
    if (check_elf(file.fd(), "taskgraph_plugin").defect) continue;
    FAIL("cut to " << size << " of " << good.size() << " bytes it passed");
  }
}

TEST_CASE("bytes changed at random are read safely, and what passes is whole", "[plugin][elf]") {
  const std::string good = read_plugin("misbehave.so");
  const Elf64_Ehdr header = header_of(good);
  MemoryFile file(good);
  std::string bytes = good;
  std::vector<std::size_t> changed_at;
  unsigned refused = 0;
  unsigned passed = 0;
  unsigned unknown = 0;
  for (std::uint32_t seed = 0; seed < 20'000; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    // Most changes hit what is read: the header and its two tables.
    const std::size_t bases[] = {0, header.e_phoff, header.e_shoff, random() % good.size()};
    const std::size_t spans[] = {sizeof(Elf64_Ehdr), header.e_phnum * sizeof(Elf64_Phdr),
                                 header.e_shnum * sizeof(Elf64_Shdr), 1};
    changed_at.clear();
    const unsigned changes = 1 + random() % 4;
    for (unsigned i = 0; i < changes; ++i) {
      const std::size_t area = random() % 4;
      const std::size_t at = bases[area] + random() % spans[area];
      constexpr unsigned char kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
      bytes[at] = static_cast<char>(random() % 2 == 0 ? kEdges[random() % 5] : random() % 256);
      file.write(at, {&bytes[at], 1});
      changed_at.push_back(at);
    }
    const ElfReport report = check_elf(file.fd(), "taskgraph_plugin");
    report.defect ? ++refused : ++passed;
    if (!report.defect && report.symbol == Exported::unknown) ++unknown;
    if (!report.defect && !whole(bytes)) FAIL("passed although it is not whole");
    if (report.defect && report.defect->find('\n') != std::string::npos) FAIL("more than one line");
    for (const std::size_t at : changed_at) {
      bytes[at] = good[at];
      file.write(at, {&good[at], 1});
    }
  }
  // Each kind of end was reached, or the seeds have missed their aim.
  CHECK(refused > 2'000);
  CHECK(passed > 2'000);
  CHECK(unknown > 10);
}
