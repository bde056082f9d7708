//! Compiles Lua's C sources, and links them as they are: mlua-sys, which calls them, may come before or after.

use std::error::Error;
use std::path::Path;

const SOURCES: &str = "lua-5.4.9";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={SOURCES}");
    let mut build = cc::Build::new();
    build.include(SOURCES).cargo_metadata(false);
    build.flag("-Werror=implicit-function-declaration").define("_DEFAULT_SOURCE", None);
    build.define("LUA_USE_POSIX", None).define("LUA_COMPAT_5_3", None);
    if std::env::var("PROFILE")? == "debug" {
        build.define("LUA_USE_APICHECK", None).define("LUAI_ASSERT", None);
    }
    for file in Path::new(SOURCES).read_dir()? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "c") {
            build.file(file);
        }
    }
    build.try_compile("gatepost_lua")?;
    println!("cargo:rustc-link-search=native={}", std::env::var("OUT_DIR")?);
    println!("cargo:rustc-link-lib=static:+whole-archive=gatepost_lua");
    Ok(())
}
