// SPDX-License-Identifier: GPL-2.0-or-later
// The probe families over a fake kernel: which points they take, what the sites carry, what they say when there is
// none.
#include "frontend/target/fake_target.h"
#include "tapset/family.h"

#include <gtest/gtest.h>

namespace tapjit::tapset {

namespace {

using Arg = ast::PointComponent::Arg;

// Components of "kernel.function(\"x\").return" as the parser would give them; the text must outlive them.
std::vector<ProbeComponent> components_of(std::string_view text) {
  std::vector<ProbeComponent> components;
  while (!text.empty()) {
    ProbeComponent component;
    size_t end = text.find_first_of(".(");
    component.name = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), component.name.size()));
    if (text.starts_with("(\"")) {
      component.arg = Arg::string;
      component.text = text.substr(2, text.find("\")") - 2);
      text.remove_prefix(component.text.size() + 4);
    } else if (text.starts_with('(')) {
      component.arg = Arg::number;
      component.number = atoll(text.data() + 1);
      text.remove_prefix(text.find(')') + 1);
    }
    if (text.starts_with('.'))
      text.remove_prefix(1);
    components.push_back(component);
  }
  return components;
}

class Families : public testing::Test {
protected:
  void SetUp() override {
    kernel_.add_function("vfs_read", 0x1000, {"file", "buf", "count", "pos"});
    kernel_.add_function("vfs_write", 0x2000, {"file", "buf", "count", "pos"});
    kernel_.add_function("kernel_clone", 0x3000, {"args"});
    kernel_.known_tracepoints.push_back(
        {"sched_switch",
         "sched",
         "trace/events/sched.h",
         "bool preempt, struct task_struct *prev, enum state now",
         {{"bool", "preempt"}, {"struct task_struct *", "prev"}, {"enum state", "now"}}});
    kernel_.known_tracepoints.push_back({"nothing", "sched", "trace/events/sched.h", "", {}});
    families_ = make_probe_families(kernel_);
  }

  ProbeMatch match(std::string_view text) {
    auto components = components_of(text);
    return families_.match(components);
  }
  ResolvedSite site(std::string_view text) {
    ProbeMatch found = match(text);
    EXPECT_EQ(found.sites.size(), 1u) << text << ": " << found.reason;
    return found.sites.empty() ? ResolvedSite{} : found.sites[0];
  }
  static std::string constants(const ResolvedSite &site) {
    std::string text;
    for (const auto &[name, value] : site.site.constants) {
      const auto *number = std::get_if<int64_t>(&value);
      text +=
          (text.empty() ? "" : " ") + name + "=" + (number ? std::to_string(*number) : std::get<std::string>(value));
    }
    return text;
  }
  TargetAnswer variable(const ResolvedSite &site, std::string_view name) {
    TargetQuery query;
    query.name = name;
    return families_.target(site.targets, query);
  }

  target::FakeTarget kernel_;
  ProbeFamilies families_;
};

} // namespace

TEST_F(Families, SessionProbes) {
  EXPECT_EQ(constants(site("begin")), "priority=0");
  EXPECT_EQ(constants(site("begin(-5)")), "priority=-5");
  EXPECT_EQ(site("end(3)").site.family, "end");
  EXPECT_EQ(site("error").context_kind, ir::ContextKind::Session);
  EXPECT_EQ(site("never").site.family, "never");
  EXPECT_EQ(site("begin(-5)").site.pp, "begin(-5)");
}

TEST_F(Families, UnknownFormsAreNotKnown) {
  for (const char *text : {"begins", "begin(\"x\")", "timer.ms", "timer.fortnight(1)", "kernel.nonsense(7)", "kernel",
                           "timer.hz(3).randomize(1)"})
    EXPECT_FALSE(match(text).known) << text;
}

TEST_F(Families, TimersHaveNanosecondsOrTicks) {
  EXPECT_EQ(constants(site("timer.ms(10)")), "interval=10000000 randomize=0 jiffies=0");
  EXPECT_EQ(constants(site("timer.msec(10).randomize(3)")), "interval=10000000 randomize=3000000 jiffies=0");
  EXPECT_EQ(constants(site("timer.s(1)")), "interval=1000000000 randomize=0 jiffies=0");
  EXPECT_EQ(constants(site("timer.us(100)")), "interval=100000 randomize=0 jiffies=0");
  EXPECT_EQ(constants(site("timer.ns(100000)")), "interval=100000 randomize=0 jiffies=0");
  EXPECT_EQ(constants(site("timer.jiffies(4).randomize(4)")), "interval=4 randomize=4 jiffies=1");
  EXPECT_EQ(constants(site("timer.hz(3)")), "interval=333333334 randomize=0 jiffies=0");
  EXPECT_EQ(site("timer.s(1)").site.pp, "timer.s(1)");
}

TEST_F(Families, TimersOutOfRangeSayTheRange) {
  for (const char *text : {"timer.us(99)", "timer.ns(99999)", "timer.s(0)", "timer.s(86401)", "timer.ms(-1)",
                           "timer.jiffies(0)", "timer.jiffies(1000001)", "timer.s(9223372036854775807)", "timer.hz(0)",
                           "timer.hz(10001)", "timer.ms(5).randomize(6)", "timer.ms(5).randomize(-1)",
                           "timer.profile.freq.hz(0)", "timer.profile.freq.sample(0)"}) {
    ProbeMatch found = match(text);
    EXPECT_TRUE(found.known) << text;
    EXPECT_TRUE(found.sites.empty()) << text;
    EXPECT_FALSE(found.reason.empty()) << text;
  }
  EXPECT_NE(match("timer.us(99)").hint.find("100 microseconds"), std::string::npos);
  EXPECT_EQ(match("timer.ms(5).randomize(6)").component, 2u);
}

TEST_F(Families, FilesHaveModesAndSizes) {
  EXPECT_EQ(constants(site("procfs.read")), "path=command is_read=1 mode=256 maxsize=0");
  EXPECT_EQ(constants(site("procfs(\"a/b\").read.maxsize(7)")), "path=a/b is_read=1 mode=256 maxsize=7");
  EXPECT_EQ(constants(site("procfs(\"a\").umask(32).read")), "path=a is_read=1 mode=260 maxsize=0"); // 0040: 0404
  EXPECT_EQ(constants(site("procfs(\"a\").write")), "path=a is_read=0 mode=128 maxsize=0");
  EXPECT_EQ(constants(site("procfs.umask(0).write")), "path=command is_read=0 mode=146 maxsize=0");
  EXPECT_EQ(site("procfs(\"x\").umask(18).read").site.pp, "procfs(\"x\").umask(18).read");
  EXPECT_EQ(site("procfs(\"x\").write").context_kind, ir::ContextKind::Process);
  ProbeMatch second = match("procfs(\"a\").umask(0).read");
  EXPECT_EQ(second.reason, "another probe reads the file `a`");
  EXPECT_EQ(match("procfs(\"a\").write").sites.size(), 1u);
}

TEST_F(Families, FilesAreBelowTheDirectory) {
  const std::string long_name = "procfs(\"" + std::string(255, 'x') + "\").read";
  for (const char *text : {"procfs(\"/a\").read", "procfs(\"a/\").read", "procfs(\"\").write", "procfs(\"a//b\").read",
                           "procfs(\"..\").read", "procfs(\"a/./b\").write", "procfs(\"/\").read", long_name.c_str(),
                           "procfs.read.maxsize(0)", "procfs.read.maxsize(-1)", "procfs.read.maxsize(1073741825)"}) {
    ProbeMatch found = match(text);
    EXPECT_TRUE(found.known) << text;
    EXPECT_TRUE(found.sites.empty()) << text;
    EXPECT_FALSE(found.reason.empty()) << text;
  }
  EXPECT_EQ(match("procfs(\"a/../b\").read").reason, "a path with the component `..`");
  EXPECT_EQ(match("procfs.umask(0).read.maxsize(0)").component, 3u);
  EXPECT_FALSE(match("procfs.umask(0).maxsize(9).read").known);
}

TEST_F(Families, TheVariableOfAFileIsText) {
  TargetQuery query;
  query.name = "$value";
  ResolvedSite read = site("procfs(\"a\").read"), write = site("procfs(\"a\").write");
  TargetAnswer written = families_.target(write.targets, query);
  EXPECT_TRUE(written.found && written.access.is_text && !written.writable);
  EXPECT_FALSE(families_.target(read.targets, query).found);
  query.for_write = true;
  TargetAnswer reply = families_.target(read.targets, query);
  EXPECT_TRUE(reply.found && reply.access.is_text && reply.writable);
  EXPECT_EQ(reply.access.write.kind, target::WriteAccess::Kind::Reply);
  EXPECT_EQ(variable(write, "$val").hint, "did you mean `$value`?");
  query.address_of = true;
  EXPECT_FALSE(families_.target(write.targets, query).found);
}

TEST_F(Families, Profile) {
  EXPECT_EQ(constants(site("timer.profile")), "period=1000000 frequency=0");
  EXPECT_EQ(constants(site("timer.profile.freq.hz(99)")), "period=0 frequency=99");
  EXPECT_EQ(site("timer.profile.tick").site.family, "profile");
  EXPECT_EQ(constants(site("timer.profile.freq")), "period=1000000 frequency=0");
  EXPECT_EQ(constants(site("timer.profile.freq.sample(20000)")), "period=20000 frequency=0");
}

TEST_F(Families, FunctionsHaveAPlace) {
  ResolvedSite read = site("kernel.function(\"vfs_read\")");
  EXPECT_EQ(read.site.family, "kprobe");
  EXPECT_EQ(constants(read), "symbol=vfs_read offset=0");
  EXPECT_EQ(read.site.function, "vfs_read");
  EXPECT_EQ(read.site.pp, "kernel.function(\"vfs_read@fake/vfs_read.c:1\")");
  EXPECT_EQ(site("kernel.function(\"vfs_read\").call").site.pp, "kernel.function(\"vfs_read@fake/vfs_read.c:1\").call");
  EXPECT_EQ(match("kernel.function(\"vfs_*\")").sites.size(), 2u);
  EXPECT_EQ(match("kernel.function(\"vfs_*@vfs_write.c\")").sites.size(), 1u);
}

TEST_F(Families, SharedNamesArePlacedByAddress) {
  kernel_.known_functions[0].site.symbol_is_unique = false;
  EXPECT_EQ(constants(site("kernel.function(\"vfs_read\")")), "address=4096 anchor_symbol=kernel_clone anchor=12288");
}

TEST_F(Families, StatementsLabelsAndCallees) {
  target::FakeFunction &read = kernel_.known_functions[0];
  read.lines = {{3, 0x1010}, {5, 0x1020}};
  read.labels = {{"out", 5}};
  ResolvedSite statement = site("kernel.statement(\"vfs_read@vfs_read.c:3\")");
  EXPECT_EQ(statement.site.pp, "kernel.statement(\"vfs_read@fake/vfs_read.c:3\")");
  EXPECT_EQ(constants(statement), "symbol=vfs_read offset=16");
  EXPECT_EQ(match("kernel.statement(\"vfs_read@vfs_read.c:*\")").sites.size(), 2u);
  EXPECT_EQ(match("kernel.statement(\"vfs_read@vfs_read.c+4\")").sites.size(), 1u);
  EXPECT_EQ(match("kernel.statement(\"vfs_read@vfs_read.c:4\")").reason, "there is no such place in it");
  EXPECT_EQ(match("kernel.statement(\"vfs_read@vfs_read.c:x\")").sites.size(), 0u);
  ResolvedSite label = site("kernel.function(\"vfs_read\").label(\"o*\")");
  EXPECT_EQ(label.site.pp, "kernel.function(\"vfs_read@fake/vfs_read.c:5\").label(\"out\")");
  EXPECT_EQ(constants(label), "symbol=vfs_read offset=32");
}

TEST_F(Families, CalleesKnowTheCodeOfTheirCaller) {
  kernel_.known_functions[0].callees = {"vfs_write"};
  const char *point = "kernel.function(\"vfs_read\").callee(\"vfs_write\")";
  ResolvedSite callee = site(point);
  EXPECT_EQ(constants(callee), "symbol=vfs_write offset=0");
  ASSERT_EQ(callee.callers.size(), 1u);
  EXPECT_EQ(callee.callers[0].begin, 0x1000u);
  EXPECT_EQ(callee.callers[0].end, 0x1040u);
  EXPECT_EQ(callee.callers[0].anchor_symbol, "kernel_clone");
  EXPECT_EQ(callee.callers[0].anchor, 0x3000u);
  families_ = make_probe_families(kernel_, {.any_caller = true});
  EXPECT_TRUE(site(point).callers.empty());
}

TEST_F(Families, CalleesInModulesNeedAPlaceOfEachPartOfTheirCaller) {
  target::FunctionSite callee = kernel_.known_functions[0].site;
  callee.module = "loop";
  callee.function = callee.symbol = "lo_ioctl";
  callee.caller = "lo_open@loop.c:1";
  callee.caller_code = {{0x100, 0x110}, {0x5000, 0x5040}};
  callee.caller_anchors = {std::pair("lo_cold", 0xf0), std::pair("lo_hot", 0x4000)};
  kernel_.known_functions.emplace_back().site = callee;
  const char *point = "module(\"loop\").function(\"lo_ioctl\")";
  std::vector<CallerCode> callers = site(point).callers;
  ASSERT_EQ(callers.size(), 2u);
  EXPECT_EQ(callers[0].anchor_symbol, "loop:lo_cold");
  EXPECT_EQ(callers[1].anchor_symbol, "loop:lo_hot");
  EXPECT_EQ(callers[1].anchor, 0x4000u);
  kernel_.known_functions.back().site.caller_anchors[0] = std::nullopt;
  ProbeMatch refused = match(point);
  EXPECT_TRUE(refused.sites.empty());
  EXPECT_EQ(refused.reason, "`lo_ioctl` cannot be probed: no symbol tells where the code of `lo_open@loop.c:1` is in "
                            "module `loop`");
  families_ = make_probe_families(kernel_, {.any_caller = true});
  EXPECT_EQ(match(point).sites.size(), 1u);
}

TEST_F(Families, ModulesArePlacedByTheirOwnSymbols) {
  target::FakeFunction in_module = kernel_.known_functions[0];
  in_module.site.module = "loop";
  in_module.site.function = in_module.site.symbol = "lo_ioctl";
  in_module.site.address = 0x5000;
  kernel_.known_functions.push_back(in_module);
  ResolvedSite unique = site("module(\"lo*\").function(\"lo_ioctl\").call");
  EXPECT_EQ(unique.site.pp, "module(\"loop\").function(\"lo_ioctl@fake/vfs_read.c:1\").call");
  EXPECT_EQ(constants(unique), "symbol=loop:lo_ioctl offset=0");
  EXPECT_EQ(match("kernel.function(\"lo_ioctl\")").sites.size(), 0u);
  EXPECT_EQ(match("module(\"loop\").function(\"vfs_read\")").reason, "module `loop` has no function `vfs_read`");
  target::FunctionSite &shared = kernel_.known_functions.back().site;
  shared.symbol_is_unique = false;
  shared.anchor_symbol = "lo_open";
  shared.anchor = 0x4000;
  EXPECT_EQ(constants(site("module(\"loop\").function(\"lo_ioctl\")")),
            "address=20480 anchor_symbol=loop:lo_open anchor=16384");
  kernel_.known_functions.back().site.build_id = "01ab";
  EXPECT_EQ(constants(site("module(\"loop\").function(\"lo_ioctl\")")),
            "build_id=01ab address=20480 anchor_symbol=loop:lo_open anchor=16384");
}

TEST_F(Families, Addresses) {
  ResolvedSite function = site("kernel.function(4096)");
  EXPECT_EQ(function.site.pp, "kernel.function(0x1000)");
  EXPECT_EQ(constants(function), "symbol=vfs_read offset=0");
  EXPECT_EQ(match("kernel.function(4097)").reason, "no function is there");
  EXPECT_NE(match("kernel.statement(4096).absolute").hint.find("-g"), std::string::npos);
  families_ = make_probe_families(kernel_, {.guru = true});
  EXPECT_EQ(constants(site("kernel.statement(4096).absolute")), "address=4096");
  EXPECT_EQ(constants(site("kprobe.statement(4096).absolute")), "address=4096");
}

TEST_F(Families, FormsOfOldVersions) {
  auto has_inline = [&](const char *compatible) {
    families_ = make_probe_families(kernel_, {.compatible = compatible});
    return std::any_of(families_.patterns.begin(), families_.patterns.end(), [](const ProbePattern &pattern) {
      return pattern.components.back().name == "inline" && pattern.components[1].arg == Arg::number;
    });
  };
  EXPECT_TRUE(has_inline("1.6"));
  EXPECT_TRUE(has_inline("1.7"));
  EXPECT_FALSE(has_inline("1.8"));
  EXPECT_FALSE(has_inline("5.6"));
}

TEST_F(Families, CastLooksInTheModuleOfTheProbe) {
  kernel_.known_functions[0].site.module = "loop";
  auto looked = [&](const char *compatible, std::string_view given) {
    families_ = make_probe_families(kernel_, {.compatible = compatible});
    TargetQuery query;
    query.root = ast::Target::Root::cast;
    query.type = "loop_device";
    query.module = given;
    families_.target(site("module(\"loop\").function(\"vfs_read\")").targets, query);
    return kernel_.type_modules;
  };
  EXPECT_EQ(looked("5.6", ""), "loop:kernel");
  EXPECT_EQ(looked("4.3", ""), "loop:kernel");
  EXPECT_EQ(looked("4.2", ""), "");
  EXPECT_EQ(looked("4.2", "nbd"), "nbd");
}

TEST_F(Families, RefusedFunctionsAreWarnedOf) {
  kernel_.known_functions[0].site.blacklisted = "it is in the kernel's .noinstr.text";
  ProbeMatch found = match("kernel.function(\"vfs_*\")");
  EXPECT_EQ(found.sites.size(), 1u);
  ASSERT_EQ(found.warnings.size(), 1u);
  EXPECT_EQ(found.warnings[0], "`vfs_read` is left out: it is in the kernel's .noinstr.text");
}

TEST_F(Families, ReturnProbes) {
  ResolvedSite plain = site("kernel.function(\"vfs_read\").return");
  EXPECT_TRUE(plain.is_return);
  EXPECT_EQ(plain.site.family, "kretprobe");
  EXPECT_EQ(constants(plain), "symbol=vfs_read offset=0 maxactive=0");
  EXPECT_EQ(constants(site("kernel.function(\"vfs_read\").return.maxactive(50)")),
            "symbol=vfs_read offset=0 maxactive=50");
  EXPECT_EQ(constants(site("kernel.function(\"vfs_read\").return.maxactive(0)")),
            "symbol=vfs_read offset=0 maxactive=0");
  EXPECT_TRUE(match("kernel.function(\"vfs_read\").return.maxactive(32768)").sites.empty());
}

TEST_F(Families, VariablesOfFunctions) {
  ResolvedSite entry = site("kernel.function(\"vfs_read\")");
  ASSERT_TRUE(entry.targets.valid());
  TargetAnswer count = variable(entry, "$count");
  ASSERT_TRUE(count.found);
  EXPECT_EQ(target::describe(count.access), "reg:rdx");
  EXPECT_FALSE(count.writable);
  EXPECT_FALSE(variable(entry, "$return").found);
  TargetAnswer unknown = variable(entry, "$cuont");
  EXPECT_FALSE(unknown.found);
  EXPECT_EQ(unknown.hint, "did you mean `$count`?");
  ResolvedSite at_return = site("kernel.function(\"vfs_read\").return");
  EXPECT_TRUE(variable(at_return, "$count").access.at_entry);
  EXPECT_EQ(target::describe(variable(at_return, "$return").access), "reg:rax");
  EXPECT_EQ(families_.names(entry.targets, "$$parms"), (std::vector<std::string>{"$file", "$buf", "$count", "$pos"}));
  EXPECT_EQ(families_.names(at_return.targets, "$$return"), std::vector<std::string>{"$return"});
  EXPECT_TRUE(families_.names(entry.targets, "$$return").empty());
}

TEST_F(Families, NoVariablesWithoutAContext) {
  EXPECT_FALSE(site("timer.s(1)").targets.valid());
  TargetAnswer none = variable(site("timer.s(1)"), "$x");
  EXPECT_FALSE(none.found);
  EXPECT_FALSE(none.reason.empty());
}

TEST_F(Families, MissingFunctionsSayWhatIsNear) {
  ProbeMatch found = match("kernel.function(\"vfs_raed\")");
  EXPECT_TRUE(found.known);
  EXPECT_TRUE(found.sites.empty());
  EXPECT_EQ(found.reason, "the kernel has no function `vfs_raed`");
  ASSERT_TRUE(found.late_hint);
  EXPECT_EQ(found.late_hint(), "did you mean `vfs_read`?");
  EXPECT_EQ(found.component, 1u);
  EXPECT_FALSE(match("kernel.function(\"vfs_read@fs/read_write.c:450\")").reason.empty());
  EXPECT_FALSE(match("kernel.function(\"\")").reason.empty());
}

TEST_F(Families, RefusedFunctionsSayWhy) {
  kernel_.known_functions[0].site.blacklisted = "it is in the kernel's .noinstr.text";
  ProbeMatch found = match("kernel.function(\"vfs_read\")");
  EXPECT_TRUE(found.sites.empty());
  EXPECT_EQ(found.reason, "`vfs_read` cannot be probed: it is in the kernel's .noinstr.text");
}

TEST_F(Families, InlinedFunctionsSaySo) {
  kernel_.known_functions[0].site.is_inline = true;
  EXPECT_NE(match("kernel.function(\"vfs_read\").call").hint.find(".inline"), std::string::npos);
  EXPECT_EQ(match("kernel.function(\"vfs_read\").inline").sites.size(), 1u);
}

TEST_F(Families, MissingDebuginfoSaysWhatToInstall) {
  kernel_.functions_error = Error{"no symbols of kernel 6.1.0 were found", "install `linux-image-6.1.0-dbg`"};
  ProbeMatch found = match("kernel.function(\"vfs_read\")");
  EXPECT_EQ(found.reason, "no symbols of kernel 6.1.0 were found");
  EXPECT_EQ(found.hint, "install `linux-image-6.1.0-dbg`");
}

TEST_F(Families, KprobesBySymbol) {
  EXPECT_EQ(constants(site("kprobe.function(\"vfs_read\")")),
            "symbol=vfs_read offset=0 address=4096 anchor_symbol=kernel_clone anchor=12288");
  EXPECT_FALSE(site("kprobe.function(\"vfs_read\")").targets.valid());
  EXPECT_EQ(constants(site("kprobe.module(\"ext4\").function(\"ext4_sync_fs\").return")),
            "symbol=ext4:ext4_sync_fs offset=0 maxactive=0");
  EXPECT_TRUE(match("kprobe.function(\"vfs_*\")").sites.empty());
  EXPECT_TRUE(match("kprobe.function(\"vfs_raed\")").sites.empty());
}

TEST_F(Families, Tracepoints) {
  ResolvedSite found = site("kernel.trace(\"sched_switch\")");
  EXPECT_EQ(found.site.family, "tracepoint");
  EXPECT_EQ(found.site.pp, "kernel.trace(\"sched:sched_switch\")");
  EXPECT_EQ(constants(found), "name=sched_switch");
  EXPECT_EQ(found.site.glue, (std::vector<std::string>{"(bool preempt, void *prev, unsigned int now)",
                                                       "(int64_t)preempt", "(int64_t)(long)prev", "(int64_t)now"}));
  EXPECT_EQ(target::describe(variable(found, "$prev").access), "arg:1");
  EXPECT_EQ(variable(found, "$$name").text, "sched_switch");
  EXPECT_EQ(variable(found, "$$system").text, "sched");
  EXPECT_EQ(families_.names(found.targets, "$$vars"), (std::vector<std::string>{"$preempt", "$prev", "$now"}));
  EXPECT_EQ(site("kernel.trace(\"sched:nothing\")").site.glue, (std::vector<std::string>{"(long tap_none)", "0"}));
  EXPECT_EQ(match("kernel.trace(\"sched_swich\")").hint, "did you mean `sched_switch`?");
}

TEST_F(Families, TracepointsOfModules) {
  kernel_.tracepoint_modules["nothing"] = {"some_module", "01ab"};
  EXPECT_EQ(constants(site("kernel.trace(\"nothing\")")), "name=nothing module=some_module build_id=01ab");
  kernel_.tracepoint_modules["nothing"].build_id.clear();
  EXPECT_EQ(constants(site("kernel.trace(\"nothing\")")), "name=nothing module=some_module");
}

TEST_F(Families, TracepointsByTheNumbersOfTheirArguments) {
  ResolvedSite found = site("kernel.tracepoint(\"sched_switch\")");
  EXPECT_EQ(found.site.pp, "kernel.tracepoint(\"sched_switch\")");
  EXPECT_EQ(constants(found), "name=sched_switch");
  EXPECT_EQ(target::describe(variable(found, "$arg2").access), "arg:1");
  EXPECT_FALSE(variable(found, "$prev").found);
  EXPECT_EQ(variable(found, "$$name").text, "sched_switch");
  EXPECT_EQ(variable(found, "$$system").text, "");
  EXPECT_EQ(families_.names(found.targets, "$$vars"), (std::vector<std::string>{"$arg1", "$arg2", "$arg3"}));
  EXPECT_EQ(match("kernel.tracepoint(\"sched:sched_switch\")").reason, "an event stands here without its system");
}

TEST_F(Families, KernelsThatCheckTypesGetTheEventsOwnPrototype) {
  kernel_.config["CONFIG_CFI_CLANG"] = "y";
  EXPECT_EQ(site("kernel.trace(\"sched_switch\")").site.glue[0],
            "(bool preempt, struct task_struct *prev, enum state now)");
}

} // namespace tapjit::tapset
