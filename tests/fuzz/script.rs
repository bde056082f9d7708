//! The fuzz target `script`: a policy put together from the input runs on a guarded engine, whose clock counts
//! instructions. Whatever it does, it ends within its budget, and the engine serves the next session.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gatepost::lua::api::Parts;
use gatepost::lua::chain::Chain;
use gatepost::lua::clock::Clock;
use gatepost::lua::config::{Budget, OnError, Policies as General, Policy, Script, Span};
use gatepost::lua::engine::{Engine, Plan};
use gatepost::policy::door::Policies;
use gatepost::policy::event::Event;
use gatepost::policy::mode::{Mode, PolicyUse};
use gatepost::policy::verdict::Verdict;
use gatepost::session::identity::{Identity, SessionId};
use gatepost::session::relay::{Relay, RelayDomains};
use gatepost::session::rules::Rules;
use gatepost::session::state::Session;
use gatepost::smtp::command::{Command, Syntax, Verb};

/// Processor time of each hook, and what it may allocate.
const CPU: Duration = Duration::from_millis(1);
const MEMORY: u64 = 1 << 20;

/// A policy: its text if the input begins with `=`, else one that the octets choose statement by statement.
pub(crate) fn script(input: &[u8]) {
    let (top, body) = match input.strip_prefix(b"=") {
        Some(text) => (String::new(), String::from_utf8_lossy(text).into_owned()),
        None => (TOP.to_owned(), Maker { octets: input, size: 0 }.block(4)),
    };
    let text = format!(
        "{top}return {{ connect = function(session)\n{body}\nend, ehlo = function() return reject('well') end }}"
    );
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(run(folder.path(), &text));
}

async fn run(folder: &Path, text: &str) {
    let path = folder.join("p.lua");
    std::fs::write(&path, text).unwrap();
    let budget = Budget { cpu: CPU, memory: MEMORY, ..Budget::default() };
    let policy = Policy {
        name: "p".into(),
        span: Span::default(),
        script: Script::File(path),
        mode: Mode::Enforce,
        on_error: OnError::Reject,
        required: false,
        budget,
        allow: None,
        options: Vec::new(),
    };
    let plan = Plan {
        general: General { budget, ..General::default() },
        policies: vec![policy],
        backends: Vec::new(),
    };
    // What is no Lua is a mistake that is told.
    let Ok(engine) = Engine::load(&plan, &Parts::offline(), Clock::counted()) else { return };
    let chain = Chain::new(&engine, &[PolicyUse { name: "p".into(), mode: None }]).unwrap();
    let Ok(Command::Ehlo(name)) = Command::parse(b"EHLO c.example", Syntax { strict: false }) else { return };
    for _ in 0..3 {
        let hooks = chain.open(Rc::new(RefCell::new(session())));
        let before = engine.now();
        hooks.decide(Event::Connect).await;
        let took = engine.now() - before;
        assert!(took <= CPU + Duration::from_millis(20), "it took {took:?}:\n{text}");
        let next = chain.open(Rc::new(RefCell::new(session())));
        let heard = next.decide(Event::Ehlo { verb: Verb::Ehlo, name: &name }).await;
        assert!(
            matches!(heard.verdict, Verdict::Refuse(reply) if reply.code.get() == 550),
            "not well after:\n{text}"
        );
    }
    assert!(engine.memory() < 64 << 20, "it holds {} octets:\n{text}", engine.memory());
}

fn session() -> Session {
    let relay = Relay::new(RelayDomains::Set(Default::default()));
    let rules = Rules::new("25", "mx.example", relay);
    let peer = SocketAddr::from(([192, 0, 2, 7], 4321));
    Session::new(
        Arc::new(rules),
        Identity::direct(SessionId::new(7), peer, SocketAddr::from(([127, 0, 0, 1], 25))),
    )
}

/// Makes a script of octets.
struct Maker<'a> {
    octets: &'a [u8],
    size: usize,
}

impl Maker<'_> {
    fn octet(&mut self) -> usize {
        let Some((&first, rest)) = self.octets.split_first() else { return 0 };
        self.octets = rest;
        usize::from(first)
    }

    fn block(&mut self, depth: usize) -> String {
        let mut text = String::new();
        while !self.octets.is_empty() && self.size < 4000 {
            let one = self.statement(depth);
            self.size += one.len();
            text.push_str(&one);
            text.push('\n');
            if self.octet().is_multiple_of(4) {
                break;
            }
        }
        text
    }

    fn statement(&mut self, depth: usize) -> String {
        let (kind, number) = (self.octet(), self.octet());
        let inner = |maker: &mut Self| if depth == 0 { String::new() } else { maker.block(depth - 1) };
        let text = TEXTS[self.octet() % TEXTS.len()];
        let pattern = PATTERNS[self.octet() % PATTERNS.len()];
        match kind % 32 {
            0 => format!("while true do {} end", inner(self)),
            1 => format!("for i = 1, {} do {} end", number * number * 100, inner(self)),
            2 => format!("pcall(function() {} end)", inner(self)),
            3 => format!("xpcall(function() {} end, function(e) {} end)", inner(self), inner(self)),
            4 => format!("coroutine.wrap(function() {} end)()", inner(self)),
            5 => format!("co = coroutine.create(function() {} end) coroutine.resume(co)", inner(self)),
            6 => "if co then coroutine.resume(co) end".to_owned(),
            7 => "if co then pcall(coroutine.close, co) end".to_owned(),
            8 => "coroutine.yield()".to_owned(),
            9 => format!("for w in {text}:gmatch({pattern}) do {} end", inner(self)),
            10 => format!("kept[#kept + 1] = {text}:gsub({pattern}, function() {} end)", inner(self)),
            11 => format!("kept[#kept + 1] = {text}:find({pattern}, {number} - 100)"),
            12 => format!("kept[#kept + 1] = {text}:rep({})", number * number * 10),
            13 => format!("table.sort(kept, function(a, b) {} return a ~= b end)", inner(self)),
            14 => format!(
                "do local c <close> = setmetatable({{}}, {{ __close = function() {} end }}) {} end",
                inner(self),
                inner(self)
            ),
            15 => format!(
                "local t = setmetatable({{}}, {{ __index = function(t, k) {} return k end }}) kept[1] = t[{number}]",
                inner(self)
            ),
            16 => format!(
                "tostring(setmetatable({{}}, {{ __tostring = function() {} return 'x' end }}))",
                inner(self)
            ),
            17 => format!("table.move(kept, {}, {}, 2)", number, number * number * number),
            18 => "local function f(n) if n > 0 then return f(n - 1) + 1 end return 0 end f(1e6)".to_owned(),
            19 => "error(kept)".to_owned(),
            20 => format!("kept[#kept + 1] = ('%{}d'):format(7)", number % 120),
            21 => format!("table.insert(kept, 1, {text}) table.remove(kept, {})", number % 3),
            22 => "kept[#kept + 1] = dns.a('a.example')".to_owned(),
            23 => format!("kept[#kept + 1] = utf8.len({text}) or os.date('%Y')"),
            24 => "session.vars.x = #kept session:note('k', #kept)".to_owned(),
            25 => format!("do return {} end", ["accept()", "reject('no')", "nil", "5"][number % 4]),
            _ => module_call(kind, number, text),
        }
    }
}

/// A call of one of the modules.
fn module_call(kind: usize, number: usize, text: &str) -> String {
    match kind % 12 {
        0 => format!("kept[#kept + 1] = ('%q'):format({text}:rep({number}))"),
        1 => format!("kept[#kept + 1] = json.decode(('['):rep({number} % 70) .. {text})"),
        2 => format!("kept[#kept + 1] = json.decode('[' .. ('[],'):rep({}) .. '1]')", number * number),
        3 => "kept[#kept + 1] = json.encode(kept) or json.encode { kept, kept }".to_owned(),
        4 => {
            format!("kept[#kept + 1] = re:find({text}:rep({number})) re:captures({text}) re:matches({text})")
        }
        5 => {
            format!("kept[#kept + 1] = hash.sha1({text}:rep({number}), 'base64') .. hash.sha512({text})")
        }
        6 => {
            format!("kept[#kept + 1] = hmac.sha256({text}, {text}:rep({number})) hmac.equal({text}, 'x')")
        }
        7 => format!("kept[#kept + 1] = base64.decode(base64.encode({text}:rep({number})), 'url')"),
        8 => {
            format!("kept[#kept + 1] = map.get('m'):get({text}) or nets:get({text}) or names:get({text})")
        }
        9 => format!(
            "kept[#kept + 1] = nets:contains({text}:rep({number})) and #nets or names:contains('b.a.example')"
        ),
        10 => format!(
            "log.info({text}, {{ a = {text} }}) print({text}) session.shared.x = {{ kept[1], {number} }}"
        ),
        _ => format!(
            "session:add_score({number}, {text}) kept[#kept + 1] = store.set({text}, kept) or session.symbols"
        ),
    }
}

/// What stands before all of them.
const TOP: &str = "local kept, co = {}, nil
local re, nets, names = regex.new('(?:(a+)+)+b|((a|aa)+)$|[ab]{0,50}c'), ip.set { '192.0.2.0/24' }, domains.set { '.a.example' }
";

const TEXTS: [&str; 6] =
    ["'abc'", "('a'):rep(300)", "('a b '):rep(500)", "('('):rep(200)", "'\\0\\255%'", "('x'):rep(20000)"];
const PATTERNS: [&str; 10] = [
    "'%w+'",
    "('a*'):rep(20) .. 'b'",
    "('.-'):rep(9) .. 'z'",
    "'()'",
    "'%b()'",
    "'(a)(b?)%1'",
    "'%f[%w]%w'",
    "'['",
    "('a?'):rep(220)",
    "'^.-$'",
];
