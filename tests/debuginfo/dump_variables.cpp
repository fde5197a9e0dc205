// SPDX-License-Identifier: GPL-2.0-or-later
// dump_variables RELEASE SEED COUNT: where the front end finds variables of the kernel's functions, one a line, for
// compare_variables.py: address, function, entry|inside|inline, variable, type and steps, parted by tabs. Functions are
// chosen by the seed; of each all variables in scope, at its entry, at an address within it, and at the start of an
// inlined copy.
#include "frontend/target/kernel_target.h"

#include <cstdio>
#include <cstdlib>
#include <random>

using namespace tapjit::target;

static unsigned long long printed = 0;

static void dump(const Target &target, const FunctionSite &site, const char *where) {
  for (const std::string &name : target.variable_names(site, false)) {
    Access<VarAccess> access = target.variable(site, name, {}, false, false);
    auto *failure = std::get_if<AccessFailure>(&access);
    if (failure && failure->error == AccessError::IsAggregate)
      access = target.variable(site, name, {}, false, true);
    failure = std::get_if<AccessFailure>(&access);
    const auto *found = std::get_if<VarAccess>(&access);
    const char *kind = !failure                                        ? ""
                       : failure->error == AccessError::NotAvailable   ? "not available"
                       : failure->error == AccessError::NoSuchVariable ? "no such variable"
                                                                       : "unsupported";
    printf("%llx\t%s\t%s\t%s\t%s\t%s\n", static_cast<unsigned long long>(site.address), site.function.c_str(), where,
           name.c_str(), found ? found->type.name.c_str() : "-", found ? describe(*found).c_str() : kind);
    ++printed;
  }
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  KernelTargetOptions options;
  options.release_or_dir = argv[1];
  auto target = KernelTarget::open(options);
  if (!target) {
    fprintf(stderr, "%s\n", target.error().observed.c_str());
    return 1;
  }
  std::mt19937_64 random(strtoull(argv[2], nullptr, 0));
  const unsigned long long wanted = strtoull(argv[3], nullptr, 0);
  auto choose = [&](const char *pattern, FunctionKind kind) {
    CodeQuery query;
    query.pattern.function = pattern;
    query.kind = kind;
    auto found = (*target)->code(query);
    return found ? found->sites : std::vector<FunctionSite>();
  };
  std::vector<FunctionSite> functions = choose("*", FunctionKind::OutOfLine);
  std::vector<FunctionSite> copies = choose("[a-c]*_[l-n]*", FunctionKind::Inlined);
  if (functions.empty() || copies.empty()) {
    fprintf(stderr, "no functions were found\n");
    return 1;
  }
  while (printed < wanted) {
    FunctionSite site = functions[random() % functions.size()];
    dump(**target, site, "entry");
    if (site.size > 1 && site.symbol == site.function) { // else not the whole symbol is its code
      site.address += 1 + random() % (site.size - 1);
      dump(**target, site, "inside");
    }
    dump(**target, copies[random() % copies.size()], "inline");
  }
  return 0;
}
