// SPDX-License-Identifier: GPL-2.0-or-later
// begin, end, error with an order, and never. The session runs them; see runtime/kernel/STATES.md for when.
#include "tapset/family.h"

namespace tapjit::tapset {

// Form 0 is without an order, which counts as 0.
static ProbeMatch session_site(const char *family, Components components, size_t form) {
  ResolvedSite site;
  site.context_kind = ir::ContextKind::Session;
  site.site.family = family;
  site.site.pp = point_text(components);
  site.site.constants.emplace_back("priority", form == 0 ? int64_t{0} : components[0].number);
  return single_site(std::move(site));
}

static ProbeMatch match_begin(FamilyState &, Components components, size_t form) {
  return session_site("begin", components, form);
}
static ProbeMatch match_end(FamilyState &, Components components, size_t form) {
  return session_site("end", components, form);
}
static ProbeMatch match_error(FamilyState &, Components components, size_t form) {
  return session_site("error", components, form);
}

static ProbeMatch match_never(FamilyState &, Components components, size_t) {
  ResolvedSite site;
  site.context_kind = ir::ContextKind::Session;
  site.site.family = "never";
  site.site.pp = point_text(components);
  return single_site(std::move(site));
}

static constexpr const char *begin_forms[] = {"begin", "begin(number)"};
static constexpr const char *end_forms[] = {"end", "end(number)"};
static constexpr const char *error_forms[] = {"error", "error(number)"};
static constexpr const char *never_forms[] = {"never"};

extern const FamilyHooks begin_family, end_family, error_family, never_family;
const FamilyHooks begin_family = {"begin", begin_forms, match_begin};
const FamilyHooks end_family = {"end", end_forms, match_end};
const FamilyHooks error_family = {"error", error_forms, match_error};
const FamilyHooks never_family = {"never", never_forms, match_never};

} // namespace tapjit::tapset
