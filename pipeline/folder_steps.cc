#include "pipeline/folder_steps.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "pipeline/printable.h"
#include "stages/image.h"

namespace tessera::pipeline {
using workers::Fd;

void fail_at(const std::string& what, const std::string& path) {
  const int error = errno;
  const std::string sentence = fmt::format("{} {}: {}", what, printable(path), std::strerror(error));
  const bool name = error == ENAMETOOLONG || error == ENOTDIR || error == EISDIR || error == ELOOP || error == EINVAL ||
                    error == EILSEQ;
  if (name) throw stages::ImageError(sentence);
  if (error == EMFILE || error == ENFILE) throw NoDescriptors(sentence);
  throw TreeError(sentence);
}

Fd open_folder(int parent, const std::string& name, const std::string& path, bool create) {
  if (create && mkdirat(parent, name.c_str(), 0777) != 0 && errno != EEXIST) fail_at("cannot create the folder", path);
  Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && (errno == ENOTDIR || errno == ELOOP)) {
    struct stat s {};
    if (fstatat(parent, name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(s.st_mode))
      throw stages::ImageError(
          fmt::format("{} is a symbolic link; Tessera does not write through links below the folder that it was given",
                      printable(path)));
    errno = ENOTDIR;
  }
  return fd;
}

Fd folder_below(int root, const std::string& root_path, const std::string& relative, bool create) {
  Fd folder(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) fail_at("cannot open", root_path);
  std::size_t begin = 0;
  for (std::size_t slash = relative.find('/'); folder && slash != std::string::npos;
       slash = relative.find('/', begin)) {
    const std::string path = relative.substr(0, slash);
    Fd inner = open_folder(folder.get(), relative.substr(begin, slash - begin), path, create);
    if (!inner && create) fail_at("cannot open the folder", root_path + "/" + path);
    folder = std::move(inner);
    begin = slash + 1;
  }
  return folder;
}

}  // namespace tessera::pipeline
