#include "host/process/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace taskgraph::process {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void* mapped(int descriptor, std::size_t size, int protection) {
  void* address = ::mmap(nullptr, size, protection, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) fail("mmap of shared memory");
  return address;
}

}  // namespace

SharedMemory SharedMemory::make(const char* name, std::size_t size) {
  Descriptor descriptor(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!descriptor.is_open()) fail("memfd_create");
  if (::ftruncate(descriptor.get(), static_cast<off_t>(size)) != 0) fail("ftruncate of shared memory");
  // Whoever shortens it would end all others by SIGBUS.
  if (::fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) fail("sealing of shared memory");
  void* address = mapped(descriptor.get(), size, PROT_READ | PROT_WRITE);
  return {std::move(descriptor), address, size};
}

SharedMemory SharedMemory::map(const Descriptor& descriptor, std::size_t size, Access access) {
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) fail("fstat of shared memory");
  if (status.st_size < static_cast<off_t>(size)) {
    throw std::runtime_error("shared memory of " + std::to_string(status.st_size) + " bytes, " + std::to_string(size) +
                             " expected");
  }
  void* address = mapped(descriptor.get(), size, access == Access::read ? PROT_READ : PROT_READ | PROT_WRITE);
  return {Descriptor(), address, size};
}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(address_, other.address_);
  std::swap(size_, other.size_);
  return *this;
}

Descriptor SharedMemory::read_only() const {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor_.get());
  Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.is_open()) fail("read-only descriptor of shared memory");
  return opened;
}

void SharedMemory::unmap() {
  if (address_ != nullptr) ::munmap(address_, size_);
}

}  // namespace taskgraph::process
