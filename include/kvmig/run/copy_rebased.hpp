// SPDX-License-Identifier: MIT
/// A qcow2 image as it is to be copied: with another backing file in its header.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/qcow2.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_engine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The beginning of a source, in which the header of a qcow2 image ends at the latest.
[[nodiscard]] inline expected<std::vector<std::byte>> beginning_of(copy_source &from, bytes size) {
    constexpr std::uint64_t largest_cluster = std::uint64_t{1}
                                              << model::qcow2::limit::most_cluster_bits;
    return from.read(0, std::min(size.count(), largest_cluster));
}

/// Reads as `from` does, but for the first cluster. So the copy never has another header than the
/// one it is to have, whenever it breaks off, and what is verified is what was asked for.
class rebased_source final : public copy_source {
public:
    /// Fails as `model::qcow2::with_backing`: the new name must fit into the first cluster.
    static expected<std::unique_ptr<rebased_source>>
    make(std::unique_ptr<copy_source> from, bytes size,
         const model::qcow2::backing_reference &onto) {
        auto head = beginning_of(*from, size);
        if (!head) return fail(std::move(head).error());
        const auto header = model::qcow2::parse_header(*head);
        if (!header) return fail(error(header.error()).about(from->name()));
        const auto cluster = std::span<const std::byte>(*head).first(static_cast<std::size_t>(
            std::min<std::uint64_t>(head->size(), header->cluster_size())));
        auto made = model::qcow2::with_backing(cluster, onto.name, onto.format);
        if (!made) return fail(std::move(made).error().about(from->name()));
        return std::unique_ptr<rebased_source>(
            new rebased_source(std::move(from), *std::move(made)));
    }

    /// For `image_identity::header`.
    [[nodiscard]] std::uint64_t header() const { return hash_of(*head_).low; }

    [[nodiscard]] const std::string &name() const noexcept override { return from_->name(); }
    [[nodiscard]] std::optional<pollfd> wanted() const override { return from_->wanted(); }
    expected<void> service(short revents) override { return from_->service(revents); }
    expected<void> reconnect(const std::stop_token &stop) override {
        return from_->reconnect(stop);
    }
    /// A part that was begun with another header is no part of this copy.
    [[nodiscard]] expected<image_identity> identity() override {
        auto out = from_->identity();
        if (out) out->header = header();
        return out;
    }
    [[nodiscard]] std::uint32_t mode() const noexcept override { return from_->mode(); }
    [[nodiscard]] bytes used() const noexcept override { return from_->used(); }
    [[nodiscard]] expected<std::optional<std::vector<model::byte_range>>> data() override {
        return from_->data();
    }
    [[nodiscard]] expected<std::vector<std::byte>> read(std::uint64_t offset,
                                                        std::uint64_t length) override {
        auto out = from_->read(offset, length);
        if (out) put_head(*head_, offset, *out);
        return out;
    }
    expected<void> start_read(std::uint64_t offset, std::span<std::byte> into,
                              copy_completion done) override {
        return from_->start_read(
            offset, into,
            [head = head_, offset, into, done = std::move(done)](expected<std::size_t> got) {
                if (got) put_head(*head, offset, into.first(*got));
                done(std::move(got));
            });
    }

private:
    rebased_source(std::unique_ptr<copy_source> from, std::vector<std::byte> head)
        : from_(std::move(from)),
          head_(std::make_shared<const std::vector<std::byte>>(std::move(head))) {}

    static void put_head(const std::vector<std::byte> &head, std::uint64_t offset,
                         std::span<std::byte> into) {
        if (offset >= head.size()) return;
        const auto part = std::span(head).subspan(static_cast<std::size_t>(offset));
        std::copy_n(part.begin(), std::min(part.size(), into.size()), into.begin());
    }

    std::unique_ptr<copy_source> from_;
    std::shared_ptr<const std::vector<std::byte>> head_;
};

} // namespace kvmig::run
