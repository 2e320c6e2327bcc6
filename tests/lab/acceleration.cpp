// SPDX-License-Identifier: MIT
#include <lab/machine/acceleration.hpp>
#include <lab/topology/files.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

using namespace kvmig;
using namespace kvmig::lab;

namespace {

/// A machine's tree with these facts; what is empty is not there.
struct machine_tree {
    test::temporary_directory root;
    machine_tree(const std::string &flags, const std::string &module, const std::string &nested,
                 bool device) {
        put("proc/cpuinfo",
            "processor\t: 0\nmodel name\t: a svm-less vmx\nflags\t\t: fpu " + flags + " lm\n");
        if (!module.empty()) put("sys/module/" + module + "/parameters/nested", nested + "\n");
        if (device) put("dev/kvm", "");
    }
    void put(const std::string &path, const std::string &content) {
        std::filesystem::create_directories((root.path() / path).parent_path());
        REQUIRE(write_file(root.path() / path, content));
    }
};

} // namespace

TEST_CASE("nested KVM takes the CPU's flag, the module's parameter and the device") {
    CHECK(detect_acceleration(machine_tree("vmx", "kvm_intel", "Y", true).root.path()).kvm);
    CHECK(detect_acceleration(machine_tree("svm", "kvm_amd", "1", true).root.path()).kvm);
}

TEST_CASE("a /dev/kvm alone proves nothing, and the reason is told") {
    const auto reason = [](const machine_tree &tree) {
        const acceleration found = detect_acceleration(tree.root.path());
        CHECK_FALSE(found.kvm);
        return found.reason;
    };
    CHECK(reason({"sse", "", "", true}).find("neither vmx nor svm") != std::string::npos);
    CHECK(reason({"vmx", "", "", true}).find("kvm_intel is not loaded") != std::string::npos);
    CHECK(reason({"vmx", "kvm_amd", "1", true}).find("kvm_intel") != std::string::npos);
    CHECK(reason({"svm", "kvm_amd", "0", true}).find("nested=0") != std::string::npos);
    CHECK(reason({"svm", "kvm_amd", "1", false}).find("/dev/kvm") != std::string::npos);
}

TEST_CASE("acceleration can be forced, but not against the machine") {
    const machine_tree without{"sse", "", "", true};
    CHECK(choose_acceleration("auto", without.root.path()).value().kvm == false);
    CHECK(choose_acceleration("tcg", without.root.path()).value().kvm == false);
    const auto forced = choose_acceleration("kvm", without.root.path());
    REQUIRE_FALSE(forced);
    CHECK(forced.error().kind == error_kind::environment);
    const auto unknown = choose_acceleration("xen", without.root.path());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().kind == error_kind::invalid_argument);
    CHECK(unknown.error().what.find("'xen'") != std::string::npos);
    const machine_tree with{"svm", "kvm_amd", "1", true};
    CHECK(choose_acceleration("tcg", with.root.path()).value().kvm == false);
    CHECK(choose_acceleration("kvm", with.root.path()).value().kvm);
}
