//! Policies: those with a table of their own, and those that a listener only names.

use std::sync::Arc;

use crate::auth::config::{Config as Auth, Place};
use crate::config::lists;
use crate::config::section::{ItemValue, NameAt, Section};
use crate::lua::capability::Capabilities;
use crate::lua::config::{Budget, OnError, Policies, Policy, Script, Span};
use crate::policy::mode::Mode;
use crate::proxy::config::Listener;

/// What holds for all policies.
pub(super) fn policies(section: &Section) -> Policies {
    Policies {
        paths: lists::paths(section, "paths").unwrap_or_default(),
        budget: budget(Budget::default(), section.section("budget")),
        allow: allow(section),
        waiting: section.count("waiting").flatten().unwrap_or_else(|| Policies::default().waiting),
    }
}

/// Every policy: those with a table in the order of the file, then those that listeners only name.
/// `auth` may name one too, and what listeners lay over it.
pub(super) fn all(top: &Section, base: &Policies, listeners: &[Listener], auth: &Auth) -> Vec<Policy> {
    let mut policies: Vec<Policy> =
        top.named("policy").iter().map(|(name, section)| one(name, section, base)).collect();
    for (listener, section) in listeners.iter().zip(top.sections("listener")) {
        for used in &listener.policies {
            if !policies.iter().any(|policy| policy.name == used.name) {
                policies.push(plain(&used.name, use_span(section, &used.name), base));
            }
        }
    }
    let general = (auth, top.section("auth"));
    let own = listeners.iter().map(|listener| &listener.auth);
    let own = own.zip(top.sections("listener").iter().map(|listener| listener.section("logins")));
    for (auth, section) in [general].into_iter().chain(own) {
        if let Some(Place::Policy(name)) = &auth.verify
            && !policies.iter().any(|policy| policy.name == *name)
        {
            let span = section.and_then(|section| section.place("verify"));
            policies.push(plain(name, span.unwrap_or_default(), base));
        }
    }
    policies
}

/// Where a listener names a policy.
pub(super) fn use_span(listener: &Section, name: &str) -> Span {
    let items = listener.list("policies").unwrap_or_default();
    let found =
        items.iter().find(|item| matches!(&item.value, ItemValue::PolicyUse(used) if used.name == name));
    found.map(|item| item.span.clone()).unwrap_or_default()
}

fn one(name: &NameAt, section: &Section, base: &Policies) -> Policy {
    let span = section.head.clone().unwrap_or_else(|| name.span.clone());
    let plain = plain(&name.text, span, base);
    Policy {
        script: section.script("script").unwrap_or(plain.script),
        mode: if section.choice("mode") == Some("observe") { Mode::Observe } else { Mode::Enforce },
        on_error: match section.choice("on_error") {
            Some("skip") => OnError::Skip,
            Some("reject") => OnError::Reject,
            _ => OnError::Defer,
        },
        required: section.boolean("required").unwrap_or(false),
        budget: budget(base.budget, section.section("budget")),
        allow: allow(section).or(plain.allow),
        options: section.options.clone(),
        ..plain
    }
}

/// A policy of which nothing but its name is said.
fn plain(name: &str, span: Span, base: &Policies) -> Policy {
    Policy {
        name: name.to_owned(),
        span,
        script: Script::Name(name.to_owned()),
        mode: Mode::Enforce,
        on_error: OnError::Defer,
        required: false,
        budget: base.budget,
        allow: base.allow.clone(),
        options: Vec::new(),
    }
}

/// What `allow` names; none where it isn't there.
fn allow(section: &Section) -> Option<Arc<Capabilities>> {
    let capability =
        |value: &ItemValue| if let ItemValue::Capability(one) = value { Some(one.clone()) } else { None };
    let named = section.list("allow")?.iter().filter_map(|item| capability(&item.value));
    Some(Arc::new(Capabilities::only(named.collect())))
}

fn budget(base: Budget, section: Option<&Section>) -> Budget {
    let Some(section) = section else { return base };
    Budget {
        cpu: section.duration("cpu").flatten().unwrap_or(base.cpu),
        time: section.duration("time").flatten().unwrap_or(base.time),
        memory: section.number("memory").flatten().unwrap_or(base.memory),
        stage: section.duration("stage").flatten().unwrap_or(base.stage),
    }
}
