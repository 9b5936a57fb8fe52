#include "orrery/testkit/build_id.hpp"

#include "orrery/core/hash.hpp"

#include <elf.h>
#include <fmt/core.h>
#include <link.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

namespace orrery::testkit {

namespace {

/// Appends the id that stands in the notes of one segment.
void read_notes(const char* at, std::size_t bytes, std::string& id) {
  const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
  while (bytes >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof note);
    const std::size_t all = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
    if (all > bytes) return;
    const std::string_view name{at + sizeof note, note.n_namesz};
    if (note.n_type == NT_GNU_BUILD_ID && name == std::string_view{"GNU\0", 4}) {
      const char* const value = at + sizeof note + padded(note.n_namesz);
      for (std::size_t i = 0; i < note.n_descsz; ++i) id += fmt::format("{:02x}", static_cast<unsigned char>(value[i]));
      return;
    }
    at += all;
    bytes -= all;
  }
}

/// The first object that is told is the executable.
int read_executable(dl_phdr_info* info, std::size_t, void* user) {
  auto& id = *static_cast<std::string*>(user);
  for (int i = 0; i < info->dlpi_phnum && id.empty(); ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    read_notes(reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr), header.p_memsz, id);
  }
  return 1;
}

std::string find_build_id() {
  std::string id;
  dl_iterate_phdr(&read_executable, &id);
  if (!id.empty()) return id;
  const std::ifstream file{"/proc/self/exe", std::ios::binary};
  if (!file) return "unknown";
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return fmt::format("x{:016x}", hash_text(std::move(bytes).str()));
}

}  // namespace

const std::string& build_id() {
  static const std::string id = find_build_id();
  return id;
}

}  // namespace orrery::testkit
