// SPDX-License-Identifier: MIT
/// Keeps Ctrl-C from ending the processes that libvirt starts.
#pragma once

#include <sys/types.h>

namespace kvmig::lab::cli {

/// libvirt reaches hosts through `ssh`, a child in this program's process group. Ctrl-C goes to
/// the whole group in the terminal's foreground: it would end the connections over which the
/// migration is to be cancelled. Processes started while this lives belong to a group of their
/// own, which has the terminal for that time (ssh may ask for a password), and leaves it when this
/// ends.
///
/// Nothing happens without a controlling terminal, in the background, and in a session leader,
/// which cannot change its group.
class out_of_reach {
public:
    out_of_reach();
    ~out_of_reach();
    out_of_reach(const out_of_reach &) = delete;
    out_of_reach &operator=(const out_of_reach &) = delete;

    /// Whether processes started now are out of reach.
    [[nodiscard]] bool active() const noexcept { return keeper_ > 0; }

private:
    bool start_keeper();
    void give_terminal_to(pid_t group) const;

    int terminal_ = -1;
    pid_t home_ = -1;
    /// A process that does nothing but lead the new group until the first of the others is in it.
    pid_t keeper_ = -1;
    int leash_ = -1; ///< the keeper ends when this is closed, so also when this program dies
};

} // namespace kvmig::lab::cli
