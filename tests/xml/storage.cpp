// SPDX-License-Identifier: MIT
#include <kvmig/xml/storage.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;

TEST_CASE("a netfs pool's XML is read as libvirt writes it") {
    const auto pool = xml::parse_storage_pool(R"(
<pool type='netfs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>
  <name>images</name>
  <uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>
  <capacity unit='bytes'>107374182400</capacity>
  <allocation unit='bytes'>4096</allocation>
  <available unit='bytes'>107374178304</available>
  <source>
    <host name='nfs.example'/>
    <dir path='/srv/images'/>
    <format type='nfs'/>
    <protocol ver='4.2'/>
  </source>
  <target>
    <path>/var/lib/libvirt/images/shared</path>
    <permissions><mode>0711</mode><owner>0</owner><group>-1</group></permissions>
  </target>
  <fs:mount_opts><fs:option name='hard'/><fs:option name='timeo=100'/></fs:mount_opts>
</pool>)");
    REQUIRE(pool);
    CHECK(pool->type == "netfs");
    CHECK(pool->name == "images");
    CHECK(pool->uuid->text() == "dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566");
    CHECK(pool->source_host == "nfs.example");
    CHECK(pool->source_dir == "/srv/images");
    CHECK(pool->source_format == "nfs");
    CHECK(pool->source_protocol == "4.2");
    CHECK(pool->mount_options == std::vector<std::string>{"hard", "timeo=100"});
    CHECK(pool->target_path == "/var/lib/libvirt/images/shared");
    CHECK(pool->target_mode == 0711U);
    CHECK(pool->target_owner == 0U);
    CHECK_FALSE(pool->target_group);
    CHECK(pool->capacity == bytes::gib(100));
    CHECK(pool->allocation == bytes{4096});
    CHECK(pool->available == bytes::gib(100) - bytes{4096});
}

TEST_CASE("a logical pool goes by its volume group") {
    const auto pool = xml::parse_storage_pool(
        "<pool type='logical'><source><device path='/dev/sda1'/><device path='/dev/sdb1'/>"
        "<name>vg0</name></source></pool>");
    REQUIRE(pool);
    CHECK(pool->name == "vg0");
    CHECK(pool->source_name == "vg0");
    CHECK(pool->source_devices == std::vector<std::string>{"/dev/sda1", "/dev/sdb1"});
}

TEST_CASE("a pool that is written reads back the same") {
    model::storage_pool pool;
    pool.name = "a <pool> & 'more' \"of\" it";
    pool.uuid = kvmig::uuid::parse("dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566").value();
    pool.type = "netfs";
    pool.source_host = "nfs.example";
    pool.source_dir = "/srv/im&ages/<x>";
    pool.source_format = "nfs";
    pool.source_protocol = "4";
    pool.mount_options = {"soft", "retrans=2"};
    pool.target_path = "/mnt/ü \"quoted\"";
    pool.target_mode = 0755;
    pool.target_owner = 64055;
    pool.target_group = 0;
    const std::string text = xml::build_storage_pool(pool);
    CHECK_THAT(text, Catch::Contains("a &lt;pool&gt; &amp; "));
    CHECK_THAT(text, Catch::Contains("<mode>0755</mode>"));
    const auto again = xml::parse_storage_pool(text);
    REQUIRE(again);
    CHECK(*again == pool);
}

TEST_CASE("what is not asked for is not written") {
    model::storage_pool pool;
    pool.name = "p";
    pool.target_path = "/srv";
    pool.capacity = bytes::gib(1); // libvirt's to tell
    const std::string text = xml::build_storage_pool(pool);
    CHECK(text == "<pool type=\"dir\">\n"
                  "  <name>p</name>\n"
                  "  <source />\n"
                  "  <target>\n"
                  "    <path>/srv</path>\n"
                  "  </target>\n"
                  "</pool>\n");
}

TEST_CASE("a volume that is written reads back the same") {
    model::storage_volume volume;
    volume.name = "vm1 & <co>.qcow2";
    volume.format = "qcow2";
    volume.capacity = bytes::gib(10);
    volume.allocation = bytes{0};
    volume.backing = model::backing_store{"/srv/base & more.qcow2", "qcow2"};
    volume.mode = 0;
    volume.owner = 64055;
    const auto again = xml::parse_storage_volume(xml::build_storage_volume(volume));
    REQUIRE(again);
    CHECK(*again == volume);
}

TEST_CASE("a volume's XML is read as libvirt writes it") {
    const auto volume = xml::parse_storage_volume(R"(<volume type='file'>
  <name>vm1.qcow2</name>
  <key>/srv/images/vm1.qcow2</key>
  <capacity unit='GiB'>10</capacity>
  <allocation unit='bytes'>200704</allocation>
  <physical unit='bytes'>196624</physical>
  <target>
    <path>/srv/images/vm1.qcow2</path>
    <format type='qcow2'/>
    <permissions><mode>0600</mode><owner>0</owner><group>0</group></permissions>
    <timestamps>
      <atime>1341933637.273190990</atime>
      <mtime>1341930622.047245868</mtime>
      <ctime>1341930622.047245868</ctime>
    </timestamps>
  </target>
</volume>)");
    REQUIRE(volume);
    CHECK(volume->modified == "1341930622.047245868");
    CHECK(volume->type == "file");
    CHECK(volume->name == "vm1.qcow2");
    CHECK(volume->path == "/srv/images/vm1.qcow2");
    CHECK(volume->format == "qcow2");
    CHECK(volume->capacity == bytes::gib(10));
    CHECK(volume->allocation == bytes{200704});
    CHECK(volume->mode == 0600U);
    CHECK_FALSE(volume->backing);
}

TEST_CASE("amounts in storage are bytes where no unit stands") {
    const auto volume =
        xml::parse_storage_volume("<volume><name>v</name><capacity>512</capacity></volume>");
    REQUIRE(volume);
    CHECK(volume->capacity == bytes{512});
    CHECK_FALSE(volume->allocation);
    CHECK(volume->format == "raw");
}

TEST_CASE("what is wrong with storage XML is named by path and line") {
    const auto pool_failure = [](const std::string &text) {
        const auto parsed = xml::parse_storage_pool(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().kind == error_kind::invalid_argument);
        return parsed.error().what;
    };
    CHECK(pool_failure("<pool><name>x</name></pool>") ==
          "the attribute type is missing at /pool, line 1");
    CHECK(pool_failure("<pool type='dir'>\n</pool>") ==
          "<name> is missing or empty at /pool, line 1");
    CHECK(pool_failure("<pool type='dir'><name>x</name>\n<source><device/></source></pool>") ==
          "the attribute path is missing at /pool/source/device, line 2");
    CHECK(pool_failure("<pool type='dir'><name>x</name>\n<target><permissions><mode>8</mode>"
                       "</permissions></target></pool>") ==
          "'8' is no whole number at /pool/target/permissions/mode, line 2");
    CHECK(pool_failure("<pool type='dir'><name>x</name><uuid>y</uuid></pool>") ==
          "'y' is not a UUID at /pool/uuid, line 1");
    CHECK(pool_failure("<pool type='dir'><name>x</name><capacity unit='q'>1</capacity></pool>") ==
          "there is no unit 'q' at /pool/capacity, line 1");

    const auto volume_failure = [](const std::string &text) {
        const auto parsed = xml::parse_storage_volume(text);
        REQUIRE_FALSE(parsed);
        return parsed.error().what;
    };
    CHECK(volume_failure("<volume><capacity>1</capacity></volume>") ==
          "<name> is missing at /volume, line 1");
    CHECK(volume_failure("<volume>\n<name>v</name></volume>") ==
          "<capacity> is missing at /volume, line 1");
    CHECK(volume_failure("<volume><name>v</name>\n<capacity>x</capacity></volume>") ==
          "'x' is no whole number at /volume/capacity, line 2");
    CHECK(volume_failure("<domain/>") == "the XML begins with <domain> where <volume> is expected");
}
