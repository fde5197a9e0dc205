// SPDX-License-Identifier: GPL-2.0-or-later
// stapio: carries the output of a session. staprun starts it with the name of the module that it has loaded.
#include <cstdio>

#include "tools/stapio/session.h"
#include "tools/staprun/run_options.h"

int main(int argc, char **argv) {
  using namespace tapjit::staprun;
  RunOptions options;
  switch (parse_run_options(argc, argv, options)) {
  case Parsed::Help:
    printf("usage: stapio%s", run_usage);
    return 0;
  case Parsed::Version:
    printf("tapjit stapio 0.1.0\n");
    return 0;
  case Parsed::Wrong:
    return 1;
  case Parsed::Run:
    return tapjit::stapio::run_session(options);
  }
  return 1;
}
