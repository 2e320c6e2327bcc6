// SPDX-License-Identifier: MIT
/// Words that look like failures and belong to healthy work.
#pragma once

#include <string_view>

namespace kvmig::diagnosis {

/// A wording that silences any message found within it.
struct harmless {
    std::string_view text; ///< a template, as in `pattern`
    std::string_view why;  ///< what happened; for readers of this list
};

/// What healthy daemons and clients write.
inline constexpr harmless harmless_words[] = {
    {"virNetSocketReadWire:{n} : End of file while reading data: Input/output error",
     "a client closed its connection without saying goodbye; daemons log it all day"},
    {"libvirtd[{n}]: End of file while reading data: Input/output error",
     "the same in the journal"},
    {"virtqemud[{n}]: End of file while reading data: Input/output error",
     "the same in the journal of the modular daemon"},
    {"virtproxyd[{n}]: End of file while reading data: Input/output error",
     "the same in the journal of the proxy"},
    {"terminating on signal 15 from pid {n} (/usr/sbin/libvirtd)",
     "libvirtd ends QEMU as asked: after a shutdown, a destroy or a finished migration"},
    {"terminating on signal 15 from pid {n} (/usr/sbin/virtqemud)",
     "the same with the modular daemon"},
};

} // namespace kvmig::diagnosis
