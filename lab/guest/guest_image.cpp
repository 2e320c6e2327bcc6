// SPDX-License-Identifier: MIT
#include <lab/guest/guest_image.hpp>

#include <kvmig/host/command.hpp>
#include <lab/guest/cpio.hpp>
#include <lab/guest/module_order.hpp>
#include <lab/image/cache.hpp>
#include <lab/topology/files.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvmig::lab::guest {

namespace fs = std::filesystem;

namespace {

/// Goes up when the same inputs make another image than before.
constexpr std::string_view layout_version = "1";

struct named_content {
    std::string name;
    std::string content;
};

/// Everything in the image, read and in order.
struct parts {
    std::string agent;
    std::string busybox;
    std::vector<named_content> modules; ///< in loading order, not compressed
};

/// True for an x86-64 program that asks for no dynamic loader.
bool is_static_program(std::string_view file) {
    Elf64_Ehdr head{};
    if (file.size() < sizeof head) return false;
    std::memcpy(&head, file.data(), sizeof head);
    if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_machine != EM_X86_64 ||
        head.e_phentsize != sizeof(Elf64_Phdr)) {
        return false;
    }
    for (std::size_t i = 0; i < head.e_phnum; ++i) {
        const std::size_t at = head.e_phoff + i * sizeof(Elf64_Phdr);
        if (at > file.size() || file.size() - at < sizeof(Elf64_Phdr)) return false;
        Elf64_Phdr part{};
        std::memcpy(&part, file.data() + at, sizeof part);
        if (part.p_type == PT_INTERP) return false;
    }
    return true;
}

expected<std::string> read_program(const fs::path &path, const char *remedy) {
    auto content = read_file(path);
    if (!content) {
        return fail(make_error(error_kind::environment, "the guest's image lacks a program")
                        .about(path.string())
                        .advise(remedy)
                        .because(content.error()));
    }
    if (!is_static_program(*content)) {
        return fail(make_error(error_kind::environment,
                               "the program is no static one for x86-64, and the guest has no "
                               "libraries")
                        .about(path.string())
                        .advise(remedy));
    }
    return content;
}

/// The folder of one kernel's modules.
expected<fs::path> modules_folder_of(const guest_image_inputs &inputs) {
    std::vector<fs::path> found;
    for (const char *place : {"lib/modules", "usr/lib/modules"}) {
        std::error_code missing;
        for (const auto &entry : fs::directory_iterator{inputs.modules_root / place, missing}) {
            if (!fs::exists(entry.path() / "modules.dep")) continue;
            if (inputs.kernel.empty() || entry.path().filename() == inputs.kernel) {
                found.push_back(entry.path());
            }
        }
        if (!found.empty()) break; // /lib is often a link to /usr/lib
    }
    if (found.size() == 1) return found.front();
    error err = make_error(error_kind::environment,
                           found.empty() ? "there are no kernel modules for the guest"
                                         : "there are modules of several kernels");
    err.object = inputs.modules_root / "lib/modules" / inputs.kernel;
    err.remedy = found.empty() ? "install linux-image-cloud-amd64 in that tree"
                               : "name the kernel's version";
    return fail(std::move(err));
}

/// A module as the kernel takes it. Compressed ones (Debian 13) are unpacked here, since here is
/// faster than there, by the very busybox that goes into the image.
expected<std::string> read_module(const fs::path &path, const fs::path &busybox,
                                  const std::stop_token &stop) {
    const std::string extension = path.extension();
    if (extension == ".ko") return read_file(path);
    if (extension != ".xz" && extension != ".gz") {
        return fail(make_error(error_kind::unsupported,
                               "modules compressed as '" + extension + "' are not known")
                        .about(path.string()));
    }
    host::command unpack;
    unpack.argv = {busybox.string(), extension == ".xz" ? "xzcat" : "zcat", path.string()};
    unpack.timeout = std::chrono::minutes{1};
    auto result = host::run(unpack, stop);
    if (!result) return fail(result.error());
    if (result->status != 0) {
        return fail(make_error(error_kind::io, "cannot unpack a kernel module: " + result->err)
                        .about(path.string()));
    }
    return std::move(result->out);
}

expected<parts> read_parts(const guest_image_inputs &inputs, const std::stop_token &stop) {
    parts result;
    auto agent =
        read_program(inputs.agent, "build the target kvmig-guest-agent, without sanitizers");
    if (!agent) return fail(agent.error());
    auto busybox = read_program(inputs.busybox, "install the package busybox-static");
    if (!busybox) return fail(busybox.error());
    result.agent = std::move(*agent);
    result.busybox = std::move(*busybox);

    const auto folder = modules_folder_of(inputs);
    if (!folder) return fail(folder.error());
    const auto dependencies = read_file(*folder / "modules.dep");
    if (!dependencies) return fail(dependencies.error());
    const auto builtin = read_file(*folder / "modules.builtin");
    if (!builtin) return fail(builtin.error());
    auto order = module_order(*dependencies, *builtin, inputs.modules);
    if (!order) return fail(std::move(order.error()).about(folder->string()));
    for (const std::string &path : *order) {
        auto content = read_module(*folder / path, inputs.busybox, stop);
        if (!content) return fail(content.error());
        std::string name = fs::path{path}.filename();
        name.resize(name.find(".ko") + 3);
        result.modules.push_back({std::move(name), std::move(*content)});
    }
    return result;
}

} // namespace

const std::vector<std::string> &default_modules() {
    static const std::vector<std::string> modules{"virtio_pci", "virtio_net", "vmxnet3",
                                                  "virtio_blk", "button",     "evdev"};
    return modules;
}

expected<fs::path> find_agent(const fs::path &program) {
    std::error_code code;
    const fs::path folder = fs::canonical(program, code).parent_path();
    const fs::path beside = folder / "kvmig-guest-agent";
    const fs::path installed = folder.parent_path() / "libexec/kvmig/kvmig-guest-agent";
    for (const fs::path &agent : {beside, installed}) {
        if (fs::exists(agent, code)) return agent;
    }
    return fail(make_error(error_kind::environment, "the guest's agent is neither beside this "
                                                    "program nor at " +
                                                        installed.string())
                    .about(beside.string())
                    .advise("build the target kvmig-guest-agent, or install kvmig again"));
}

expected<std::string> guest_image_digest(const guest_image_inputs &inputs) {
    const auto all = read_parts(inputs, {});
    if (!all) return fail(all.error());
    std::vector<std::string> pieces{std::string(layout_version), all->agent, all->busybox};
    for (const auto &[name, content] : all->modules) {
        pieces.push_back(name);
        pieces.push_back(content);
    }
    return digest_of(pieces);
}

expected<void> build_guest_image(const guest_image_inputs &inputs, const fs::path &path,
                                 std::stop_token stop) {
    const auto all = read_parts(inputs, stop);
    if (!all) return fail(all.error());
    cpio_writer archive;
    for (const char *folder : {"bin", "dev", "modules", "proc", "sys", "tmp"}) {
        archive.add_directory(folder);
    }
    // The kernel opens it for its first process, before anything is mounted.
    archive.add_character_device("dev/console", 5, 1, 0600);
    archive.add_file("init", all->agent, 0755);
    archive.add_file("bin/busybox", all->busybox, 0755);
    archive.add_symlink("bin/sh", "busybox");
    std::string order;
    for (const auto &[name, content] : all->modules) {
        archive.add_file("modules/" + name, content, 0644);
        order += name + '\n';
    }
    archive.add_file("modules/order", order, 0644);
    return write_file(fs::absolute(path), archive.finish());
}

} // namespace kvmig::lab::guest
