// SPDX-License-Identifier: MIT
/// Everything that travels between the guest's agent and the lab, for both sides: the control
/// messages (JSON lines over TCP), the heartbeat (UDP) and the echo session (TCP). The ports
/// stand in settings.hpp.
#pragma once

#include <lab/guest/datagram.hpp> // IWYU pragma: export
#include <lab/guest/messages.hpp> // IWYU pragma: export
#include <lab/guest/settings.hpp> // IWYU pragma: export
