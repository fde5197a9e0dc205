// SPDX-License-Identifier: GPL-2.0-or-later
// The installed kernel with debuginfo (test.sh installs one): look-ups, and the places of parameters against a list
// written from the kernel's prototypes and the x86-64 calling convention. Skipped where there is none.
#include "frontend/target/kernel_target.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>

namespace tapjit::target {

namespace {

namespace fs = std::filesystem;

std::string installed_release() {
  std::error_code error;
  for (const auto &entry : fs::directory_iterator("/usr/lib/debug/boot", error)) {
    std::string name = entry.path().filename();
    if (name.starts_with("vmlinux-6.1."))
      return name.substr(strlen("vmlinux-"));
  }
  return {};
}

// One index for all tests; the store is a string in memory.
struct Kernel {
  std::unique_ptr<KernelTarget> target;
  std::vector<uint64_t> words;
  std::string key;
  size_t size = 0;
  int saved = 0, loaded = 0;

  KernelTargetOptions options() {
    KernelTargetOptions options;
    options.release_or_dir = installed_release();
    options.store.save = [this](const std::string &name, std::string_view bytes) {
      words.resize(bytes.size() / 8 + 1);
      memcpy(words.data(), bytes.data(), bytes.size());
      key = name;
      size = bytes.size();
      ++saved;
    };
    options.store.load = [this](const std::string &name) -> std::optional<IndexBytes> {
      if (name != key || size == 0)
        return std::nullopt;
      ++loaded;
      return IndexBytes{{reinterpret_cast<const char *>(words.data()), size}, nullptr};
    };
    return options;
  }
};

Kernel &kernel() {
  static Kernel *const one = [] {
    auto *made = new Kernel;
    if (!installed_release().empty())
      if (auto target = KernelTarget::open(made->options()))
        made->target = std::move(*target);
    return made;
  }();
  return *one;
}

class KernelTargetTest : public testing::Test {
protected:
  void SetUp() override {
    if (!kernel().target || kernel().target->files().vmlinux.empty())
      GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  }
  const Target &target() { return *kernel().target; }

  FunctionSite function(const std::string &name) {
    auto found = target().functions(name, FunctionKind::OutOfLine);
    if (!found || found->sites.empty()) {
      ADD_FAILURE() << name;
      return {};
    }
    return found->sites[0];
  }

  // "file.f_inode.i_ino", "argv.3"
  static std::string text_of(const Access<VarAccess> &access) {
    if (const auto *failure = std::get_if<AccessFailure>(&access))
      return "failed: " + failure->observed;
    return describe(std::get<VarAccess>(access));
  }
  static std::vector<PathStep> path_of(std::string rest) {
    std::vector<PathStep> path;
    while (!rest.empty()) {
      std::string word = rest.substr(0, rest.find('.'));
      rest = rest.size() > word.size() ? rest.substr(word.size() + 1) : "";
      if (isdigit(word[0]))
        path.push_back({PathStep::Kind::Index, "", atoll(word.c_str())});
      else if (word == "?")
        path.push_back({PathStep::Kind::DynamicIndex, "", 0});
      else
        path.push_back({PathStep::Kind::Member, word, 0});
    }
    return path;
  }
  std::string variable(const std::string &function_name, const std::string &text, bool address_of = false) {
    std::string name = text.substr(0, text.find('.'));
    std::string rest = text.size() > name.size() ? text.substr(name.size() + 1) : "";
    FunctionSite site = function(function_name);
    return name == "return" ? text_of(target().return_value(site, path_of(rest), address_of))
                            : text_of(target().variable(site, name, path_of(rest), false, address_of));
  }
};

} // namespace

TEST_F(KernelTargetTest, FindsAFunction) {
  FunctionSite site = function("vfs_read");
  EXPECT_EQ(site.symbol, "vfs_read");
  EXPECT_EQ(site.offset, 0u);
  EXPECT_EQ(site.section, ".text");
  EXPECT_EQ(site.file, "fs/read_write.c");
  EXPECT_GT(site.line, 0u);
  EXPECT_TRUE(site.symbol_is_unique);
  EXPECT_NE(site.die, 0u);
  EXPECT_EQ(site.address, target().symbol("vfs_read")->address);
}

TEST_F(KernelTargetTest, FunctionsSplitInHotAndColdHaveTheirEntry) {
  EXPECT_EQ(function("do_exit").address, target().symbol("do_exit")->address);
  EXPECT_EQ(function("udp_sendmsg").address, target().symbol("udp_sendmsg")->address);
}

TEST_F(KernelTargetTest, SharedNamesAreToldApartByAddress) {
  auto found = target().functions("dst_output", FunctionKind::OutOfLine); // static inline, with code in several units
  ASSERT_TRUE(found);
  ASSERT_GT(found->sites.size(), 1u);
  for (size_t i = 0; i < found->sites.size(); ++i) {
    EXPECT_FALSE(found->sites[i].symbol_is_unique);
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(found->sites[i].address, found->sites[j].address);
  }
}

TEST_F(KernelTargetTest, WildcardsAndFiles) {
  auto found = target().functions("vfs_*@fs/read_write.c", FunctionKind::OutOfLine);
  ASSERT_TRUE(found);
  std::vector<std::string> names;
  for (const FunctionSite &site : found->sites)
    names.push_back(site.function);
  EXPECT_NE(std::find(names.begin(), names.end(), "vfs_read"), names.end());
  EXPECT_NE(std::find(names.begin(), names.end(), "vfs_write"), names.end());
  EXPECT_EQ(std::find(names.begin(), names.end(), "vfs_open"), names.end());
}

TEST_F(KernelTargetTest, RefusedFunctionsSayWhy) {
  auto found = target().functions("notify_die", FunctionKind::OutOfLine);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->sites.empty());
  ASSERT_EQ(found->refused.size(), 1u);
  EXPECT_NE(found->refused[0].blacklisted.find("blacklist"), std::string::npos);
  found = target().functions("start_kernel", FunctionKind::OutOfLine);
  ASSERT_TRUE(found && !found->refused.empty());
  EXPECT_NE(found->refused[0].blacklisted.find(".init.text"), std::string::npos);
}

TEST_F(KernelTargetTest, UnknownFunctionsHaveSuggestions) {
  auto found = target().functions("vfs_raed", FunctionKind::OutOfLine);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->sites.empty());
  ASSERT_TRUE(found->suggestions);
  ASSERT_FALSE(found->suggestions().empty());
  EXPECT_EQ(found->suggestions()[0], "vfs_read");
}

TEST_F(KernelTargetTest, InlinedCopies) {
  auto found = target().functions("do_sys_open", FunctionKind::Inlined);
  ASSERT_TRUE(found);
  ASSERT_FALSE(found->sites.empty());
  bool in_open = false;
  for (const FunctionSite &site : found->sites) {
    EXPECT_TRUE(site.is_inline);
    in_open |= site.symbol == "__x64_sys_open" && site.offset > 0;
  }
  EXPECT_TRUE(in_open);
  found = target().functions("sched_info_switch", FunctionKind::OutOfLine);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->only_inlined || !found->sites.empty());
}

TEST_F(KernelTargetTest, AnOutlinedRestIsNamed) {
  const std::string name = "__do_pipe_flags", part = name + ".part.0";
  auto rest = target().functions(part, FunctionKind::OutOfLine);
  ASSERT_TRUE(rest);
  if (rest->sites.empty())
    GTEST_SKIP() << "the compiler of this kernel has not split " << name;
  for (const std::string &pattern : {name, name + "*"}) {
    auto found = target().functions(pattern, FunctionKind::OutOfLine);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->sites.empty());
    EXPECT_FALSE(found->only_inlined);
    EXPECT_NE(found->problem.find("`" + part + "`"), std::string::npos) << found->problem;
    EXPECT_FALSE(found->hint.empty());
  }
  auto both = target().functions(name, FunctionKind::Both);
  ASSERT_TRUE(both);
  EXPECT_FALSE(both->sites.empty());
  EXPECT_TRUE(both->problem.empty());
}

TEST_F(KernelTargetTest, AddressesOfCopiesLieInTheSymbol) {
  for (const char *name : {"do_sys_open", "mutex_lock", "mem_cgroup_charge"}) {
    auto found = target().functions(name, FunctionKind::Both);
    ASSERT_TRUE(found);
    for (const FunctionSite &site : found->sites)
      EXPECT_LT(site.offset, site.size) << name << " in " << site.symbol;
  }
}

// Prototypes of 6.1. Integer arguments are in rdi rsi rdx rcx r8 r9; narrower ones have rubbish above.
TEST_F(KernelTargetTest, ParametersAtEntry) {
  struct Row {
    const char *function, *variable, *access;
  };
  static constexpr Row rows[] = {
      {"vfs_read", "file", "reg:rdi"},
      {"vfs_read", "buf", "reg:rsi"},
      {"vfs_read", "count", "reg:rdx"},
      {"vfs_read", "pos", "reg:rcx"},
      {"vfs_read", "return", "reg:rax"},
      {"vfs_write", "count", "reg:rdx"},
      {"vfs_open", "path", "reg:rdi"},
      {"vfs_open", "return", "reg:rax ext:s32"},
      {"ksys_write", "fd", "reg:rdi ext:u32"},
      {"do_sys_open", "dfd", "reg:rdi ext:s32"},
      {"do_sys_open", "filename", "reg:rsi"},
      {"do_sys_open", "flags", "reg:rdx ext:s32"},
      {"do_sys_open", "mode", "reg:rcx ext:u16"},
      {"path_openat", "flags", "reg:rdx ext:u32"},
      {"kmem_cache_alloc", "gfpflags", "reg:rsi ext:u32"},
      {"__kmalloc", "size", "reg:rdi"},
      {"kfree", "object", "reg:rdi"},
      {"try_to_wake_up", "state", "reg:rsi ext:u32"},
      {"try_to_wake_up", "wake_flags", "reg:rdx ext:s32"},
      {"schedule_timeout", "timeout", "reg:rdi"},
      {"tcp_v4_connect", "addr_len", "reg:rdx ext:s32"},
      {"tcp_recvmsg", "addr_len", "reg:r8"},
      {"tcp_sendmsg", "size", "reg:rdx"},
      {"udp_sendmsg", "len", "reg:rdx"},
      {"__netif_receive_skb_core", "pfmemalloc", "reg:rsi ext:u8"},
      {"handle_mm_fault", "address", "reg:rsi"},
      {"handle_mm_fault", "regs", "reg:rcx"},
      {"handle_mm_fault", "return", "reg:rax ext:u32"},
      {"do_munmap", "len", "reg:rdx"},
      {"mmap_region", "uf", "reg:r9"},
      {"hrtimer_start_range_ns", "mode", "reg:rcx ext:u32"},
      {"queue_work_on", "cpu", "reg:rdi ext:s32"},
      {"queue_work_on", "return", "reg:rax ext:u8"},
      {"do_sys_poll", "nfds", "reg:rsi ext:u32"},
      {"vm_mmap_pgoff", "pgoff", "reg:r9"},
      {"do_exit", "code", "reg:rdi"},
      {"kernel_clone", "return", "reg:rax ext:s32"},
      {"copy_process", "node", "reg:rdx ext:s32"},
      {"file_update_time", "return", "reg:rax ext:s32"},
  };
  for (const Row &row : rows)
    EXPECT_EQ(variable(row.function, row.variable), row.access) << row.function << " $" << row.variable;
}

TEST_F(KernelTargetTest, SeventhParameterIsOnTheStack) {
  // do_mmap has eight; populate and uf come last.
  EXPECT_EQ(variable("do_mmap", "populate"), "reg:rsp const:8 add load:u64");
  EXPECT_EQ(variable("do_mmap", "uf"), "reg:rsp const:16 add load:u64");
}

// pt_regs is fixed by the entry code: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss.
TEST_F(KernelTargetTest, MembersThroughPointers) {
  EXPECT_EQ(variable("__x64_sys_read", "regs.di"), "reg:rdi const:112 add load:u64");
  EXPECT_EQ(variable("__x64_sys_read", "regs.si"), "reg:rdi const:104 add load:u64");
  EXPECT_EQ(variable("__x64_sys_openat", "regs.orig_ax"), "reg:rdi const:120 add load:u64");
  EXPECT_EQ(variable("__x64_sys_read", "regs.cs"), "reg:rdi const:136 add load:u64");
  EXPECT_TRUE(variable("vfs_read", "file.f_inode.i_ino").ends_with("load:u64 const:64 add load:u64"));
}

TEST_F(KernelTargetTest, ArraysAddressesAndIndexes) {
  std::string comm = variable("wake_up_process", "p.comm");
  EXPECT_TRUE(comm.starts_with("reg:rdi const:") && comm.ends_with(" add")) << comm;
  std::string letter = variable("wake_up_process", "p.comm.2");
  EXPECT_TRUE(letter.ends_with("load:s8")) << letter;
  EXPECT_TRUE(variable("wake_up_process", "p.comm.?").ends_with("index:0 const:1 mul add load:s8"));
  EXPECT_EQ(variable("vfs_read", "pos.0"), "reg:rcx load:s64");
  EXPECT_EQ(variable("vfs_read", "pos.2"), "reg:rcx const:16 add load:s64");
  std::string address = variable("vfs_read", "file.f_path", true);
  EXPECT_TRUE(address.starts_with("reg:rdi const:") && address.ends_with(" add")) << address;
}

TEST_F(KernelTargetTest, BitFieldsAndUnions) {
  std::string field = variable("wake_up_process", "p.sched_reset_on_fork"); // unsigned :1
  EXPECT_TRUE(field.ends_with("ext:u1")) << field;
  EXPECT_NE(field.find("load:u8"), std::string::npos) << field;
  EXPECT_TRUE(variable("tcp_sendmsg", "sk.__sk_common.skc_daddr").ends_with("load:u32"));
}

TEST_F(KernelTargetTest, Enumerators) {
  EXPECT_EQ(target().enumerator("PIDTYPE_TGID"), 1); // of enum pid_type
  EXPECT_EQ(target().enumerator("HRTIMER_MODE_PINNED"), 2);
  EXPECT_EQ(target().enumerator("NO_SUCH_THING"), std::nullopt);
}

TEST_F(KernelTargetTest, WhereAValueCanBeWritten) {
  auto write_of = [&](const std::string &function_name, const std::string &name, const std::string &rest) {
    auto access = target().variable(function(function_name), name, path_of(rest), false, false);
    const auto *found = std::get_if<VarAccess>(&access);
    return found ? found->write : WriteAccess{};
  };
  WriteAccess count = write_of("vfs_read", "count", "");
  EXPECT_EQ(count.kind, WriteAccess::Kind::Register);
  EXPECT_EQ(count.register_number, 1); // rdx
  EXPECT_EQ(count.bits, 64);
  EXPECT_EQ(write_of("ksys_write", "fd", "").bits, 32);
  WriteAccess flags = write_of("vfs_read", "file", "f_flags");
  EXPECT_EQ(flags.kind, WriteAccess::Kind::Memory);
  EXPECT_EQ(flags.bits, 32);
  EXPECT_EQ(flags.field_bits, 0);
  EXPECT_EQ(flags.address.front(), (AccessStep{StepKind::PushRegister, 5}));
  WriteAccess field = write_of("wake_up_process", "p", "sched_contributes_to_load");
  EXPECT_EQ(field.kind, WriteAccess::Kind::Memory);
  EXPECT_EQ(field.bits, 8);
  EXPECT_EQ(field.field_bits, 1);
  EXPECT_EQ(field.first_bit, 1);
  EXPECT_EQ(write_of("wake_up_process", "p", "comm").kind, WriteAccess::Kind::None); // an array
}

// A variable that has no place at the probe's address is refused with the ranges where it has one, and a statement.
TEST_F(KernelTargetTest, ARemovedVariableSaysWhereItIs) {
  FunctionSite site = function("vfs_read");
  auto access = target().variable(site, "ret", {}, false, false);
  const auto *failure = std::get_if<AccessFailure>(&access);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->error, AccessError::NotAvailable);
  EXPECT_NE(failure->observed.find("keeps it only at [0x"), std::string::npos) << failure->observed;
  ASSERT_TRUE(failure->late_hint);
  std::string hint = failure->late_hint();
  EXPECT_NE(hint.find("`kernel.statement(\"vfs_read@fs/read_write.c:"), std::string::npos) << hint;
}

// DWARF gives one place for all of the function, which is right after the prologue only: gcc 12 keeps the parameters of
// ip_rt_update_pmtu() in r13, rbp, rbx and r14, and those of the other two in the frame.
TEST_F(KernelTargetTest, ParametersAreReadWhereTheyArePassed) {
  auto steps = [&](const char *name, const char *variable_name, const char *rest, bool address_of) {
    return text_of(target().variable(function(name), variable_name, path_of(rest), false, address_of));
  };
  EXPECT_EQ(steps("ip_rt_update_pmtu", "dst", "", false), "reg:rdi");
  EXPECT_EQ(steps("ip_rt_update_pmtu", "sk", "", false), "reg:rsi");
  EXPECT_EQ(steps("ip_rt_update_pmtu", "skb", "", false), "reg:rdx");
  EXPECT_EQ(steps("ip_rt_update_pmtu", "mtu", "", false), "reg:rcx ext:u32");
  EXPECT_EQ(steps("remap_pfn_range", "prot", "pgprot", false), "reg:r8");
  EXPECT_EQ(steps("vmf_insert_pfn_prot", "pgprot", "pgprot", false), "reg:rcx");
  // Locals are not there yet.
  for (const auto &[name, local] : {std::pair("cgroup_post_fork", "cgrp_flags"), std::pair("raw_sendmsg", "rfv"),
                                    std::pair("file_update_time", "now"), std::pair("ip_rt_update_pmtu", "fl4")}) {
    auto access = target().variable(function(name), local, {}, false, false);
    const auto *failure = std::get_if<AccessFailure>(&access);
    ASSERT_TRUE(failure) << name << " " << local;
    EXPECT_EQ(failure->error, AccessError::NotAvailable);
    ASSERT_TRUE(failure->late_hint);
    EXPECT_TRUE(failure->late_hint().starts_with("the nearest place that has it is `kernel.statement(")) << name;
  }
}

// From the module's own debuginfo: its header is not among those that are installed, or is, as of scsi_mod.
TEST_F(KernelTargetTest, TracepointsThatAModuleDefines) {
  KernelTargetOptions options;
  options.release_or_dir = installed_release();
  auto own = KernelTarget::open(options);
  ASSERT_TRUE(own);
  auto found = (*own)->module_tracepoints("scsi_mod", "scsi_dispatch_cmd_*");
  ASSERT_TRUE(found) << found.error().observed;
  ASSERT_EQ(found->tracepoints.size(), 4u);
  const Tracepoint &error = found->tracepoints[1];
  EXPECT_EQ(error.name, "scsi_dispatch_cmd_error");
  EXPECT_EQ(error.module, "scsi_mod");
  ASSERT_EQ(error.arguments.size(), 2u);
  EXPECT_EQ(error.arguments[0].type, "struct scsi_cmnd *");
  EXPECT_EQ(error.arguments[1].passed_as, "signed int");
  const std::string name = error.arguments[0].name;
  EXPECT_EQ(text_of((*own)->tracepoint_argument(error, name, {}, false)), "arg:0");
  EXPECT_EQ(text_of((*own)->tracepoint_argument(error, error.arguments[1].name, {}, false)), "arg:1 ext:s32");
  std::string id = text_of((*own)->tracepoint_argument(error, name, path_of("device.host.host_no"), false));
  EXPECT_TRUE(id.starts_with("arg:0 ") && id.ends_with("load:u32")) << id;
  found = (*own)->module_tracepoints("scsi_mod", "scsi_eh_wakep");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->tracepoints.empty());
  ASSERT_FALSE(found->suggestions.empty());
  EXPECT_FALSE((*own)->module_tracepoints("no_such_module", "*"));
}

TEST_F(KernelTargetTest, FailuresSayWhatIsWrong) {
  auto failure = [&](const std::string &function_name, const std::string &name, const std::string &rest) {
    auto access = target().variable(function(function_name), name, path_of(rest), false, false);
    auto *found = std::get_if<AccessFailure>(&access);
    return found ? *found : AccessFailure{};
  };
  AccessFailure unknown = failure("vfs_read", "cuont", "");
  EXPECT_EQ(unknown.error, AccessError::NoSuchVariable);
  EXPECT_NE(unknown.observed.find("`$count`"), std::string::npos) << unknown.observed;
  ASSERT_FALSE(unknown.suggestions.empty());
  EXPECT_EQ(unknown.suggestions[0], "count");
  AccessFailure member = failure("vfs_read", "file", "f_inodes");
  EXPECT_EQ(member.error, AccessError::NoSuchMember);
  ASSERT_FALSE(member.suggestions.empty());
  EXPECT_EQ(member.suggestions[0], "f_inode");
  EXPECT_EQ(failure("vfs_read", "count", "x").error, AccessError::NotAPointer);
  EXPECT_EQ(failure("vfs_read", "file", "f_path").error, AccessError::IsAggregate);
  auto nothing = target().return_value(function("kfree"), {}, false);
  ASSERT_TRUE(std::holds_alternative<AccessFailure>(nothing));
  EXPECT_EQ(std::get<AccessFailure>(nothing).error, AccessError::NoReturnValue);
}

TEST_F(KernelTargetTest, ReturnProbesReadParametersAtEntry) {
  auto access = target().variable(function("vfs_read"), "count", {}, true, false);
  ASSERT_TRUE(std::holds_alternative<VarAccess>(access));
  EXPECT_TRUE(std::get<VarAccess>(access).at_entry);
}

TEST_F(KernelTargetTest, ParameterNamesAreInOrder) {
  EXPECT_EQ(target().variable_names(function("vfs_read"), true),
            (std::vector<std::string>{"file", "buf", "count", "pos"}));
}

TEST_F(KernelTargetTest, CastsAndGlobals) {
  std::string pid = text_of(target().cast("task_struct", "", path_of("pid"), false));
  EXPECT_TRUE(pid.starts_with("const:") && pid.ends_with("load:s32")) << pid;
  EXPECT_EQ(text_of(target().cast("struct task_struct", "", path_of("pid"), false)), pid);
  EXPECT_EQ(text_of(target().cast("struct task_struct *", "", path_of("pid"), false)), pid);
  EXPECT_EQ(text_of(target().cast("pid_t", "", {}, false)), "ext:s32");
  EXPECT_EQ(text_of(target().cast("struct list_head", "", path_of("2.prev"), false)), "const:40 add load:u64");
  EXPECT_EQ(text_of(target().cast("struct rlimit", "", path_of("?.rlim_max"), false)),
            "index:0 const:16 mul add const:8 add load:u64");
  EXPECT_TRUE(text_of(target().cast("struct no_such", "", path_of("x"), false)).starts_with("failed"));
  std::string jiffies = text_of(target().global_variable("total_forks@kernel/fork.c", "", {}, false));
  EXPECT_TRUE(jiffies.starts_with("address:") && jiffies.ends_with("load:u64")) << jiffies;
  EXPECT_TRUE(text_of(target().global_variable("no_such_variable", "", {}, false)).starts_with("failed"));
  // Without a file: defined by the linker's script and declared everywhere, defined once, defined by several files.
  EXPECT_EQ(text_of(target().global_variable("total_forks", "", {}, false)), jiffies);
  EXPECT_EQ(text_of(target().global_variable("jiffies", "", {}, false)),
            text_of(target().global_variable("jiffies@kernel/time/timer.c", "", {}, false)));
  auto several = target().global_variable("format_attr_event", "", {}, true);
  const auto *failure = std::get_if<AccessFailure>(&several);
  ASSERT_TRUE(failure && failure->late_hint);
  EXPECT_EQ(failure->error, AccessError::NotAvailable);
  EXPECT_TRUE(failure->observed.starts_with("the kernel has ") &&
              failure->observed.find("`arch/x86/events/intel/core.c`") != std::string::npos)
      << failure->observed;
  EXPECT_TRUE(failure->late_hint().starts_with("`@var(\"format_attr_event@arch/x86/events/")) << failure->late_hint();
  EXPECT_TRUE(text_of(target().global_variable("format_attr_event@arch/x86/events/intel/core.c", "", {}, true))
                  .starts_with("address:"));
}

TEST_F(KernelTargetTest, PerCpuVariablesAreThisCpus) {
  std::string cpu = text_of(target().global_variable("runqueues@kernel/sched/core.c", "", path_of("cpu"), false));
  EXPECT_TRUE(cpu.starts_with("percpu:") && cpu.ends_with("load:s32")) << cpu;
}

TEST_F(KernelTargetTest, AVariableOfTheLinkerScriptHasItsSymbolsAddress) {
  EXPECT_EQ(text_of(target().global_variable("jiffies@kernel/time/timer.c", "", {}, false)),
            "address:" + std::to_string(target().symbol("jiffies")->address) + " load:u64");
}

// "{.a=%i, .b=[%u, ...]} a b.0"
static std::string pretty(const Target &target, const Access<VarAccess> &access, bool deep) {
  const auto *found = std::get_if<VarAccess>(&access);
  if (!found)
    return "failed: " + std::get<AccessFailure>(access).observed;
  std::string format, values;
  for (const PrettyPiece &piece : target.pretty(found->type, deep)) {
    format += piece.text + piece.format;
    if (piece.format.empty())
      continue;
    values += piece.is_string ? " *" : " ";
    for (const PathStep &step : piece.path)
      values += (values.back() == ' ' || values.back() == '*' ? "" : ".") +
                (step.kind == PathStep::Kind::Member ? step.member : std::to_string(step.index));
  }
  return format + values;
}

// The texts are SystemTap's for the same kernel.
TEST_F(KernelTargetTest, PrettyPrinting) {
  auto show = [&](const std::string &name, const std::string &variable_name, const std::string &rest, bool deep = false,
                  bool address_of = false) {
    return pretty(target(), target().variable(function(name), variable_name, path_of(rest), false, address_of), deep);
  };
  EXPECT_EQ(show("vfs_read", "count", ""), "%u ");
  EXPECT_EQ(show("vfs_read", "buf", ""), "%s *");
  EXPECT_EQ(show("vfs_read", "pos", ""), "%i ");
  EXPECT_EQ(show("vfs_read", "file", "f_op.read"), "<function>:%p ");
  EXPECT_EQ(show("vfs_read", "file", "private_data"), "%p ");
  EXPECT_EQ(show("vfs_read", "file", "f_path", true, true), "{.mnt=%p, .dentry=%p} mnt dentry");
  EXPECT_EQ(show("vfs_read", "file", "f_path.dentry.d_name", false, true), "{<union>={...}, .name=%s} *name");
  EXPECT_EQ(show("vfs_read", "file", "f_path.dentry.d_iname"), "%s *");
  EXPECT_EQ(show("vfs_read", "file", "f_path.dentry.d_iname.2"), "'%#c' ");
  EXPECT_EQ(show("do_filp_open", "op", "", true),
            "{.open_flag=%i, .mode=%u, .acc_mode=%i, .intent=%i, .lookup_flags=%i} open_flag mode acc_mode intent "
            "lookup_flags");
  EXPECT_EQ(
      show("do_filp_open", "pathname", "", true),
      "{.name=%s, .uptr=%s, .refcnt={.counter=%i}, .aname=%p, .iname=%s} *name *uptr refcnt.counter aname *iname");
  EXPECT_EQ(show("wake_up_new_task", "p", "signal.rlim", true),
            "[{.rlim_cur=%u, .rlim_max=%u}, ...] 0.rlim_cur 0.rlim_max");
  EXPECT_EQ(show("wake_up_new_task", "p", "signal.rlim"), "[{...}, ...]");
  EXPECT_EQ(show("wake_up_new_task", "p", "cpus_mask", false, true), "{.bits=[...]}");
  EXPECT_EQ(show("wake_up_new_task", "p", "cpus_mask", true, true), "{.bits=[%u, ...]} bits.0");
  EXPECT_EQ(show("wake_up_new_task", "p", "in_execve"), "%u ");
  // 32 values, then no more: each level that was cut ends in "...".
  std::string file = show("vfs_read", "file", "", true);
  EXPECT_NE(file.find(".f_owner={.lock={.raw_lock={<union>={.cnts={.counter=%i}, <class>={.wlocked='%#c', "
                      ".__lstate=%s}}, .wait_lock={<union>={.val={.counter=%i}, <class>={.locked='%#c', "
                      ".pending='%#c'}, ...}}}}, ...}, ...} "),
            std::string::npos)
      << file;
}

TEST_F(KernelTargetTest, IncompleteTypesAreFoundInOtherUnits) {
  // lib/kstrtox.c and its like do not know struct file's insides; sched tracepoint arguments are resolved by name.
  ValueType task;
  task.kind = TypeKind::Pointer;
  task.name = "struct task_struct *";
  EXPECT_TRUE(text_of(target().follow(task, path_of("tgid"), false)).ends_with("load:s32"));
}

TEST_F(KernelTargetTest, Tracepoints) {
  auto found = target().tracepoints("sched_switch");
  if (!found)
    GTEST_SKIP() << found.error().observed;
  ASSERT_EQ(found->tracepoints.size(), 1u);
  const Tracepoint &point = found->tracepoints[0];
  EXPECT_EQ(point.system, "sched");
  EXPECT_EQ(point.header, "trace/events/sched.h");
  EXPECT_EQ(text_of(target().tracepoint_argument(point, "preempt", {}, false)), "arg:0");
  std::string pid = text_of(target().tracepoint_argument(point, "next", path_of("pid"), false));
  EXPECT_TRUE(pid.starts_with("arg:2 const:") && pid.ends_with("load:s32")) << pid;
  found = target().tracepoints("raw_syscalls:sys_*");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tracepoints.size(), 2u);
  found = target().tracepoints("sched_swich");
  ASSERT_TRUE(found && !found->suggestions.empty());
  EXPECT_EQ(found->suggestions[0], "sched_switch");
}

TEST_F(KernelTargetTest, TracepointsOfModules) {
  function("vfs_read"); // the store has room for one: the index stays in it
  KernelTargetOptions options = kernel().options();
  options.store.save = {};
  auto other = KernelTarget::open(options);
  ASSERT_TRUE(other);
  EXPECT_FALSE((*other)->tracepoint_module("sched_switch"));
  EXPECT_FALSE((*other)->tracepoint_module("sched_swich"));
  for (int twice = 0; twice < 2; ++twice) {
    auto owner = (*other)->tracepoint_module("scsi_dispatch_cmd_start");
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->name, "scsi_mod");
    EXPECT_EQ(owner->build_id.size(), 40u);
  }
}

TEST_F(KernelTargetTest, ConfigurationAndBuildId) {
  EXPECT_EQ(target().kconfig("CONFIG_KPROBES"), "y");
  EXPECT_EQ(target().kconfig("CONFIG_NO_SUCH_OPTION"), std::nullopt);
  EXPECT_EQ(target().build_id().size(), 40u);
}

TEST_F(KernelTargetTest, TheIndexIsMadeOnceAndLoadedFast) {
  function("vfs_read");
  EXPECT_EQ(kernel().saved, 1);
  auto again = KernelTarget::open(kernel().options());
  ASSERT_TRUE(again);
  auto start = std::chrono::steady_clock::now();
  auto found = (*again)->functions("vfs_read", FunctionKind::OutOfLine);
  auto spent = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(found && found->sites.size() == 1);
  EXPECT_EQ(kernel().saved, 1);
  EXPECT_GE(kernel().loaded, 1);
  EXPECT_LT(spent, std::chrono::milliseconds(50)); // 0.2 ms on an idle machine; the bound only says: not built anew
}

TEST_F(KernelTargetTest, SymbolsAloneFindFunctions) {
  if (target().files().system_map.empty())
    GTEST_SKIP() << "no System.map";
  // A debuginfo folder without vmlinux: only the map.
  char name[] = "/tmp/tapjit-map-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  fs::create_directories(std::string(name) + "/boot");
  fs::copy(target().files().system_map, std::string(name) + "/boot/System.map-9.9.9-map");
  KernelTargetOptions options;
  options.release_or_dir = "9.9.9-map";
  options.places.debuginfo_path = name;
  auto bare = KernelTarget::open(options);
  ASSERT_TRUE(bare);
  auto found = (*bare)->functions("vfs_read", FunctionKind::Both);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->without_debuginfo);
  EXPECT_NE(found->advice.find("linux-image-9.9.9-map-dbg"), std::string::npos);
  ASSERT_EQ(found->sites.size(), 1u);
  auto access = (*bare)->variable(found->sites[0], "count", {}, false, false);
  ASSERT_TRUE(std::holds_alternative<AccessFailure>(access));
  EXPECT_EQ(std::get<AccessFailure>(access).error, AccessError::NoDebuginfo);
  fs::remove_all(name);
}

TEST(KernelTarget, NothingInstalledSaysWhatToInstall) {
  KernelTargetOptions options;
  options.release_or_dir = "9.9.9-none";
  auto target = KernelTarget::open(options);
  ASSERT_TRUE(target);
  auto found = (*target)->functions("vfs_read", FunctionKind::Both);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().advice.find("linux-image-9.9.9-none-dbg"), std::string::npos);
  EXPECT_FALSE((*target)->tracepoints("sched_switch"));
}

static CodeQuery statements(std::string_view pattern) {
  CodeQuery query;
  query.pattern = parse_function_pattern(pattern);
  query.statement = true;
  return query;
}

TEST_F(KernelTargetTest, StatementsAreWithinTheirFunction) {
  FunctionSite function = this->function("vfs_read");
  auto all = target().code(statements("vfs_read@fs/read_write.c:*"));
  ASSERT_TRUE(all);
  EXPECT_GT(all->sites.size(), 15u);
  for (const FunctionSite &site : all->sites) {
    EXPECT_GE(site.statement_line, function.line);
    EXPECT_LT(site.statement_line, function.line + 40);
    EXPECT_TRUE(site.symbol == "vfs_read" || site.symbol == "vfs_read.cold") << site.symbol;
    // By its own line, counted from the file's start and from the function's, and by its address it is found again.
    auto at_line = target().code(statements("vfs_read@read_write.c:" + std::to_string(site.statement_line)));
    auto by_offset =
        target().code(statements("vfs_*@fs/read_write.c+" + std::to_string(site.statement_line - function.line)));
    CodeQuery address;
    address.statement = true;
    address.address = site.address;
    auto by_address = target().code(address);
    ASSERT_TRUE(at_line && by_offset && by_address);
    ASSERT_EQ(at_line->sites.size(), 1u);
    EXPECT_EQ(at_line->sites[0].address, site.address);
    EXPECT_TRUE(std::any_of(by_offset->sites.begin(), by_offset->sites.end(),
                            [&](const FunctionSite &other) { return other.address == site.address; }));
    ASSERT_EQ(by_address->sites.size(), 1u) << by_address->problem;
    EXPECT_EQ(by_address->sites[0].function, "vfs_read");
  }
}

TEST_F(KernelTargetTest, ALineWithoutCodeNamesTheNearest) {
  FunctionSite function = this->function("vfs_read");
  CodeQuery query = statements("vfs_read@fs/read_write.c:" + std::to_string(function.line + 2)); // a declaration
  auto found = target().code(query);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->sites.empty());
  EXPECT_NE(found->hint.find(".nearest"), std::string::npos);
  query.nearest = true;
  found = target().code(query);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->sites.size(), 1u);
  // Outside of the function there is a nearest line, but not for `.nearest`.
  query = statements("vfs_read@fs/read_write.c:1");
  found = target().code(query);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->sites.empty());
  EXPECT_EQ(found->hint.find(".nearest"), std::string::npos) << found->hint;
  EXPECT_NE(found->hint.find("the nearest with code: `:"), std::string::npos) << found->hint;
  found = target().code(statements("vfs_raed@fs/read_write.c:1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->problem, "");
  EXPECT_FALSE(found->suggestions().empty());
}

TEST_F(KernelTargetTest, LabelsAndCallees) {
  CodeQuery query;
  query.pattern = parse_function_pattern("copy_process");
  query.label = "bad_fork_*";
  auto labels = target().code(query);
  ASSERT_TRUE(labels);
  EXPECT_GT(labels->sites.size(), 10u);
  query.label = "";
  query.pattern = parse_function_pattern("vfs_read");
  query.callee = "rw_verify_area";
  auto callees = target().code(query);
  ASSERT_TRUE(callees);
  ASSERT_EQ(callees->sites.size(), 1u);
  EXPECT_EQ(callees->sites[0].symbol, "rw_verify_area");
  EXPECT_FALSE(callees->sites[0].caller_code.empty());
}

} // namespace tapjit::target
