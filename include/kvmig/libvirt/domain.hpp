// SPDX-License-Identifier: MIT
/// A domain on a host.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain_reasons.hpp>
#include <kvmig/libvirt/job.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/job.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::libvirt {

/// A reference to a domain; the domain itself goes on when this is destroyed. It may be used from
/// several threads. Flags are libvirt's own, of the enum named at each function.
class domain {
public:
    /// Takes over a reference from libvirt; for a pointer that is not null.
    domain(domain_handle handle, connection on)
        : connection_(std::move(on)), handle_(std::move(handle)),
          name_(virDomainGetName(handle_.get())) {
        std::array<std::uint8_t, 16> raw_id{};
        // Fails only for a pointer that is no domain.
        static_cast<void>(virDomainGetUUID(handle_.get(), raw_id.data()));
        id_ = uuid{raw_id};
    }

    /// By name; `not_found` when the host has none of it.
    [[nodiscard]] static expected<domain> lookup(const connection &on, const std::string &name) {
        return found(on, virDomainLookupByName(on.raw(), name.c_str()),
                     "cannot find the domain '" + name + "'", name);
    }
    /// By UUID; `not_found` when the host has none of it.
    [[nodiscard]] static expected<domain> lookup(const connection &on, const uuid &id) {
        return found(on, virDomainLookupByUUID(on.raw(), id.raw().data()),
                     "cannot find the domain " + id.text(), id.text());
    }
    /// By name, or by UUID where the text is one and no domain has it for a name.
    [[nodiscard]] static expected<domain> find(const connection &on, const std::string &text) {
        auto named = lookup(on, text);
        if (named || named.error().kind != error_kind::not_found) return named;
        if (const auto id = uuid::parse(text)) {
            auto numbered = lookup(on, *id);
            if (numbered || numbered.error().kind != error_kind::not_found) return numbered;
        }
        return named;
    }
    /// Every domain of the host; `virConnectListAllDomainsFlags`.
    [[nodiscard]] static expected<std::vector<domain>> list(const connection &on,
                                                            unsigned flags = 0) {
        virDomainPtr *all = nullptr;
        const int count = virConnectListAllDomains(on.raw(), &all, flags);
        if (count < 0) return fail(last_error("cannot list the domains", on.hostname()));
        std::vector<domain> out;
        for (int i = 0; i < count; ++i) out.emplace_back(domain_handle(all[i]), on.share());
        std::free(all); // the array only; `out` has the references
        return out;
    }
    /// Makes it persistent, without starting it; `virDomainDefineFlags`.
    [[nodiscard]] static expected<domain> define(const connection &on, const std::string &xml,
                                                 unsigned flags = 0) {
        return found(on, virDomainDefineXMLFlags(on.raw(), xml.c_str(), flags),
                     "cannot define the domain", {});
    }
    /// Starts a domain that is gone when it ends; `virDomainCreateFlags`.
    [[nodiscard]] static expected<domain> create(const connection &on, const std::string &xml,
                                                 unsigned flags = 0) {
        return found(on, virDomainCreateXML(on.raw(), xml.c_str(), flags),
                     "cannot start the transient domain", {});
    }

    /// The same domain once more: libvirt counts references.
    [[nodiscard]] domain share() const {
        virDomainRef(raw());
        return domain(domain_handle(raw()), connection_.share());
    }

    /// libvirt's own, which stays this object's.
    [[nodiscard]] virDomainPtr raw() const noexcept { return handle_.get(); }
    /// The connection it was found on.
    [[nodiscard]] const connection &on() const noexcept { return connection_; }
    /// The name and UUID it was found under. Kept here, because asking libvirt for them would
    /// wipe out the last error.
    [[nodiscard]] const std::string &name() const noexcept { return name_; }
    /// Its UUID, which stays the same on its way.
    [[nodiscard]] const uuid &id() const noexcept { return id_; }

    /// `virDomainXMLFlags`.
    [[nodiscard]] expected<std::string> xml(unsigned flags = 0) const {
        char *text = virDomainGetXMLDesc(raw(), flags);
        if (text == nullptr) return fail(problem("cannot read the XML"));
        return take_text(text);
    }

    /// State and reason, whether it has a process, and whether it is defined.
    [[nodiscard]] expected<model::domain_status> status() const {
        int state = 0;
        int reason = 0;
        if (virDomainGetState(raw(), &state, &reason, 0) < 0) {
            return fail(problem("cannot read the state"));
        }
        const int active = virDomainIsActive(raw());
        const int persistent = active < 0 ? -1 : virDomainIsPersistent(raw());
        if (persistent < 0) return fail(problem("cannot read the state"));
        return to_status(state, reason, active == 1, persistent == 1);
    }

    /// Starts a defined domain; `virDomainCreateFlags`.
    [[nodiscard]] expected<void> start(unsigned flags = 0) const {
        return check(virDomainCreateWithFlags(raw(), flags), "cannot start");
    }
    /// Asks the guest to shut down; it may take its time, or not listen.
    [[nodiscard]] expected<void> shutdown(unsigned flags = 0) const {
        return check(virDomainShutdownFlags(raw(), flags), "cannot ask to shut down");
    }
    /// Writes its memory to a file of libvirt's own, and ends it; `start` goes on from there.
    [[nodiscard]] expected<void> managed_save(unsigned flags = 0) const {
        return check(virDomainManagedSave(raw(), flags), "cannot save the state");
    }
    /// Removes that file; fails where there is none.
    [[nodiscard]] expected<void> remove_managed_save() const {
        return check(virDomainManagedSaveRemove(raw(), 0), "cannot remove the saved state");
    }
    /// Ends it at once; `virDomainDestroyFlagsValues`.
    [[nodiscard]] expected<void> destroy(unsigned flags = 0) const {
        return check(virDomainDestroyFlags(raw(), flags), "cannot destroy");
    }
    /// `virDomainUndefineFlagsValues`.
    [[nodiscard]] expected<void> undefine(unsigned flags = 0) const {
        return check(virDomainUndefineFlags(raw(), flags), "cannot undefine");
    }
    /// As virDomainSuspend.
    [[nodiscard]] expected<void> suspend() const {
        return check(virDomainSuspend(raw()), "cannot suspend");
    }
    /// As virDomainResume.
    [[nodiscard]] expected<void> resume() const {
        return check(virDomainResume(raw()), "cannot resume");
    }

    /// What the guest sees of a disk, by target name (`vda`) or path (`virDomainGetBlockInfo`).
    [[nodiscard]] expected<bytes> block_capacity(const std::string &disk) const {
        virDomainBlockInfo info{};
        if (virDomainGetBlockInfo(raw(), disk.c_str(), &info, 0) < 0) {
            return fail(problem("cannot read the size of the disk " + disk));
        }
        return bytes{info.capacity};
    }

    /// Whether a copy, commit, pull or backup works on the disk `vda` (or a path).
    [[nodiscard]] expected<bool> has_block_job(const std::string &disk) const {
        virDomainBlockJobInfo info{};
        const int found = virDomainGetBlockJobInfo(raw(), disk.c_str(), &info, 0);
        if (found < 0) return fail(problem("cannot read the block job on the disk " + disk));
        return found == 1;
    }
    /// How many snapshots it has (virDomainSnapshotNum).
    [[nodiscard]] expected<std::uint32_t> snapshots() const {
        const int count = virDomainSnapshotNum(raw(), 0);
        if (count < 0) return fail(problem("cannot count the snapshots"));
        return static_cast<std::uint32_t>(count);
    }
    /// Whether a start would restore a saved state (virDomainHasManagedSaveImage).
    [[nodiscard]] expected<bool> has_managed_save() const {
        const int found = virDomainHasManagedSaveImage(raw(), 0);
        if (found < 0) return fail(problem("cannot read the saved state"));
        return found == 1;
    }
    /// Whether it is started with its host.
    [[nodiscard]] expected<bool> autostart() const {
        int on = 0;
        if (virDomainGetAutostart(raw(), &on) < 0) return fail(problem("cannot read autostart"));
        return on == 1;
    }

    /// The job that runs now; type `none` when there is none.
    [[nodiscard]] expected<model::job_statistics> job() const {
        return read_job(0, "cannot read the job's statistics");
    }
    /// The job that ended last; type `none` when none is remembered. The daemon forgets it when
    /// it has told it, unless `keep`.
    [[nodiscard]] expected<model::job_statistics> completed_job(bool keep = true) const {
        unsigned flags = VIR_DOMAIN_JOB_STATS_COMPLETED;
        if (keep) flags |= VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED;
        return read_job(flags, "cannot read the completed job's statistics");
    }
    /// Asks for the end of its job, and does not wait for it (virDomainAbortJob).
    [[nodiscard]] expected<void> abort_job() const {
        return check(virDomainAbortJob(raw()), "cannot abort the job");
    }

    /// How long the guest may stand still at switch-over; while it migrates or before.
    [[nodiscard]] expected<void> set_max_downtime(std::chrono::milliseconds limit) const {
        return check(virDomainMigrateSetMaxDowntime(
                         raw(), static_cast<unsigned long long>(limit.count()), 0),
                     "cannot set the maximum downtime");
    }
    /// The downtime for which pre-copy aims (virDomainMigrateGetMaxDowntime).
    [[nodiscard]] expected<std::chrono::milliseconds> max_downtime() const {
        unsigned long long limit = 0;
        if (virDomainMigrateGetMaxDowntime(raw(), &limit, 0) < 0) {
            return fail(problem("cannot read the maximum downtime"));
        }
        return std::chrono::milliseconds(limit);
    }
    /// `limit` is rounded down to whole MiB/s, but never to 0. `virDomainMigrateMaxSpeedFlags`:
    /// `VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY` sets the limit of the post-copy phase.
    [[nodiscard]] expected<void> set_max_speed(byte_rate limit, unsigned flags = 0) const {
        const auto mib = static_cast<unsigned long>(limit.per_second() >> 20U);
        return check(virDomainMigrateSetMaxSpeed(raw(), mib == 0 ? 1 : mib, flags),
                     "cannot set the maximum speed");
    }
    /// The limit on bandwidth; `flags` as virDomainMigrateGetMaxSpeed takes them.
    [[nodiscard]] expected<byte_rate> max_speed(unsigned flags = 0) const {
        unsigned long mib = 0;
        if (virDomainMigrateGetMaxSpeed(raw(), &mib, flags) < 0) {
            return fail(problem("cannot read the maximum speed"));
        }
        return byte_rate::mib(mib);
    }
    /// The size of XBZRLE's cache (virDomainMigrateSetCompressionCache).
    [[nodiscard]] expected<void> set_compression_cache(bytes size) const {
        return check(virDomainMigrateSetCompressionCache(raw(), size.count(), 0),
                     "cannot set the size of the compression cache");
    }
    /// Switches a running migration with the flag `postcopy` over to post-copy.
    [[nodiscard]] expected<void> start_postcopy() const {
        return check(virDomainMigrateStartPostCopy(raw(), 0), "cannot start post-copy");
    }

    /// This thread's last libvirt error, told of this domain.
    [[nodiscard]] error problem(const std::string &doing) const {
        return last_error(doing + " of the domain '" + name() + "'", connection_.hostname())
            .about(name());
    }

private:
    [[nodiscard]] static expected<domain> found(const connection &on, virDomainPtr pointer,
                                                std::string doing, std::string object) {
        if (pointer == nullptr) {
            return fail(last_error(std::move(doing), on.hostname()).about(std::move(object)));
        }
        return domain(domain_handle(pointer), on.share());
    }
    [[nodiscard]] expected<void> check(int answer, const std::string &doing) const {
        if (answer < 0) {
            return fail(last_error(doing + " the domain '" + name() + "'", connection_.hostname())
                            .about(name()));
        }
        return {};
    }
    [[nodiscard]] expected<model::job_statistics> read_job(unsigned flags,
                                                           const std::string &doing) const {
        int type = VIR_DOMAIN_JOB_NONE;
        virTypedParameterPtr params = nullptr;
        int count = 0;
        if (virDomainGetJobStats(raw(), &type, &params, &count, flags) < 0) {
            return fail(problem(doing));
        }
        const typed_parameters owned(params, count);
        return to_job_statistics(type, owned.view());
    }

    connection connection_;
    domain_handle handle_; // released before its connection
    std::string name_;
    uuid id_;
};

} // namespace kvmig::libvirt
