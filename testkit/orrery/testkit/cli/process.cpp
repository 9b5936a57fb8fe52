#include "orrery/testkit/cli/process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace orrery::cli {

void become(const std::vector<std::string>& words, const Variables& variables) {
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
}

Ran run_program(const std::vector<std::string>& words, const Variables& variables, Output output) {
  std::fflush(nullptr);
  std::array<int, 2> ends{-1, -1};
  if (output == Output::kept && pipe2(ends.data(), O_CLOEXEC) != 0) return {.code = 127, .output = {}};
  struct sigaction before{};
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &before);
  const pid_t process = fork();
  if (process == 0) {
    sigaction(SIGINT, &before, nullptr);
    if (output == Output::kept) dup2(ends[1], STDOUT_FILENO);
    if (output == Output::dropped) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    become(words, variables);
    _exit(127);
  }
  Ran ran;
  if (output == Output::kept) {
    close(ends[1]);
    std::array<char, 65'536> buffer{};
    for (;;) {
      const ssize_t count = read(ends[0], buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      ran.output.append(buffer.data(), static_cast<std::size_t>(count));
    }
    close(ends[0]);
  }
  int status = 0;
  while (process > 0 && waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  sigaction(SIGINT, &before, nullptr);
  ran.code = process < 0 ? 127 : (WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  return ran;
}

std::string own_folder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

}  // namespace orrery::cli
