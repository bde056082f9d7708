//! What `check --probe` heard from those who check logins, as people read it: step by step, and what to do about it.

use serde_json::{Value, json};

use crate::app::probe_logins::Asked;
use crate::auth::probe::{Judgement, Step};
use crate::config::error::Diagnostic;

/// What is to be said of `asked`: errors make the probe fail.
pub fn judge(asked: &Asked) -> Vec<Diagnostic> {
    asked.steps.iter().filter_map(|step| judge_step(asked, step)).collect()
}

fn judge_step(asked: &Asked, step: &Step) -> Option<Diagnostic> {
    let message = format!("logins of {} by {}: {}: {}", who(asked), asked.whom, step.what, step.heard);
    let key = format!("auth.{}", step.key);
    let told = match step.judgement {
        Judgement::Well => return None,
        Judgement::Odd => Diagnostic::warning(key, message, None),
        Judgement::Failed => Diagnostic::error(key, message, None),
    };
    let told = step.help.iter().fold(told, |told, help| told.help(help.clone()));
    Some(match step.judgement {
        Judgement::Failed => told.help("clients who log in would hear 454 4.7.0"),
        _ => told,
    })
}

fn who(asked: &Asked) -> String {
    let names: Vec<String> = asked.listeners.iter().map(|name| format!("\"{name}\"")).collect();
    let what = if names.len() == 1 { "listener" } else { "listeners" };
    format!("{what} {}", names.join(", "))
}

/// What was heard, line by line.
pub fn text(asked: &Asked) -> String {
    let head = format!("\n# probe: logins of {} by {} (none is tried)\n", who(asked), asked.whom);
    let lines = asked.steps.iter().map(|step| {
        let mark = match step.judgement {
            Judgement::Well => "",
            Judgement::Odd | Judgement::Failed => ", see below",
        };
        format!("#   {}: {}{mark}\n", step.what, step.heard)
    });
    [head].into_iter().chain(lines).collect()
}

/// The same for programs.
pub fn json(asked: &Asked) -> Value {
    let step = |step: &Step| {
        let judgement = match step.judgement {
            Judgement::Well => "well",
            Judgement::Odd => "odd",
            Judgement::Failed => "failed",
        };
        json!({ "what": step.what, "heard": step.heard, "judgement": judgement })
    };
    json!({
        "verify": asked.whom,
        "listeners": asked.listeners,
        "steps": asked.steps.iter().map(step).collect::<Vec<Value>>(),
    })
}
