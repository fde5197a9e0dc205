// SPDX-License-Identifier: GPL-2.0-or-later
// Whether guests run under KVM. /dev/kvm may be there and hang (nested, or half-supported machines), so the first boot
// under it is a trial of ten seconds, and its outcome is remembered for this host kernel.
#pragma once

#include "tools/vm/guest.h"

namespace tapjit::vm {

enum class KvmTrial { UseTcg, UseKvm, Try };

KvmTrial kvm_trial(Accelerator wanted);
void remember_kvm_trial(bool works);

} // namespace tapjit::vm
