// SPDX-License-Identifier: MIT
#include <lab/guest/agent/power_button.hpp>

#include <array>
#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <linux/input.h>
#include <sys/ioctl.h>
#include <system_error>
#include <utility>

namespace kvmig::lab::guest {

std::vector<host::descriptor> power_buttons() {
    std::vector<host::descriptor> result;
    std::error_code missing;
    for (const auto &entry : std::filesystem::directory_iterator{"/dev/input", missing}) {
        host::descriptor device{::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
        std::array<unsigned char, KEY_MAX / CHAR_BIT + 1> keys{};
        if (!device || ::ioctl(device.get(), EVIOCGBIT(EV_KEY, keys.size()), keys.data()) < 0) {
            continue;
        }
        if ((keys[KEY_POWER / CHAR_BIT] >> (KEY_POWER % CHAR_BIT) & 1) != 0) {
            result.push_back(std::move(device));
        }
    }
    return result;
}

bool power_pressed(const host::descriptor &device) {
    bool pressed = false;
    input_event event{};
    while (::read(device.get(), &event, sizeof event) == ssize_t{sizeof event}) {
        pressed = pressed || (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1);
    }
    return pressed;
}

} // namespace kvmig::lab::guest
