// SPDX-License-Identifier: MIT
/// The members of all that facts are made of, under the names that `kvmig.facts/1` has for them.
#pragma once

#include <lab/facts/fields.hpp>

#include <kvmig/precheck/facts.hpp>

#include <tuple>

namespace kvmig::lab {

template <> struct fields_of<model::network_host> {
    using type = model::network_host;
    static constexpr std::tuple all{field{"name", &type::name}, field{"port", &type::port},
                                    field{"transport", &type::transport}};
};

template <> struct fields_of<model::disk_source> {
    using type = model::disk_source;
    static constexpr std::tuple all{
        field{"kind", &type::kind},    field{"format", &type::format},
        field{"path", &type::path},    field{"protocol", &type::protocol},
        field{"hosts", &type::hosts},  field{"pool", &type::pool},
        field{"volume", &type::volume}};
};

template <> struct fields_of<model::disk> {
    using type = model::disk;
    static constexpr std::tuple all{field{"device", &type::device},
                                    field{"target", &type::target},
                                    field{"bus", &type::bus},
                                    field{"cache", &type::cache},
                                    field{"source", &type::source},
                                    field{"backing", &type::backing},
                                    field{"readonly", &type::readonly},
                                    field{"shareable", &type::shareable},
                                    field{"transient", &type::transient},
                                    field{"startup_policy", &type::startup_policy}};
};

template <> struct fields_of<model::interface> {
    using type = model::interface;
    static constexpr std::tuple all{
        field{"type", &type::type},       field{"source", &type::source},
        field{"mode", &type::mode},       field{"mac", &type::mac},
        field{"model", &type::model},     field{"target", &type::target},
        field{"teaming", &type::teaming}, field{"filter", &type::filter},
        field{"network", &type::network}};
};

template <> struct fields_of<model::graphics> {
    using type = model::graphics;
    static constexpr std::tuple all{field{"type", &type::type}, field{"port", &type::port},
                                    field{"listen", &type::listen}};
};

template <> struct fields_of<model::host_device> {
    using type = model::host_device;
    static constexpr std::tuple all{field{"mode", &type::mode}, field{"type", &type::type},
                                    field{"address", &type::address},
                                    field{"teaming", &type::teaming}};
};

template <> struct fields_of<model::cpu_feature> {
    using type = model::cpu_feature;
    static constexpr std::tuple all{field{"name", &type::name}, field{"policy", &type::policy}};
};

template <> struct fields_of<model::memory_device> {
    using type = model::memory_device;
    static constexpr std::tuple all{field{"model", &type::model}, field{"placed", &type::placed}};
};

template <> struct fields_of<model::shared_memory> {
    using type = model::shared_memory;
    static constexpr std::tuple all{field{"name", &type::name}, field{"model", &type::model},
                                    field{"role", &type::role}};
};

template <> struct fields_of<model::tpm> {
    using type = model::tpm;
    static constexpr std::tuple all{field{"backend", &type::backend}};
};

template <> struct fields_of<model::video> {
    using type = model::video;
    static constexpr std::tuple all{field{"model", &type::model}, field{"accel3d", &type::accel3d}};
};

template <> struct fields_of<model::domain> {
    using type = model::domain;
    static constexpr std::tuple all{field{"type", &type::type},
                                    field{"name", &type::name},
                                    field{"uuid", &type::uuid},
                                    field{"memory", &type::memory},
                                    field{"current_memory", &type::current_memory},
                                    field{"vcpus", &type::vcpus},
                                    field{"current_vcpus", &type::current_vcpus},
                                    field{"arch", &type::arch},
                                    field{"machine", &type::machine},
                                    field{"loader", &type::loader},
                                    field{"nvram", &type::nvram},
                                    field{"emulator", &type::emulator},
                                    field{"cpu_mode", &type::cpu_mode},
                                    field{"cpu_model", &type::cpu_model},
                                    field{"features", &type::features},
                                    field{"hugepages", &type::hugepages},
                                    field{"disks", &type::disks},
                                    field{"interfaces", &type::interfaces},
                                    field{"graphics", &type::graphics},
                                    field{"host_devices", &type::host_devices},
                                    field{"filesystems", &type::filesystems},
                                    field{"cpu_features", &type::cpu_features},
                                    field{"tsc_frequency", &type::tsc_frequency},
                                    field{"hyperv_mode", &type::hyperv_mode},
                                    field{"hugepage_sizes", &type::hugepage_sizes},
                                    field{"locked", &type::locked},
                                    field{"memory_devices", &type::memory_devices},
                                    field{"shared_memories", &type::shared_memories},
                                    field{"tpms", &type::tpms},
                                    field{"videos", &type::videos},
                                    field{"channels", &type::channels},
                                    field{"launch_security", &type::launch_security},
                                    field{"security_models", &type::security_models},
                                    field{"secrets", &type::secrets}};
};

template <> struct fields_of<model::domain_status> {
    using type = model::domain_status;
    static constexpr std::tuple all{field{"state", &type::state}, field{"reason", &type::reason},
                                    field{"reason_text", &type::reason_text},
                                    field{"active", &type::active},
                                    field{"persistent", &type::persistent}};
};

template <> struct fields_of<model::version> {
    using type = model::version;
    static constexpr std::tuple all{field{"major", &type::major_number},
                                    field{"minor", &type::minor_number},
                                    field{"release", &type::release}};
};

template <> struct fields_of<model::machine_type> {
    using type = model::machine_type;
    static constexpr std::tuple all{field{"name", &type::name},
                                    field{"max_vcpus", &type::max_vcpus}};
};

template <> struct fields_of<model::guest_support> {
    using type = model::guest_support;
    static constexpr std::tuple all{field{"os_type", &type::os_type}, field{"arch", &type::arch},
                                    field{"emulator", &type::emulator},
                                    field{"types", &type::types},
                                    field{"machines", &type::machines}};
};

template <> struct fields_of<model::capabilities> {
    using type = model::capabilities;
    static constexpr std::tuple all{field{"host_uuid", &type::host_uuid},
                                    field{"arch", &type::arch},
                                    field{"cpu_model", &type::cpu_model},
                                    field{"cpu_vendor", &type::cpu_vendor},
                                    field{"live_migration", &type::live_migration},
                                    field{"migration_transports", &type::migration_transports},
                                    field{"security_models", &type::security_models},
                                    field{"page_sizes", &type::page_sizes},
                                    field{"numa_cells", &type::numa_cells},
                                    field{"guests", &type::guests}};
};

template <> struct fields_of<model::domain_capabilities> {
    using type = model::domain_capabilities;
    static constexpr std::tuple all{
        field{"cpu_modes", &type::cpu_modes}, field{"cpu_models", &type::cpu_models},
        field{"loaders", &type::loaders}, field{"tpm_backends", &type::tpm_backends}};
};

template <> struct fields_of<model::tried_port> {
    using type = model::tried_port;
    static constexpr std::tuple all{field{"port", &type::port}, field{"answer", &type::answer}};
};

template <> struct fields_of<model::shared_answer> {
    using type = model::shared_answer;
    static constexpr std::tuple all{field{"verdict", &type::verdict}, field{"seen", &type::seen},
                                    field{"in_export", &type::in_export}};
};

template <> struct fields_of<model::export_access> {
    using type = model::export_access;
    static constexpr std::tuple all{
        field{"flavor", &type::flavor}, field{"rw", &type::rw}, field{"secure", &type::secure},
        field{"root_squash", &type::root_squash}, field{"all_squash", &type::all_squash}};
};

template <> struct fields_of<model::export_options> {
    using type = model::export_options;
    static constexpr std::tuple all{field{"async", &type::async},
                                    field{"wdelay", &type::wdelay},
                                    field{"hide", &type::hide},
                                    field{"crossmnt", &type::crossmnt},
                                    field{"subtree_check", &type::subtree_check},
                                    field{"secure_locks", &type::secure_locks},
                                    field{"acl", &type::acl},
                                    field{"pnfs", &type::pnfs},
                                    field{"nordirplus", &type::nordirplus},
                                    field{"security_label", &type::security_label},
                                    field{"mountpoint", &type::mountpoint},
                                    field{"fsid", &type::fsid},
                                    field{"refer", &type::refer},
                                    field{"replicas", &type::replicas},
                                    field{"anonuid", &type::anonuid},
                                    field{"anongid", &type::anongid},
                                    field{"access", &type::access},
                                    field{"others", &type::others}};
};

template <> struct fields_of<model::export_client> {
    using type = model::export_client;
    static constexpr std::tuple all{field{"name", &type::name}, field{"kind", &type::kind},
                                    field{"options", &type::options}, field{"line", &type::line},
                                    field{"apart", &type::apart}};
};

template <> struct fields_of<model::nfs_export> {
    using type = model::nfs_export;
    static constexpr std::tuple all{field{"path", &type::path}, field{"clients", &type::clients},
                                    field{"file", &type::file}};
};

template <> struct fields_of<model::nfs_mount> {
    using type = model::nfs_mount;
    static constexpr std::tuple all{field{"server", &type::server},
                                    field{"path", &type::path},
                                    field{"mountpoint", &type::mountpoint},
                                    field{"version", &type::version},
                                    field{"patience", &type::patience},
                                    field{"readonly", &type::readonly},
                                    field{"nolock", &type::nolock},
                                    field{"local", &type::local},
                                    field{"proto", &type::proto},
                                    field{"sec", &type::sec},
                                    field{"addr", &type::addr},
                                    field{"rsize", &type::rsize},
                                    field{"wsize", &type::wsize},
                                    field{"timeo", &type::timeo},
                                    field{"retrans", &type::retrans},
                                    field{"noac", &type::noac},
                                    field{"nocto", &type::nocto},
                                    field{"acregmin", &type::acregmin},
                                    field{"acregmax", &type::acregmax},
                                    field{"acdirmin", &type::acdirmin},
                                    field{"acdirmax", &type::acdirmax}};
};

template <> struct fields_of<precheck::image> {
    using type = precheck::image;
    static constexpr std::tuple all{field{"capacity", &type::capacity},
                                    field{"format", &type::format}};
};

template <> struct fields_of<precheck::storage_place> {
    using type = precheck::storage_place;
    static constexpr std::tuple all{
        field{"pool", &type::pool},           field{"active", &type::active},
        field{"type", &type::type},           field{"server", &type::server},
        field{"directory", &type::directory}, field{"format", &type::format},
        field{"available", &type::available}, field{"image", &type::image}};
};

template <> struct fields_of<precheck::current_job> {
    using type = precheck::current_job;
    static constexpr std::tuple all{field{"type", &type::type},
                                    field{"operation", &type::operation}};
};

template <> struct fields_of<precheck::known_domain> {
    using type = precheck::known_domain;
    static constexpr std::tuple all{field{"name", &type::name}, field{"uuid", &type::uuid},
                                    field{"active", &type::active}};
};

template <> struct fields_of<precheck::cpu_comparison> {
    using type = precheck::cpu_comparison;
    static constexpr std::tuple all{field{"fits", &type::fits}, field{"lacks", &type::lacks}};
};

template <> struct fields_of<precheck::free_pages> {
    using type = precheck::free_pages;
    static constexpr std::tuple all{field{"size", &type::size}, field{"free", &type::free}};
};

template <> struct fields_of<precheck::clock_offset> {
    using type = precheck::clock_offset;
    static constexpr std::tuple all{field{"ahead", &type::ahead}, field{"within", &type::within}};
};

template <> struct fields_of<precheck::nfs_server> {
    using type = precheck::nfs_server;
    static constexpr std::tuple all{field{"name", &type::name}, field{"exports", &type::exports}};
};

template <> struct fields_of<precheck::nfs_host> {
    using type = precheck::nfs_host;
    static constexpr std::tuple all{field{"name", &type::name}, field{"mounts", &type::mounts}};
};

template <> struct fields_of<precheck::image_user> {
    using type = precheck::image_user;
    static constexpr std::tuple all{field{"uid", &type::uid}, field{"gid", &type::gid},
                                    field{"dynamic_ownership", &type::dynamic_ownership}};
};

template <> struct fields_of<precheck::nfs_facts> {
    using type = precheck::nfs_facts;
    static constexpr std::tuple all{field{"servers", &type::servers},
                                    field{"source", &type::source},
                                    field{"destination", &type::destination},
                                    field{"images", &type::images}, field{"user", &type::user}};
};

template <> struct fields_of<precheck::host_facts> {
    using type = precheck::host_facts;
    static constexpr std::tuple all{field{"name", &type::name},
                                    field{"uri", &type::uri},
                                    field{"hostname", &type::hostname},
                                    field{"driver", &type::driver},
                                    field{"libvirt", &type::libvirt},
                                    field{"hypervisor", &type::hypervisor},
                                    field{"capabilities", &type::capabilities},
                                    field{"storage", &type::storage},
                                    field{"stale", &type::stale}};
};

template <> struct fields_of<precheck::source_facts> {
    using type = precheck::source_facts;
    using base = precheck::host_facts;
    static constexpr std::tuple all{field{"status", &type::status},
                                    field{"job", &type::job},
                                    field{"snapshots", &type::snapshots},
                                    field{"block_jobs", &type::block_jobs},
                                    field{"managed_save", &type::managed_save},
                                    field{"autostart", &type::autostart}};
};

template <> struct fields_of<precheck::destination_facts> {
    using type = precheck::destination_facts;
    using base = precheck::host_facts;
    static constexpr std::tuple all{field{"same_name", &type::same_name},
                                    field{"same_uuid", &type::same_uuid},
                                    field{"domain_capabilities", &type::domain_capabilities},
                                    field{"cpu", &type::cpu},
                                    field{"memory_total", &type::memory_total},
                                    field{"memory_available", &type::memory_available},
                                    field{"huge_pages", &type::huge_pages},
                                    field{"addresses", &type::addresses},
                                    field{"ports", &type::ports},
                                    field{"clock", &type::clock},
                                    field{"networks", &type::networks},
                                    field{"interfaces", &type::interfaces},
                                    field{"filters", &type::filters},
                                    field{"pools", &type::pools},
                                    field{"secrets", &type::secrets}};
};

template <> struct fields_of<precheck::opened_connection> {
    using type = precheck::opened_connection;
    static constexpr std::tuple all{field{"opened", &type::opened}, field{"said", &type::said}};
};

template <> struct fields_of<precheck::peer_facts> {
    using type = precheck::peer_facts;
    static constexpr std::tuple all{field{"uri", &type::uri},
                                    field{"connection", &type::connection}};
};

template <> struct fields_of<precheck::dirtied_memory> {
    using type = precheck::dirtied_memory;
    static constexpr std::tuple all{field{"rate", &type::rate}, field{"over", &type::over}};
};

template <> struct fields_of<precheck::measured_link> {
    using type = precheck::measured_link;
    static constexpr std::tuple all{field{"rate", &type::rate}, field{"moved", &type::moved},
                                    field{"over", &type::over}};
};

template <> struct fields_of<precheck::load_facts> {
    using type = precheck::load_facts;
    static constexpr std::tuple all{
        field{"dirty", &type::dirty}, field{"downtime_limit", &type::downtime_limit},
        field{"speed_limit", &type::speed_limit}, field{"link", &type::link}};
};

template <> struct fields_of<precheck::canary_cause> {
    using type = precheck::canary_cause;
    static constexpr std::tuple all{field{"id", &type::id}, field{"title", &type::title},
                                    field{"confidence", &type::confidence},
                                    field{"remedy", &type::remedy}};
};

template <> struct fields_of<precheck::canary_facts> {
    using type = precheck::canary_facts;
    static constexpr std::tuple all{
        field{"fate", &type::fate},         field{"host", &type::host},
        field{"said", &type::said},         field{"causes", &type::causes},
        field{"left_out", &type::left_out}, field{"swept", &type::swept},
        field{"remains", &type::remains},   field{"took", &type::took}};
};

template <> struct fields_of<precheck::facts> {
    using type = precheck::facts;
    static constexpr std::tuple all{
        field{"domain", &type::domain}, field{"copy", &type::copy},
        field{"source", &type::source}, field{"destination", &type::destination},
        field{"nfs", &type::nfs},       field{"shared", &type::shared},
        field{"peer", &type::peer},     field{"load", &type::load},
        field{"canary", &type::canary}};
};

} // namespace kvmig::lab
