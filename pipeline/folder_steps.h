// Folders inside a folder, opened part by part from its descriptor: a symbolic link on the way never leads out.
#pragma once

#include <string>

#include "pipeline/environment_error.h"
#include "workers/fd.h"

namespace tessera::pipeline {

/// Not the picture's fault: no space, read-only, gone. The run has to stop.
class TreeError : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

/// Too many files are open just now.
class NoDescriptors : public TreeError {
 public:
  using TreeError::TreeError;
};

/// By errno: ImageError for a name that the file system refuses, NoDescriptors, or TreeError. "`what` `path`: why".
[[noreturn]] void fail_at(const std::string& what, const std::string& path);

/// One step into `parent`; invalid when it cannot be opened. `path` is for sentences. Throws as fail_at() when `create`
/// cannot make it, and ImageError for a link.
workers::Fd open_folder(int parent, const std::string& name, const std::string& path, bool create);

/// The folder that is to hold `relative` ("a/b/name") below `root`, which is called `root_path` in sentences; invalid
/// (with `create` false) when a part of the way is missing. Throws as open_folder().
workers::Fd folder_below(int root, const std::string& root_path, const std::string& relative, bool create);

}  // namespace tessera::pipeline
