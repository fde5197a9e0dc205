// SPDX-License-Identifier: GPL-2.0-or-later
// Option -i: what this process reads goes to the file __stdin of the session's module, a byte a write.
#pragma once

#include "frontend/base/result.h"

#include <string>
#include <termios.h>

namespace tapjit::stapio {

class StandardInput {
public:
  StandardInput() = default;
  StandardInput(const StandardInput &) = delete;
  StandardInput &operator=(const StandardInput &) = delete;
  ~StandardInput(); // a terminal is again as it was, unless another program has it

  // Before other programs are started: they read /dev/null.
  Result<void> take();
  // Forwards, in a thread of its own, until the end of the input or of the session; a terminal gives what is typed
  // without waiting for the end of a line. Once; `module` is its name, `control` its control file.
  Result<void> forward(const std::string &module, int control);

private:
  int input_ = -1, file_ = -1;
  bool is_terminal_ = false;
  termios before_ = {};
};

} // namespace tapjit::stapio
