//! MaxMind's own test databases, in tests/mmdb.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mmdb")).join(format!("{name}.mmdb"))
}

fn get(name: &str, field: Option<&str>, address: &str) -> Result<String, LookupError> {
    let field: Option<Field> = field.map(|field| field.parse().unwrap());
    MmdbTable::read(&file(name), field.as_ref()).unwrap().get(address.parse().unwrap())
}

const COUNTRY: &str = "GeoLite2-Country-Test";
const ASN: &str = "GeoLite2-ASN-Test";
const STRINGS: &str = "MaxMind-DB-string-value-entries";
const ALL_TYPES: &str = "MaxMind-DB-test-decoder";

#[test]
fn the_value_is_a_field_of_the_record() {
    for (name, field, address, want) in [
        (COUNTRY, None, "2.125.160.217", Ok("GB")),
        (COUNTRY, None, "::ffff:2.125.160.217", Ok("GB")),
        (COUNTRY, None, "192.0.2.1", Err(LookupError::Absent)),
        (COUNTRY, Some("continent.code"), "2.125.160.217", Ok("EU")),
        (COUNTRY, Some("country.names.zh-CN"), "2.125.160.217", Ok("英国")),
        (COUNTRY, Some("country.geoname_id"), "2.125.160.217", Ok("2635167")),
        (COUNTRY, Some("registered_country.is_in_european_union"), "2.125.160.217", Ok("true")),
        (COUNTRY, Some("country.nosuch"), "2.125.160.217", Err(LookupError::Absent)),
        (COUNTRY, Some("country"), "2.125.160.217", Err(LookupError::Invalid)), // a table
        (COUNTRY, Some("country.iso_code.more"), "2.125.160.217", Err(LookupError::Invalid)),
        (ASN, None, "1.0.0.1", Ok("15169")),
        (ASN, Some("autonomous_system_organization"), "1.128.0.1", Ok("Telstra Pty Ltd")),
        (STRINGS, None, "1.1.1.1", Ok("1.1.1.1/32")),
        (STRINGS, None, "2001:db8::1", Err(LookupError::Absent)), // it knows IPv4 only
        (ALL_TYPES, Some("array.2"), "1.1.1.1", Ok("3")),
        (ALL_TYPES, Some("array.9"), "1.1.1.1", Err(LookupError::Absent)),
        (ALL_TYPES, Some("array"), "1.1.1.1", Err(LookupError::Invalid)),
        (ALL_TYPES, Some("map.mapX.arrayX.0"), "1.1.1.1", Ok("7")),
        (ALL_TYPES, Some("bytes"), "1.1.1.1", Ok("0000002a")),
        (ALL_TYPES, Some("double"), "1.1.1.1", Ok("42.123456")),
        (ALL_TYPES, Some("float"), "1.1.1.1", Ok("1.1")),
        (ALL_TYPES, Some("int32"), "1.1.1.1", Ok("-268435456")),
        (ALL_TYPES, Some("uint64"), "1.1.1.1", Ok("1152921504606846976")),
        (ALL_TYPES, Some("uint128"), "1.1.1.1", Ok("1329227995784915872903807060280344576")),
        (ALL_TYPES, Some("utf8_string"), "1.1.1.1", Ok("unicode! ☯ - ♫")),
        (ALL_TYPES, None, "1.1.1.1", Err(LookupError::Invalid)), // the whole record is a table
    ] {
        let found = get(name, field, address);
        assert_eq!(found.as_deref(), want.as_ref().copied(), "{name} {field:?} {address}");
    }
}

#[test]
fn a_broken_file_is_told_at_load() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(file(COUNTRY)).unwrap();
    let told = |octets: &[u8]| {
        let path = folder.path().join("x");
        std::fs::write(&path, octets).unwrap();
        let error = MmdbTable::read(&path, None).unwrap_err();
        assert_eq!((error.file.as_path(), error.line), (path.as_path(), None));
        error.message
    };
    for octets in [&b""[..], b"a b\n", &whole[..whole.len() / 2], &whole[whole.len() / 2..]] {
        let message = told(octets);
        assert!(message.starts_with("is no MaxMind DB, or a broken one: "), "{message}");
    }
    for name in ["MaxMind-DB-test-broken-pointers-24", "MaxMind-DB-test-broken-search-tree-24"] {
        let error = MmdbTable::read(&file(name), None).unwrap_err().to_string();
        assert!(error.contains("is no MaxMind DB, or a broken one: "), "{name}: {error}");
    }
    let error = MmdbTable::read(&folder.path().join("gone"), None).unwrap_err().to_string();
    assert!(error.contains("gone: can't be read: "), "{error}");
    let sparse = File::create(folder.path().join("sparse")).unwrap();
    sparse.set_len(LARGEST + 1).unwrap();
    let error = MmdbTable::read(&folder.path().join("sparse"), None).unwrap_err().to_string();
    assert!(error.ends_with("is larger than 512 MiB"), "{error}");
}

proptest! {
    /// Octets that were changed are told, or else do no harm.
    #[test]
    fn a_file_that_was_damaged_does_no_harm(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        address in any::<IpAddr>(),
    ) {
        let mut octets = std::fs::read(file(ALL_TYPES)).unwrap();
        for (place, octet) in damage {
            let length = octets.len();
            octets[place.index(length)] = octet;
        }
        for field in ["map.mapX.arrayX.0", "bytes"] {
            if let Ok(table) = MmdbTable::parse(octets.clone(), Some(&field.parse().unwrap())) {
                let _ = table.get(address);
                let _ = table.get("1.1.1.1".parse().unwrap());
            }
        }
    }
}
