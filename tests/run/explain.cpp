// SPDX-License-Identifier: MIT
// Failures explained by their words, and by libvirt's own test driver where these are a symptom.
#include <kvmig/run/explain.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace kvmig;

namespace {

error told_by_daemon(const std::string &words) {
    error out = make_error(error_kind::failed, "the migration of the domain 'test' failed");
    error below = make_error(error_kind::failed, words);
    libvirt_code &code = below.libvirt.emplace();
    code.domain = VIR_FROM_RPC;
    code.code = VIR_ERR_SYSTEM_ERROR;
    code.level = VIR_ERR_ERROR;
    out.causes.push_back(below);
    return out;
}

bool has(const std::vector<diagnosis::cause> &causes, std::string_view id) {
    return std::any_of(causes.begin(), causes.end(),
                       [&](const diagnosis::cause &one) { return one.about->id == id; });
}

constexpr const char *ended = "End of file while reading data: : Input/output error";

/// The test driver's own domain, moved onto the host on which it runs.
diagnosis::report explained(const error &why) {
    const auto on = test::node();
    const auto domain = libvirt::domain::find(on, "test");
    REQUIRE(domain);
    return run::explain(why, *domain, on, on.uri());
}

} // namespace

TEST_CASE("a symptom alone is no cause") {
    const auto told = run::explain(told_by_daemon(ended));
    REQUIRE(has(told.causes, "KVM-DMN-002"));
    CHECK_FALSE(run::names_cause(told));
    CHECK_FALSE(run::names_cause({}));
    CHECK(run::names_cause(run::explain(
        told_by_daemon("unable to connect to server at 'kvm02:49152': No route to host"))));
}

TEST_CASE("behind a symptom of libvirt's both hosts are asked what blocks the migration") {
    const auto told = explained(told_by_daemon(ended));
    CHECK(run::names_cause(told));
    CHECK(has(told.causes, "KVM-IDN-004"));
    CHECK(has(told.symptoms, "KVM-DMN-002"));
}

TEST_CASE("a cause that was told, and a refusal of the library's own, need no host") {
    const auto route =
        explained(told_by_daemon("unable to connect to server at 'kvm02:49152': No route to host"));
    REQUIRE(run::names_cause(route));
    CHECK_FALSE(has(route.causes, "KVM-IDN-004"));
    const auto own = explained(make_error(error_kind::failed, "the images differ"));
    CHECK(own.causes.empty());
}

TEST_CASE("what only warned is no cause of a failure") {
    precheck::report found;
    found.findings.push_back({.id = "KVM-STO-001",
                              .how = precheck::severity::warns,
                              .host = "kvm02",
                              .title = "",
                              .seen = "it may be",
                              .why = "",
                              .source = ""});
    evidence all;
    run::add_findings(all, found);
    CHECK(all.findings.empty());
    found.findings.front().how = precheck::severity::blocks;
    run::add_findings(all, found);
    REQUIRE(all.findings.size() == 1);
    CHECK(all.findings.front().id == "KVM-STO-001");
    CHECK(all.findings.front().severity == "blocks");
    CHECK(all.findings.front().seen == "it may be");
    CHECK(all.findings.front().host == "kvm02");
}
