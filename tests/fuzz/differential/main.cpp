// SPDX-License-Identifier: GPL-2.0-or-later
// fuzz_differential [--seed=N] [--programs=N] [--seconds=N] [--batch=N] [--optimization=N] [--print]
// Random programs, many to a script, in the interpreter (as lowered, after passes) and compiled. What differs is
// made small and printed with its seed; --seed with that number and --programs=1 does it again.
#include "tests/fuzz/differential/compare.h"
#include "tests/fuzz/differential/generator.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <random>
#include <unistd.h>

namespace tapjit::differential {

namespace {

struct Arguments {
  uint64_t seed = 0; // 0: of the day
  uint64_t programs = 2000;
  double seconds = 0; // ends then, whatever is left; 0: never
  unsigned batch = 24;
  int optimization = -2; // of the compiler, for all scripts; -2: by chance
  bool print = false;
};

// What a crash or an endless run of compiled code says.
char current[128];
void on_signal(int signal) {
  const char *what = signal == SIGALRM ? "\nno end in sight: " : "\ncrashed: ";
  (void)!write(2, what, strlen(what));
  (void)!write(2, current, strlen(current));
  _exit(1);
}

// One script: which programs, with which limits.
struct Batch {
  uint64_t seed = 0;
  std::vector<Program> programs;
  CompareOptions options;

  std::string text() const {
    std::string text;
    for (const Program &program : programs)
      text += program.text(&program == &programs[0]);
    return text;
  }
};

Batch make_batch(uint64_t seed, unsigned size) {
  std::mt19937_64 random(seed);
  auto pick = [&](unsigned count) { return unsigned(random() % count); };
  Batch batch;
  batch.seed = seed;
  // What a compiler makes of the globals' code takes most of the time: many programs share them without optimisation,
  // few with it, and few go all the way that stap goes, through the verifier of safety.
  unsigned kind = pick(8);
  batch.options.optimization = kind == 0 ? -1 : kind == 1 ? 2 : 0;
  batch.options.each_pass = pick(6) == 0;
  bool alone = size == 1 || kind == 2;
  unsigned count = alone ? 1 : kind < 2 ? 3 : size;
  uint64_t globals_seed = random();
  for (unsigned number = 0; number < count; ++number)
    batch.programs.push_back(generate(random(), {number, globals_seed, alone}));
  unsigned lengths[] = {16, 24, 64, 512};
  const char *budgets[] = {"25", "1000", "20000", "3000000"};
  batch.options.words = {fmt::format("-DMAXSTRINGLEN={}", lengths[pick(4)]),
                         fmt::format("-DMAXMAPENTRIES={}", 2 + pick(30)),
                         fmt::format("-DMAXACTION={}", budgets[pick(4)]), "-DMAXNESTING=12",
                         fmt::format("-DMAXERRORS={}", alone ? pick(3) : 1000000)};
  batch.options.seed = seed;
  return batch;
}

// All ways to make a list of statements shorter by one: one left out, or one replaced by what is in it. `visit` gets
// the list and the position; it gives true when the change is to stay.
template <typename Try> bool shorten(std::vector<Statement> &statements, Try &still_differs) {
  bool changed = false;
  for (size_t index = statements.size(); index-- > 0;) {
    std::vector<Statement> before = statements;
    statements.erase(statements.begin() + long(index));
    if (still_differs()) {
      changed = true;
      continue;
    }
    statements = before;
    for (size_t body = 0; body < statements[index].bodies.size(); ++body) {
      std::vector<Statement> inside = before[index].bodies[body];
      statements.erase(statements.begin() + long(index));
      statements.insert(statements.begin() + long(index), inside.begin(), inside.end());
      if (still_differs()) {
        changed = true;
        break;
      }
      statements = before;
    }
    if (statements.size() > index)
      for (std::vector<Statement> &body : statements[index].bodies)
        changed |= shorten(body, still_differs);
  }
  return changed;
}

Program minimised(Program program, const CompareOptions &options, Comparer &comparer) {
  unsigned tries = 0;
  auto still_differs = [&] {
    alarm(60);
    return ++tries < 600 && comparer.compare(program.text(), options).kind == Verdict::Kind::Differs;
  };
  for (bool changed = true; changed && tries < 600;) {
    changed = false;
    for (size_t index = program.blocks.size(); index-- > 0;) {
      Block block = program.blocks[index];
      program.blocks.erase(program.blocks.begin() + long(index));
      if (still_differs())
        changed = true;
      else
        program.blocks.insert(program.blocks.begin() + long(index), block);
    }
    for (Block &block : program.blocks)
      changed |= shorten(block.statements, still_differs);
    for (size_t index = program.globals.size(); index-- > 0;) {
      std::string global = program.globals[index];
      program.globals.erase(program.globals.begin() + long(index));
      if (!still_differs())
        program.globals.insert(program.globals.begin() + long(index), global);
    }
  }
  return program;
}

void report(const Batch &batch, const Verdict &verdict, Comparer &comparer) {
  fmt::print("batch seed {} (with {}): {}\n", batch.seed, fmt::join(batch.options.words, " "), verdict.what);
  fflush(stdout);
  CompareOptions options = batch.options;
  options.each_pass = true;
  options.subsets = 8;
  for (const Program &program : batch.programs) {
    alarm(120);
    if (comparer.compare(program.text(), options).kind != Verdict::Kind::Differs)
      continue;
    Program small = minimised(program, options, comparer);
    alarm(120);
    fmt::print("--- the script, made small\n{}--- and what it shows\n{}\n", small.text(),
               comparer.compare(small.text(), options).what);
    return;
  }
  fmt::print("--- no program shows it alone; all of them are\n{}\n", batch.text());
}

int run(const Arguments &arguments) {
  auto comparer = Comparer::open();
  if (!comparer) {
    fmt::print(stderr, "error: {}\n", comparer.error().observed);
    return 1;
  }
  auto start = std::chrono::steady_clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  uint64_t seed = arguments.seed ? arguments.seed : uint64_t(time(nullptr) / 86400) * 1'000'000;
  fmt::print("base seed {}\n", seed);
  uint64_t programs = 0, batches = 0, used_up = 0, too_long = 0;
  for (; programs < arguments.programs; ++batches, ++seed) {
    if (arguments.seconds > 0 && seconds() > arguments.seconds)
      break;
    snprintf(current, sizeof current, "batch seed %llu\n", static_cast<unsigned long long>(seed));
    alarm(60);
    Batch batch = make_batch(seed, arguments.batch);
    if (arguments.optimization >= -1)
      batch.options.optimization = arguments.optimization;
    if (arguments.print)
      fmt::print("{}// {}\n", batch.text(), fmt::join(batch.options.words, " "));
    Verdict verdict = (*comparer)->compare(batch.text(), batch.options);
    if (verdict.kind == Verdict::Kind::Refused) {
      fmt::print("batch seed {}: the front end refuses it:\n{}\n", seed, verdict.what);
      return 1;
    }
    if (verdict.kind == Verdict::Kind::Differs) {
      report(batch, verdict, **comparer);
      return 1;
    }
    programs += batch.programs.size();
    used_up += verdict.used_up;
    too_long += verdict.kind == Verdict::Kind::TooLong;
  }
  fmt::print("{} programs in {} scripts agree ({:.0f} s; {} scripts met MAXACTION, {} were too long to interpret)\n",
             programs, batches, seconds(), used_up, too_long);
  return 0;
}

} // namespace

} // namespace tapjit::differential

int main(int argc, char **argv) {
  using namespace tapjit::differential;
  Arguments arguments;
  for (int index = 1; index < argc; ++index) {
    std::string_view word = argv[index];
    size_t equals = std::min(word.find('='), word.size());
    std::string value(word.substr(std::min(equals + 1, word.size())));
    if (word.substr(0, equals) == "--seed")
      arguments.seed = strtoull(value.c_str(), nullptr, 10);
    else if (word.substr(0, equals) == "--programs")
      arguments.programs = strtoull(value.c_str(), nullptr, 10);
    else if (word.substr(0, equals) == "--seconds")
      arguments.seconds = strtod(value.c_str(), nullptr);
    else if (word.substr(0, equals) == "--batch")
      arguments.batch = unsigned(std::max(1, atoi(value.c_str())));
    else if (word.substr(0, equals) == "--optimization")
      arguments.optimization = atoi(value.c_str());
    else if (word == "--print")
      arguments.print = true;
    else {
      fprintf(stderr, "usage: fuzz_differential [--seed=N] [--programs=N] [--seconds=N] [--batch=N] [--optimization=N] "
                      "[--print]\n");
      return 2;
    }
  }
  setvbuf(stdout, nullptr, _IOLBF, 0);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM})
    std::signal(signal, on_signal);
  return run(arguments);
}
