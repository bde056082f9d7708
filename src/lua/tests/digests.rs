//! `hash`, `hmac`, `base64` and `random` give what the published vectors say, and what nobody can guess.

use crate::lua::tests::modules::given;

#[test]
fn digests_are_those_of_fips_180() {
    for (expression, want) in [
        ("hash.sha1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("hash.sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("hash.sha256('')", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            "hash.sha384('abc')",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "hash.sha512('abc')",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        ("hash.sha1('abc', 'base64')", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
        ("#hash.sha256('abc', 'raw')", "32"),
    ] {
        assert_eq!(given(expression).trim_matches('"'), want, "{expression}");
    }
    assert_eq!(given("hash.sha256(('x'):rep(300000))"), "[null,\"too_large\"]");
}

#[test]
fn codes_over_a_key_are_those_of_rfc_4231_and_2202() {
    let key = r"('\x0b'):rep(20), 'Hi There'";
    for (name, arguments, want) in [
        ("sha1", key, "b617318655057264e28bc0b6fb378c8ef146be00"),
        ("sha256", key, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            "sha384",
            key,
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
        ),
        (
            "sha512",
            key,
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        (
            "sha256",
            "'Jefe', 'what do ya want for nothing?'",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        // A key longer than a block (test case 6).
        (
            "sha256",
            r"('\xaa'):rep(131), 'Test Using Larger Than Block-Size Key - Hash Key First'",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ] {
        assert_eq!(given(&format!("hmac.{name}({arguments})")), format!("\"{want}\""), "{name}");
    }
    assert_eq!(
        given("hmac.equal('a', 'a'), hmac.equal('a', 'b'), hmac.equal('a', 'aa')"),
        "[true,false,false]"
    );
}

#[test]
fn base64_is_that_of_rfc_4648() {
    for (octets, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(given(&format!("base64.encode('{octets}')")), format!("\"{text}\""));
        assert_eq!(given(&format!("base64.decode('{text}')")), format!("\"{octets}\""));
    }
    for (expression, want) in [
        (r"base64.encode('\xfb\xff', 'url')", "\"-_8\""),
        (r"base64.decode('-_8', 'url') == '\xfb\xff'", "true"),
        (r"base64.decode('Zm9v\r\n Ymfy' ) ~= nil", "true"), // lines, as in mail
        ("base64.decode('Zg')", "[null,\"invalid\"]"),
        ("base64.decode('Zh==')", "[null,\"invalid\"]"), // bits behind the end
        ("base64.decode('Z*==')", "[null,\"invalid\"]"),
        ("base64.encode(('x'):rep(300000))", "[null,\"too_large\"]"),
    ] {
        assert_eq!(given(expression), want, "{expression}");
    }
}

#[test]
fn chance_stays_within_its_bounds() {
    for (expression, want) in [
        ("#random.bytes(32)", "32"),
        ("random.bytes(16) ~= random.bytes(16)", "true"),
        ("#random.token()", "22"),
        ("random.token(32):find('^[%w_-]+$') == 1", "true"),
        ("random.integer(5, 5)", "5"),
        ("random.choose { 'a' }", "\"a\""),
        ("random.choose {}", "[null,\"none\"]"),
        ("select(2, pcall(random.bytes, 0)):find('1 to 1024') ~= nil", "true"),
        ("select(2, pcall(random.integer, 2, 1)):find('the least and the greatest') ~= nil", "true"),
    ] {
        assert_eq!(given(expression), want, "{expression}");
    }
}
