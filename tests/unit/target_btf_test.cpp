// SPDX-License-Identifier: GPL-2.0-or-later
// BTF of the installed kernels: what it says of functions and types is held against DWARF of the same kernel, and
// kernels without debuginfo are read from their bootable image. Skipped where there is none.
#include "frontend/target/btf.h"
#include "frontend/target/btf_variable.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/kernel_image.h"
#include "frontend/target/kernel_target.h"

#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>

namespace tapjit::target {

namespace {

namespace fs = std::filesystem;

// Releases whose image is in /boot.
std::vector<std::string> installed_releases() {
  std::vector<std::string> releases;
  std::error_code error;
  for (const auto &entry : fs::directory_iterator("/boot", error))
    if (std::string name = entry.path().filename(); name.starts_with("vmlinuz-"))
      releases.push_back(name.substr(strlen("vmlinuz-")));
  return releases;
}

std::string release_with_dwarf() {
  for (const std::string &release : installed_releases())
    if (fs::exists("/usr/lib/debug/boot/vmlinux-" + release))
      return release;
  return {};
}

// Indexes in memory, for all tests.
IndexStore shared_store() {
  struct Entry {
    std::vector<uint64_t> words;
    size_t size;
  };
  static auto *const entries = new std::map<std::string, Entry>;
  IndexStore store;
  store.save = [](const std::string &key, std::string_view bytes) {
    Entry entry{std::vector<uint64_t>(bytes.size() / 8 + 1), bytes.size()};
    memcpy(entry.words.data(), bytes.data(), bytes.size());
    (*entries)[key] = std::move(entry);
  };
  store.load = [](const std::string &key) -> std::optional<IndexBytes> {
    auto found = entries->find(key);
    if (found == entries->end())
      return std::nullopt;
    return IndexBytes{{reinterpret_cast<const char *>(found->second.words.data()), found->second.size}, nullptr};
  };
  return store;
}

std::unique_ptr<KernelTarget> open_target(const std::string &release, bool prefer_btf, bool hide_dwarf) {
  KernelTargetOptions options;
  options.release_or_dir = release;
  options.prefer_btf = prefer_btf;
  options.store = shared_store();
  if (hide_dwarf)
    options.places.debuginfo_path = "/nowhere";
  auto target = KernelTarget::open(options);
  return target ? std::move(*target) : nullptr;
}

// A kernel that has both, asked by either; indexed once for all tests.
struct Described {
  std::unique_ptr<KernelTarget> dwarf, btf;
};

const Described &described() {
  static const Described *const both = [] {
    auto *made = new Described;
    if (std::string release = release_with_dwarf(); !release.empty())
      *made = {open_target(release, false, false), open_target(release, true, false)};
    return made;
  }();
  return *both;
}

std::string text_of(const Access<VarAccess> &access) {
  if (const auto *failure = std::get_if<AccessFailure>(&access))
    return "failed: " + failure->observed;
  return describe(std::get<VarAccess>(access));
}

FunctionSite first_site(const Target &target, const std::string &name) {
  auto found = target.functions(name, FunctionKind::OutOfLine);
  return found && !found->sites.empty() ? found->sites[0] : FunctionSite{};
}

std::string variable(const Target &target, const std::string &function, const std::string &name,
                     const std::vector<PathStep> &path = {}) {
  FunctionSite site = first_site(target, function);
  return text_of(name == "return" ? target.return_value(site, path, false)
                                  : target.variable(site, name, path, false, false));
}

// What one of the two says of a value: its steps and type.
std::string said(const Access<VarAccess> &access) {
  const auto *value = std::get_if<VarAccess>(&access);
  return text_of(access) + (value ? " " + value->type.name : "");
}

bool is_problem(const Access<VarAccess> &access, AccessError error) {
  const auto *failure = std::get_if<AccessFailure>(&access);
  return failure && failure->error == error;
}

PathStep member(const char *name) { return {PathStep::Kind::Member, name, 0}; }

} // namespace

TEST(Btf, DamagedBytesAreRefused) {
  EXPECT_FALSE(Btf::open({}));
  // One `int`, then each truncation and each changed byte of it: never a bad read.
  std::string good;
  auto add = [&](std::initializer_list<uint32_t> words) {
    for (uint32_t word : words)
      good.append(reinterpret_cast<const char *>(&word), sizeof word);
  };
  add({0x0001eb9f, 24, 0, 16, 16, 5, 1, 0x01000000, 4, 0x01000020});
  good.append("\0int", 5);
  auto btf = Btf::open(good);
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->last(), 1u);
  EXPECT_EQ(btf->type(1).name, "int");
  EXPECT_TRUE(btf->integer(1).is_signed);
  EXPECT_EQ(btf->find(BtfKind::Int, "int"), 1u);
  EXPECT_EQ(btf->find(BtfKind::Int, "in"), 0u);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(Btf::open(std::span(good).first(size))) << size;
  for (size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      if (auto other = Btf::open(changed))
        for (BtfId id = 0; id <= other->last() + 1; ++id) {
          (void)other->members(id);
          (void)other->parameters(id);
          (void)other->enumerators(id);
          (void)other->array(id);
        }
    }
}

// A module's BTF goes on where the kernel's ends.
TEST(Btf, OfAModule) {
  const Target *btf = described().btf.get();
  if (!btf)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto kernel = ElfFile::open(btf->files().vmlinux);
  auto module = ElfFile::open("/lib/modules/" + btf->files().release + "/kernel/net/netfilter/nf_tables.ko");
  ASSERT_TRUE(kernel && module);
  auto base = BtfVariables::open((*kernel)->section_bytes(".BTF"));
  ASSERT_TRUE(base);
  EXPECT_EQ((*base)->function("nft_do_chain"), 0u);
  auto split = BtfVariables::open((*module)->section_bytes(".BTF"), base->get());
  ASSERT_TRUE(split);
  FunctionSite site;
  site.function = "nft_do_chain";
  site.die = (*split)->function("nft_do_chain");
  EXPECT_EQ((*split)->parameter_names(site), (std::vector<std::string>{"pkt", "priv"}));
  auto in_module = (*split)->variable(site, "pkt", {member("tprot")}, false); // its own type
  EXPECT_EQ(text_of(in_module).substr(0, 8), "reg:rdi ");
  auto in_kernel = (*split)->variable(site, "pkt", {member("skb"), member("len")}, false); // a type of the kernel
  EXPECT_EQ(said(in_kernel).substr(said(in_kernel).size() - 12), "unsigned int");
  size_t functions = 0, of_kernel = 0;
  (*split)->each_function([&](std::string_view name, TypeRef) {
    ++functions;
    of_kernel += name == "vfs_read";
  });
  EXPECT_GT(functions, 300u);
  EXPECT_EQ(of_kernel, 0u); // only its own
}

// Its functions are probed with no debuginfo at all.
TEST(Btf, FunctionsOfAModule) {
  auto releases = installed_releases();
  if (releases.empty())
    GTEST_SKIP() << "no kernel image is installed";
  for (const std::string &release : releases) {
    auto target = open_target(release, true, true);
    CodeQuery query;
    query.module = "nf_tables";
    query.pattern = parse_function_pattern("nft_do_chain");
    auto found = target->code(query);
    ASSERT_TRUE(found) << release;
    ASSERT_EQ(found->sites.size(), 1u) << release;
    auto length = target->variable(found->sites[0], "pkt", {member("skb"), member("len")}, false, false);
    EXPECT_EQ(text_of(length).substr(0, 8), "reg:rdi ") << release;
    EXPECT_EQ(target->variable_names(found->sites[0], true), (std::vector<std::string>{"pkt", "priv"}));
  }
}

TEST(KernelImage, IsUnpackedAndHasItsOwnSymbols) {
  auto releases = installed_releases();
  if (releases.empty())
    GTEST_SKIP() << "no kernel image is installed";
  for (const std::string &release : releases) {
    auto target = open_target(release, false, true);
    ASSERT_TRUE(target) << release;
    EXPECT_TRUE(target->files().vmlinux.empty());
    EXPECT_FALSE(kernel_image_stamp(target->files().image).empty());
    EXPECT_EQ(target->build_id().size(), 40u) << release;
    auto fact = target->symbol("vfs_read");
    ASSERT_TRUE(fact) << release;
    EXPECT_TRUE(fact->is_unique);
    EXPECT_GT(fact->address, 0xffffffff81000000u);
    FunctionSite site = first_site(*target, "vfs_read");
    EXPECT_EQ(site.address, fact->address);
    EXPECT_EQ(site.section, ".text");
    EXPECT_EQ(variable(*target, "vfs_read", "count"), "reg:rdx") << release;
    EXPECT_EQ(variable(*target, "vfs_read", "file", {member("f_inode"), member("i_ino")}).substr(0, 8), "reg:rdi ");
    EXPECT_EQ(variable(*target, "vfs_read", "return"), "reg:rax");
    EXPECT_EQ(target->variable_names(site, true), (std::vector<std::string>{"file", "buf", "count", "pos"}));
    auto refused = target->functions("do_int3", FunctionKind::OutOfLine);
    ASSERT_TRUE(refused) << release;
    EXPECT_TRUE(refused->sites.empty());
    ASSERT_EQ(refused->refused.size(), 1u);
    EXPECT_NE(refused->refused[0].blacklisted.find("blacklist"), std::string::npos);
    auto in_file = target->functions("vfs_read@fs/read_write.c", FunctionKind::OutOfLine);
    ASSERT_FALSE(in_file);
    EXPECT_NE(in_file.error().advice.find("linux-image-" + release + "-dbg"), std::string::npos);
  }
  EXPECT_FALSE(unpack_kernel_image("/boot/System.map-" + releases[0]));
}

// The image's symbols are those of vmlinux.
TEST(KernelImage, SymbolsAreVmlinuxs) {
  const Target *dwarf = described().dwarf.get();
  if (!dwarf)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto bare = open_target(dwarf->files().release, false, true);
  EXPECT_EQ(dwarf->build_id(), bare->build_id());
  auto all = dwarf->functions("*", FunctionKind::OutOfLine);
  ASSERT_TRUE(all);
  size_t compared = 0, differing = 0;
  for (const FunctionSite &site : all->sites) {
    auto fact = bare->symbol(site.symbol);
    if (site.offset != 0 || !site.symbol_is_unique || !fact)
      continue;
    ++compared;
    if (fact->address != site.address || !fact->is_unique)
      if (++differing < 10)
        ADD_FAILURE() << site.symbol;
  }
  EXPECT_EQ(differing, 0u);
  EXPECT_GT(compared, 30000u);
}

namespace {

// Counts of (function, value) pairs; what is left as `other` is listed.
struct Comparison {
  size_t functions = 0, values = 0, on_stack = 0, same = 0;
  // DWARF keeps no value of it at the entry; does not name it (an unnamed or unused parameter of a wrapper); describes
  // it in pieces; or has no type for what the function (assembly) returns.
  size_t not_available = 0, not_named = 0, in_pieces = 0, no_type = 0;
  size_t ambiguous = 0; // BTF has several functions of that name
  // The compiler's first location is that of a changed value: `count - 1` for `while (count--)`.
  size_t computed = 0;
  std::vector<std::string> other;

  void add(const std::string &what, const Access<VarAccess> &btf, const Access<VarAccess> &dwarf) {
    ++values;
    std::string left = said(btf), right = said(dwarf);
    on_stack += left.starts_with("reg:rsp");
    const auto *value = std::get_if<VarAccess>(&dwarf);
    if (left == right)
      ++same;
    else if (is_problem(btf, AccessError::NotAvailable))
      ++ambiguous;
    else if (is_problem(dwarf, AccessError::NotAvailable))
      ++not_available;
    else if (is_problem(dwarf, AccessError::NoSuchVariable))
      ++not_named;
    else if (is_problem(btf, AccessError::IsAggregate) && is_problem(dwarf, AccessError::Unsupported))
      ++in_pieces;
    else if (is_problem(btf, AccessError::NoReturnValue))
      ++no_type;
    else if (value && value->steps.size() > 2)
      ++computed;
    else
      other.push_back(what + ": BTF " + left + ", DWARF " + right);
  }
};

} // namespace

// Every function that both know and whose name one symbol has: the same parameters, with the same types, at the same
// places; and the same value returned. TAPJIT_BTF_DISAGREEMENTS names a file for the list of the others.
TEST(BtfAgainstDwarf, ValuesAtEntryAndReturn) {
  const Target *dwarf = described().dwarf.get(), *btf = described().btf.get();
  if (!btf)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto by_btf = btf->functions("*", FunctionKind::OutOfLine);
  auto by_dwarf = dwarf->functions("*", FunctionKind::OutOfLine);
  ASSERT_TRUE(by_btf && by_dwarf);
  std::map<uint64_t, const FunctionSite *> dwarf_site;
  for (const FunctionSite &site : by_dwarf->sites)
    dwarf_site[site.address] = &site;
  Comparison all;
  for (const FunctionSite &site : by_btf->sites) {
    auto other = dwarf_site.find(site.address);
    if (other == dwarf_site.end() || other->second->function != site.function)
      continue;
    ++all.functions;
    for (const std::string &name : btf->variable_names(site, true))
      all.add(site.function + " $" + name, btf->variable(site, name, {}, false, false),
              dwarf->variable(*other->second, name, {}, false, false));
    all.add(site.function + " $return", btf->return_value(site, {}, false),
            dwarf->return_value(*other->second, {}, false));
  }
  printf(
      "%zu functions, %zu values (%zu on the stack): %zu the same; by DWARF %zu not available, %zu not named, %zu in "
      "pieces, %zu without type, %zu computed; by BTF %zu ambiguous; %zu others\n",
      all.functions, all.values, all.on_stack, all.same, all.not_available, all.not_named, all.in_pieces, all.no_type,
      all.computed, all.ambiguous, all.other.size());
  if (const char *path = getenv("TAPJIT_BTF_DISAGREEMENTS"))
    if (FILE *file = fopen(path, "w")) {
      for (const std::string &line : all.other)
        fprintf(file, "%s\n", line.c_str());
      fclose(file);
    }
  EXPECT_GT(all.functions, 20000u);
  EXPECT_GT(all.on_stack, 500u);
  EXPECT_GT(all.same, all.values / 1000 * 995);
  // Prototypes of another function of that name, and a few functions whose first location libdw gives is a later one.
  EXPECT_LT(all.other.size(), all.values / 2000);
  EXPECT_LT(all.ambiguous, all.values / 200);
}

TEST(BtfAgainstDwarf, Paths) {
  const Target *dwarf = described().dwarf.get(), *btf = described().btf.get();
  if (!btf)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  using Path = std::vector<PathStep>;
  const std::vector<std::pair<const char *, Path>> casts = {
      {"struct task_struct", {member("pid")}},
      {"struct task_struct", {member("comm"), {PathStep::Kind::Index, "", 3}}},
      {"struct task_struct", {member("sched_migrated")}}, // a bit-field
      {"struct task_struct", {member("in_execve")}},      // another
      {"struct task_struct", {member("se"), member("vruntime")}},
      {"struct task_struct", {member("thread"), member("fsbase")}},
      {"struct task_struct", {member("mm"), member("pgd"), member("pgd")}}, // in an anonymous struct
      {"struct task_struct", {member("parent"), member("parent"), member("tgid")}},
      {"struct sock", {member("__sk_common"), member("skc_daddr")}}, // in an anonymous union
      {"struct sock", {member("sk_protocol")}},
      {"struct iphdr", {member("ihl")}},
      {"struct page", {member("_refcount"), member("counter")}},
      {"struct mm_struct", {member("saved_auxv"), {PathStep::Kind::DynamicIndex, "", 0}}},
      {"struct file", {{PathStep::Kind::Index, "", 2}, member("f_flags")}},
      {"struct file", {member("f_op"), member("read")}},
      {"struct inode", {member("i_mode")}},
      {"pid_t", {}},
      {"enum pid_type", {}},
  };
  for (const auto &[type, path] : casts) {
    Access<VarAccess> left = btf->cast(type, "", path, false), right = dwarf->cast(type, "", path, false);
    EXPECT_EQ(said(left), said(right)) << type;
    EXPECT_TRUE(std::holds_alternative<VarAccess>(left)) << type << ": " << said(left);
  }
  auto bad = btf->cast("struct task_struct", "", {member("pidd")}, false);
  ASSERT_TRUE(is_problem(bad, AccessError::NoSuchMember));
  EXPECT_EQ(std::get<AccessFailure>(bad).suggestions.at(0), "pid");
}

TEST(BtfAgainstDwarf, PrettyAndPerCpu) {
  const Target *dwarf = described().dwarf.get(), *btf = described().btf.get();
  if (!btf)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto pieces = [](const Target &target, const char *type, bool deep) {
    std::string text;
    auto access = target.cast(type, "", {}, false);
    if (const auto *found = std::get_if<VarAccess>(&access))
      for (const PrettyPiece &piece : target.pretty(found->type, deep)) {
        text += piece.text + piece.format + (piece.is_string ? "s" : "");
        for (const PathStep &step : piece.path)
          text += "." + step.member;
      }
    return text;
  };
  for (const char *type : {"struct path", "struct file", "struct iphdr", "struct page", "struct task_struct"})
    for (bool deep : {false, true}) {
      EXPECT_EQ(pieces(*btf, type, deep), pieces(*dwarf, type, deep)) << type;
      EXPECT_FALSE(pieces(*btf, type, deep).empty());
    }
  for (const char *name : {"current_task", "cpu_number", "this_cpu_off"})
    EXPECT_EQ(said(btf->global_variable(name, "", {}, false)), said(dwarf->global_variable(name, "", {}, false)))
        << name;
  EXPECT_EQ(said(btf->global_variable("runqueues", "", {member("nr_running")}, false)),
            said(dwarf->global_variable("runqueues", "", {member("nr_running")}, false)));
}

// Structs by value: in one register, in two, on the stack; returned in two registers.
TEST(BtfAgainstDwarf, StructsByValue) {
  const Target *btf = described().btf.get();
  if (!btf)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  // struct tnum tnum_and(struct tnum a, struct tnum b), each { u64 value; u64 mask; }
  EXPECT_EQ(variable(*btf, "tnum_and", "a", {member("value")}), "reg:rdi");
  EXPECT_EQ(variable(*btf, "tnum_and", "a", {member("mask")}), "reg:rsi");
  EXPECT_EQ(variable(*btf, "tnum_and", "b", {member("value")}), "reg:rdx");
  EXPECT_EQ(variable(*btf, "tnum_and", "b", {member("mask")}), "reg:rcx");
  EXPECT_EQ(variable(*btf, "tnum_and", "return", {member("value")}), "reg:rax");
  EXPECT_EQ(variable(*btf, "tnum_and", "return", {member("mask")}), "reg:rdx");
  // int do_tcp_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval, unsigned int optlen): optval is 16
  // bytes, of which the second 8 have the flag is_kernel.
  EXPECT_EQ(variable(*btf, "tcp_setsockopt", "optval", {member("is_kernel")}), "reg:r8 ext:u1");
  EXPECT_EQ(variable(*btf, "tcp_setsockopt", "optlen"), "reg:r9 ext:u32");
  auto whole = btf->variable(first_site(*btf, "tnum_and"), "a", {}, false, true);
  EXPECT_TRUE(is_problem(whole, AccessError::Unsupported));
}

TEST(Btf, NamesThatSeveralFunctionsShareAreRefused) {
  const Target *btf = described().btf.get();
  if (!btf)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto all = btf->functions("*", FunctionKind::OutOfLine);
  ASSERT_TRUE(all);
  size_t shared = 0;
  for (const FunctionSite &site : all->refused)
    shared += site.blacklisted.find("share that name") != std::string::npos;
  EXPECT_GT(shared, 20u);
}

} // namespace tapjit::target
