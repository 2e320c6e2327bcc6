// SPDX-License-Identifier: MIT
/// What may be chosen for a copy of an image, and what is told of it.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/model/qcow2_chain.hpp>
#include <kvmig/nfs/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kvmig::run {

/// What to do with the part of an earlier copy.
enum class earlier_part : std::uint8_t {
    refuse, ///< `conflict`
    resume, ///< go on where it is sure to have come, if the source is still the same
    drop,   ///< begin anew
};

/// What becomes of the image that a qcow2 image stands on, its backing file.
enum class backing_choice : std::uint8_t {
    refuse, ///< `invalid_argument` where there is one: nothing can be taken for granted
    copy,   ///< the chain is copied too, all of it into the target's folder
    rebase, ///< the copy stands on `copy_options::new_backing`
    leave,  ///< the copy names what the image names
};

/// How an image is copied.
struct copy_options {
    bool raw = false;                                ///< the image is raw, whatever it begins with
    backing_choice backing = backing_choice::refuse; ///< of a qcow2 image that stands on another
    /// For `backing_choice::rebase`: what the header of the copy is to tell. The content must be
    /// that of the old backing file, or the guest's disk is spoilt. Without a format the old one.
    model::qcow2::backing_reference new_backing{};
    bool replace = false;    ///< a target that is there is replaced, in one step
    bool verify = false;     ///< the target is read back
    bool in_use_too = false; ///< a local image that a running QEMU writes is copied all the same
    earlier_part earlier = earlier_part::refuse; ///< what to do where a broken copy left its part
    /// How long a lost connection may take to come back, without a piece moved meanwhile.
    std::chrono::seconds reconnect_for{120};
    /// How much is written between two points to which a broken copy can go back.
    bytes mark_every = bytes::mib(512);
    /// How long a server may be silent while an answer is due.
    std::chrono::milliseconds patience = nfs::default_patience;
    std::size_t window = 0; ///< requests under way at each end; 0: adapted to the round trip
};

/// How far a copy is.
struct copy_state {
    bytes done;             ///< of what travels: read, and written unless zero
    bytes total;            ///< what travels
    bool verifying = false; ///< or comparing what is there already
    unsigned file = 1;      ///< of `files`, the deepest of the chain first
    unsigned files = 1;     ///< one, or as many as the chain has
};
/// Called after each piece; must not block.
using copy_progress_callback = std::function<void(const copy_state &)>;

/// What came of one image below the one that was asked for.
struct copied_backing {
    std::string from;       ///< a path, or an `nfs://` address
    std::string to;         ///< likewise, in the folder of the target
    bytes size;             ///< of the file, holes included
    bytes written;          ///< to the target; 0 where it was there
    bool was_there = false; ///< compared and found equal, so that nothing was written
};

/// What came of a copy.
struct copy_result {
    bytes size;         ///< of the file
    bytes read;         ///< from the source
    bytes written;      ///< to the target; the rest are holes
    bytes resumed;      ///< taken over from an earlier part
    std::string format; ///< "raw" or "qcow2"
    /// XXH3 over the hashes of the pieces read, in order, in hexadecimal; empty when some of them
    /// were copied earlier.
    std::string checksum;
    bool verified = false;   ///< the target was read back and is equal; false: it was not asked for
    unsigned reconnects = 0; ///< how often a lost connection came back
    std::vector<copied_backing> backing; ///< nearest first
    std::vector<std::string> notes;      ///< what could not be looked at
};

} // namespace kvmig::run
