// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/base/deep_stack.h"

#include <pthread.h>
#include <sys/mman.h>

namespace tapjit {

namespace {

constexpr size_t stack_size = size_t{512} << 20;

void *call(void *work) {
  (*static_cast<const std::function<void()> *>(work))();
  return nullptr;
}

} // namespace

void run_on_deep_stack(bool deep, const std::function<void()> &work) {
  void *stack = deep ? mmap(nullptr, stack_size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0)
                     : MAP_FAILED;
  bool done = false;
  if (stack != MAP_FAILED) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_t thread;
    if (pthread_attr_setstack(&attributes, stack, stack_size) == 0 &&
        pthread_create(&thread, &attributes, call, const_cast<void *>(static_cast<const void *>(&work))) == 0) {
      pthread_join(thread, nullptr);
      done = true;
    }
    pthread_attr_destroy(&attributes);
    munmap(stack, stack_size);
  }
  if (!done)
    work();
}

} // namespace tapjit
