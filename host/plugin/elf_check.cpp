#include "host/plugin/elf_check.hpp"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace taskgraph::plugin {
namespace {

// What this host itself is.
static_assert(sizeof(void*) == 8, "TaskGraph hosts are 64-bit");
constexpr unsigned char kData = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr std::uint16_t kMachine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr std::uint16_t kMachine = EM_PPC64;
#elif defined(__s390x__)
constexpr std::uint16_t kMachine = EM_S390;
#elif defined(__loongarch64)
constexpr std::uint16_t kMachine = 258;  // EM_LOONGARCH, unknown to older C libraries
#else
#error "name this machine's ELF number here"
#endif

constexpr std::size_t kStringTableBytesMax = std::size_t{16} << 20U;
constexpr std::uint64_t kSymbolsMax = 1'000'000;

std::string machine_name(std::uint16_t machine) {
  constexpr std::pair<std::uint16_t, std::string_view> kNames[] = {
      {EM_X86_64, "x86-64"}, {EM_AARCH64, "AArch64"},  {EM_386, "i386"},      {EM_ARM, "ARM"},
      {EM_RISCV, "RISC-V"},  {EM_PPC64, "PowerPC64"},  {EM_PPC, "PowerPC"},   {EM_S390, "S/390"},
      {EM_MIPS, "MIPS"},     {EM_SPARCV9, "SPARC V9"}, {EM_IA_64, "Itanium"}, {258, "LoongArch"},
  };
  for (const auto& [number, name] : kNames) {
    if (number == machine) return std::string(name);
  }
  return fmt::format("ELF machine {}", machine);
}

std::string type_name(std::uint16_t type) {
  switch (type) {
    case ET_NONE:
      return "an ELF file of no type";
    case ET_REL:
      return "an object file (.o)";
    case ET_EXEC:
      return "an executable";
    case ET_CORE:
      return "a core dump";
    default:
      return fmt::format("an ELF file of type {}", type);
  }
}

std::string_view class_name(unsigned char file_class) {
  return file_class == ELFCLASS32 ? "32-bit" : file_class == ELFCLASS64 ? "64-bit" : "an unknown word size";
}

std::string_view endian_name(unsigned char data) {
  return data == ELFDATA2LSB ? "little-endian" : data == ELFDATA2MSB ? "big-endian" : "an unknown byte order";
}

/// One check of one file; its size is that of the start of the check.
class Reader {
 public:
  Reader(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  std::uint64_t size() const { return size_; }
  /// True when [offset, offset + bytes) lies in the file. No overflow, whatever the file claims.
  bool inside(std::uint64_t offset, std::uint64_t bytes) const { return offset <= size_ && bytes <= size_ - offset; }

  /// False when the bytes are not all there (also: the file shrank meanwhile, or the disk fails).
  bool read(std::uint64_t offset, void* out, std::size_t bytes) const {
    if (!inside(offset, bytes)) return false;
    char* at = static_cast<char*>(out);
    while (bytes > 0) {
      const ssize_t got = ::pread(fd_, at, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += got;
      offset += static_cast<std::uint64_t>(got);
      bytes -= static_cast<std::size_t>(got);
    }
    return true;
  }

  template <typename T>
  bool read(std::uint64_t offset, T& out) const {
    return read(offset, &out, sizeof(T));
  }

 private:
  int fd_;
  std::uint64_t size_;
};

std::string truncated(std::string_view what, std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  const std::uint64_t end = bytes <= UINT64_MAX - offset ? offset + bytes : UINT64_MAX;
  return fmt::format("truncated: its {} at byte {}, the file ends at byte {}; copy or build it again", what, end, size);
}

std::string damaged(std::string_view what) {
  return fmt::format("damaged: {}; copy or build it again", what);
}

/// The identification, which has the same place for every machine.
std::optional<std::string> check_identification(const Reader& file) {
  std::array<unsigned char, EI_NIDENT> id{};
  const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), id.size()));
  if (!file.read(0, id.data(), there)) return "cannot be read to its end; check the disk";
  if (there < SELFMAG || std::memcmp(id.data(), ELFMAG, SELFMAG) != 0) {
    std::string begin;
    for (std::size_t i = 0; i < std::min<std::size_t>(there, SELFMAG); ++i) begin += fmt::format(" {:02x}", id[i]);
    return fmt::format("no ELF file: begins with{}, a shared library with 7f 45 4c 46; name the .so file itself",
                       begin);
  }
  if (there < id.size()) return truncated("ELF header ends", 0, sizeof(Elf64_Ehdr), file.size());
  if (id[EI_CLASS] != ELFCLASS64) {
    return fmt::format("built for {}, this host is 64-bit; build it for {}", class_name(id[EI_CLASS]),
                       machine_name(kMachine));
  }
  if (id[EI_DATA] != kData) {
    return fmt::format("built for {}, this host is {}; build it for {}", endian_name(id[EI_DATA]), endian_name(kData),
                       machine_name(kMachine));
  }
  if (id[EI_VERSION] != EV_CURRENT) return damaged(fmt::format("ELF version {} instead of 1", id[EI_VERSION]));
  return std::nullopt;
}

std::optional<std::string> check_segments(const Reader& file, const Elf64_Ehdr& header) {
  if (header.e_phnum == 0) return damaged("it has no program headers");
  if (header.e_phentsize != sizeof(Elf64_Phdr)) {
    return damaged(fmt::format("program headers of {} bytes instead of {}", header.e_phentsize, sizeof(Elf64_Phdr)));
  }
  // e_phnum has 16 bits: at most 64 Ki headers of 56 bytes.
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  const std::size_t bytes = segments.size() * sizeof(Elf64_Phdr);
  if (!file.inside(header.e_phoff, bytes)) return truncated("program headers end", header.e_phoff, bytes, file.size());
  if (!file.read(header.e_phoff, segments.data(), bytes)) return "cannot be read to its end; check the disk";
  bool loadable = false;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Elf64_Phdr& segment = segments[i];
    if (segment.p_type == PT_NULL) continue;
    if (!file.inside(segment.p_offset, segment.p_filesz)) {
      return truncated(fmt::format("segment {} ends", i), segment.p_offset, segment.p_filesz, file.size());
    }
    if (segment.p_type != PT_LOAD) continue;
    loadable = true;
    if (segment.p_memsz < segment.p_filesz)
      return damaged(fmt::format("segment {} is larger in the file than in memory", i));
  }
  if (!loadable) return damaged("no segment of it is loaded");
  return std::nullopt;
}

/// Section headers are no concern of the loader, but stand at the end of the file: they show a cut that no segment
/// shows.
std::optional<std::string> check_sections(const Reader& file, const Elf64_Ehdr& header) {
  if (header.e_shoff == 0) return std::nullopt;
  if (header.e_shnum != 0 && header.e_shentsize != sizeof(Elf64_Shdr)) {
    return damaged(fmt::format("section headers of {} bytes instead of {}", header.e_shentsize, sizeof(Elf64_Shdr)));
  }
  const std::uint64_t bytes = std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr);
  if (!file.inside(header.e_shoff, bytes)) return truncated("section headers end", header.e_shoff, bytes, file.size());
  return std::nullopt;
}

/// Compares names with `symbol` in the strings of one table.
bool names(const std::vector<char>& strings, std::uint64_t at, std::string_view symbol) {
  return at < strings.size() && strings.size() - at > symbol.size() &&
         std::memcmp(strings.data() + at, symbol.data(), symbol.size()) == 0 && strings[at + symbol.size()] == '\0';
}

Exported find_in(const Reader& file, const Elf64_Shdr& table, const Elf64_Shdr& string_table, std::string_view symbol) {
  const std::uint64_t count = table.sh_size / sizeof(Elf64_Sym);
  if (table.sh_entsize != sizeof(Elf64_Sym) || count > kSymbolsMax) return Exported::unknown;
  if (string_table.sh_type != SHT_STRTAB || string_table.sh_size > kStringTableBytesMax) return Exported::unknown;
  if (!file.inside(table.sh_offset, table.sh_size)) return Exported::unknown;
  if (!file.inside(string_table.sh_offset, string_table.sh_size)) return Exported::unknown;
  std::vector<char> strings(static_cast<std::size_t>(string_table.sh_size));
  if (!file.read(string_table.sh_offset, strings.data(), strings.size())) return Exported::unknown;
  std::vector<Elf64_Sym> chunk(1'024);
  for (std::uint64_t done = 0; done < count;) {
    const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(count - done, chunk.size()));
    if (!file.read(table.sh_offset + done * sizeof(Elf64_Sym), chunk.data(), some * sizeof(Elf64_Sym)))
      return Exported::unknown;
    for (std::size_t i = 0; i < some; ++i) {
      const bool defined = chunk[i].st_shndx != SHN_UNDEF && ELF64_ST_BIND(chunk[i].st_info) != STB_LOCAL;
      if (defined && names(strings, chunk[i].st_name, symbol)) return Exported::yes;
    }
    done += some;
  }
  return Exported::no;
}

Exported find_symbol(const Reader& file, const Elf64_Ehdr& header, std::string_view symbol) {
  if (header.e_shoff == 0 || header.e_shnum == 0) return Exported::unknown;
  std::vector<Elf64_Shdr> sections(header.e_shnum);  // 16 bits: at most 64 Ki of 64 bytes
  if (!file.read(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr))) return Exported::unknown;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_DYNSYM) continue;
    if (section.sh_link >= sections.size()) return Exported::unknown;
    return find_in(file, section, sections[section.sh_link], symbol);
  }
  return Exported::unknown;
}

}  // namespace

ElfReport check_elf(int fd, const char* symbol) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return {fmt::format("cannot be read: {}", std::strerror(errno)), Exported::unknown};
  const Reader file(fd, static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0)));
  if (file.size() == 0) return {"the file is empty; copy or build it again", Exported::unknown};
  if (auto defect = check_identification(file)) return {std::move(defect), Exported::unknown};
  Elf64_Ehdr header{};
  if (!file.read(0, header)) return {truncated("ELF header ends", 0, sizeof(header), file.size()), Exported::unknown};
  if (header.e_machine != kMachine) {
    return {fmt::format("built for {}, this host is {}; build it for {}", machine_name(header.e_machine),
                        machine_name(kMachine), machine_name(kMachine)),
            Exported::unknown};
  }
  if (header.e_type != ET_DYN) {
    return {fmt::format("{}, not a shared library; link it with -shared (taskgraph_add_plugin does)",
                        type_name(header.e_type)),
            Exported::unknown};
  }
  if (auto defect = check_segments(file, header)) return {std::move(defect), Exported::unknown};
  if (auto defect = check_sections(file, header)) return {std::move(defect), Exported::unknown};
  return {std::nullopt, find_symbol(file, header, symbol)};
}

}  // namespace taskgraph::plugin
