// SPDX-License-Identifier: MIT
#include <kvmig/xml/comparable.hpp>

#include <support/catch.hpp>

#include <string>

using namespace kvmig;

TEST_CASE("only what the XML says makes a difference, not how it is written") {
    const auto same = xml::difference("<domain type='kvm'><name>vm1</name><!-- mine --></domain>",
                                      "<domain  type=\"kvm\">\n\n<name>vm1</name>\n</domain>\n",
                                      "source", "destination");
    REQUIRE(same);
    CHECK(same->empty());
}

TEST_CASE("the difference of two XMLs shows the lines that changed") {
    const auto told =
        xml::difference("<domain><name>vm1</name><vcpu>2</vcpu></domain>",
                        "<domain><name>vm2</name><vcpu>2</vcpu></domain>", "source", "destination");
    REQUIRE(told);
    CHECK(*told == "--- source\n+++ destination\n@@ -1,4 +1,4 @@\n <domain>\n"
                   "-  <name>vm1</name>\n+  <name>vm2</name>\n   <vcpu>2</vcpu>\n </domain>\n");
}

TEST_CASE("passwords of consoles are not shown") {
    const std::string text = "<domain><devices><graphics type='vnc' passwd='secret'/></devices>"
                             "</domain>";
    const auto told = xml::comparable(text);
    REQUIRE(told);
    CHECK_THAT(*told, !Catch::Contains("secret") && Catch::Contains("passwd=\"hidden\""));
}

TEST_CASE("what is no XML of a domain is named") {
    const auto broken = xml::difference("<domain/>", "<domain>\n<name></domain>", "a", "b");
    REQUIRE_FALSE(broken);
    CHECK_THAT(broken.error().what, Catch::Contains("line 2"));
    CHECK_FALSE(xml::comparable("<network/>"));
}
