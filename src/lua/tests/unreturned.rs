//! Verdicts that stand alone as statements: a mistake at load, and no mistake in what is right.

use crate::lua::tests::support::Setup;

/// What is said at load of a `rcpt` hook with this body; its first line is 3.
fn told(body: &str) -> String {
    let text =
        format!("return {{\n  rcpt = function(session, rcpt, options)\n{body}\n    return nil\n  end,\n}}");
    match Setup::new().policy("p", &text).load() {
        Ok(_) => String::new(),
        Err(problems) => {
            let place = |problem: &crate::lua::problem::Problem| {
                let text = problem.to_string();
                let line = text.rsplit_once("p.lua:").map_or(text.as_str(), |(_, rest)| rest);
                let columns = problem.columns.clone().expect("columns");
                format!("{line} at {}..{}", columns.start, columns.end)
            };
            problems.iter().map(place).collect::<Vec<_>>().join("\n")
        }
    }
}

fn of(name: &str, line: usize, start: usize) -> String {
    let end = start + name.len();
    format!(
        "{line}: the verdict of '{name}' is made and not returned (write: return {name}(…)) at {start}..{end}"
    )
}

#[test]
fn a_verdict_that_stands_alone_is_told_with_its_place() {
    for (body, name, line, start) in [
        ("reject('no')", "reject", 3, 0),
        ("    defer 'later'", "defer", 3, 4),
        ("    disconnect { text = 'bye' }", "disconnect", 3, 4),
        ("accept [[session]]", "accept", 3, 0),
        ("discard('spam');", "discard", 3, 0),
        ("reject()", "reject", 3, 0),
        ("if rcpt.domain == '' then reject('no') end", "reject", 3, 26),
        ("if rcpt then return else reject('no') end", "reject", 3, 25),
        ("if rcpt then elseif session then reject('no') end", "reject", 3, 33),
        ("do reject('no') end", "reject", 3, 3),
        ("do end reject('no')", "reject", 3, 7),
        ("while rcpt do reject('no') end", "reject", 3, 14),
        ("repeat reject('no') until rcpt", "reject", 3, 7),
        ("repeat until rcpt reject('no')", "reject", 3, 18),
        ("for i = 1, 2 do reject('no') end", "reject", 3, 16),
        ("for _, v in ipairs {} do\n  -- a word\n  reject('no') end", "reject", 5, 2),
        ("pcall(function() reject('no') end)", "reject", 3, 17),
        ("pcall(function(...) reject(...) end)", "reject", 3, 20),
        ("local f = function() reject('no') end f()", "reject", 3, 21),
        ("local function f() reject('no') end f()", "reject", 3, 19),
        ("local a = 1\nreject('no')", "reject", 4, 0),
        ("local a = 'x'\nreject('no')", "reject", 4, 0),
        ("local a = nil\nreject('no')", "reject", 4, 0),
        ("local a = rcpt\nreject('no')", "reject", 4, 0),
        ("local a = {}\nreject('no')", "reject", 4, 0),
        ("local a = ({1})[1]\nreject('no')", "reject", 4, 0),
        ("local a\nreject('no')", "reject", 4, 0),
        ("log.info('x') reject('no')", "reject", 3, 14),
        ("log.info 'x' reject('no')", "reject", 3, 13),
        ("local a = 1; reject('no')", "reject", 3, 13),
        ("goto last ::last:: reject('no')", "reject", 3, 19),
        ("while rcpt do goto next ::next:: end reject('no')", "reject", 3, 37),
        ("do local reject = print end reject('no')", "reject", 3, 28), // no longer the local
        ("local t = { f = function() reject('no') end }", "reject", 3, 27),
        ("local t = { 1; function() ; reject('no') end }", "reject", 3, 28),
        ("reject ('no') -- 'x'", "reject", 3, 0),
        ("reject\n('no')", "reject", 3, 0),
    ] {
        assert_eq!(told(body), of(name, line, start), "{body}");
    }
}

#[test]
fn a_verdict_that_somebody_takes_is_none_of_them() {
    for body in [
        "do return reject('no') end",
        "do return (reject('no')) end",
        "do return rcpt and reject('no') end",
        "do return rcpt and accept() or reject('no') end",
        "do return not session and reject('no') or nil end",
        "do return reject('a'), reject('b') end",
        "do\n  return\n  reject('no')\nend",
        "do return -- why\n reject('no') end",
        "local v = reject('no')",
        "local v, w = reject('a'), defer('b')",
        "local v v = reject('no')",
        "local t = {} t.v = reject('no') t['w'] = reject('no')",
        "local t = { reject('a'), defer('b'); discard('c'), v = reject('d'), [1] = accept() }",
        "local t = { rcpt;\n reject('no');\n reject('no') }",
        "local f = function() return reject('no') end",
        "print(reject('no'), reject('no'))",
        "print { reject('no') }",
        "if reject('no') then end",
        "if not rcpt then elseif reject('no') then end",
        "if reject('no') == rcpt then elseif rcpt == reject('no') then end",
        "while reject('no') do break end",
        "repeat until reject('no')",
        "for i = reject('no'), defer('x') do end",
        "for i in reject('no') do end",
        "local s = 'a' .. reject('no')",
        "local n = #reject('no') + -reject('no') // reject('no')",
        "local f = pcall(reject, 'no')",
        "local f = reject",
        "local t = { reject = print } t.reject('no') t:reject('no') t.t.reject 'no'",
        "local reject = print reject('no')",
        "local reject <const> = print\nreject('no')",
        "local function reject(text) end reject('no')",
        "local function f(accept, reject) reject('no') accept() end",
        "for _, reject in ipairs {} do reject('no') end",
        "local t = {} function t:reject() end function t.defer() end",
        "-- reject('no')\n--[[\nreject('no')\n]] local s = \"reject('no')\" .. [[\nreject('no')]]",
        "goto reject ::reject:: do return reject('no') end",
        "session:disconnect('x')",
        "local rejecting = print rejecting('no')",
    ] {
        assert_eq!(told(body), "", "{body}");
    }
}

#[test]
fn at_the_top_of_a_file_lua_itself_says_what_is_wrong() {
    let problems = Setup::new().policy("p", "do reject('x') end\nreturn {}").problems();
    assert_eq!(problems, "p.lua:1: reject: verdicts are made inside a hook");
}

#[test]
fn every_one_is_told_also_of_modules() {
    let module =
        "local m = {}\nfunction m.check(session)\n  if session.ehlo then defer('x') end\nend\nreturn m";
    let policy = "local lib = require 'lib'\nreturn {\n  mail = function(session) reject('a') lib.check(session) end,\n  \
                  rcpt = function() accept() end,\n}";
    let problems = Setup::new().file("lib.lua", module).policy("p", policy).problems();
    let lines: Vec<&str> = problems.lines().map(|line| line.split(" (").next().unwrap_or_default()).collect();
    assert_eq!(
        lines,
        [
            "p.lua:3: the verdict of 'reject' is made and not returned",
            "p.lua:4: the verdict of 'accept' is made and not returned",
            "lib.lua:3: the verdict of 'defer' is made and not returned",
        ]
    );
}
