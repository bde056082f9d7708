//! What scripts see, with types: for editors, for the warnings at load, and for the catalogue of names.

pub mod class;
pub mod hooks;
pub mod luals;
pub mod member;
pub mod played;

mod globals;
mod kept;
mod modules;
mod objects;
mod records;

use class::Class;

/// Every class: what hooks receive, what functions take and give, the modules.
pub fn all() -> impl Iterator<Item = &'static Class> {
    [objects::OBJECTS, records::RECORDS, modules::MODULES].into_iter().flatten()
}

/// The class of this name: `Session`, `dns`.
pub fn find(name: &str) -> Option<&'static Class> {
    all().find(|class| class.name == name)
}

pub use globals::GLOBALS;
