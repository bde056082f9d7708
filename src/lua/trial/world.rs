//! What a policy test acts upon: clients, names, time and the backend. `trial` plays them; nothing here is of Lua.

use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value};

pub use crate::lookup::http::played::{Asked, Page};
pub use crate::lookup::map::played::Stub;
use crate::session::tls::Tls;

/// Something that comes later, on the test's own thread.
pub type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// The world of one test. Errors are sentences for the test's author.
pub trait World {
    /// From now on clients come to the set-up that the configuration `file` describes; a path beside the test.
    fn set_up(&self, file: &str) -> Result<(), String>;

    /// A new client, and what it is greeted with.
    fn connect(self: Rc<Self>, visit: Visit) -> Later<Result<(usize, Heard), String>>;

    /// Lets the client of this number say `octets`, and waits for the reply. A line has no CRLF yet, `Content` no dots
    /// added and no end.
    fn say(self: Rc<Self>, client: usize, said: Said) -> Later<Result<Heard, String>>;

    /// Lets the client of this number go without a word, and waits until its session has ended.
    fn leave(self: Rc<Self>, client: usize) -> Later<()>;

    /// Lets `time` pass, and all that happens in it happen.
    fn advance(self: Rc<Self>, time: Duration) -> Later<()>;

    /// The time of day, since 1970.
    fn now(&self) -> Duration;

    /// From now on the DNS knows `records` of `name`, a name or an address, and nothing else.
    fn stub_name(&self, name: &str, records: &Records) -> Result<(), String>;

    /// How often the DNS was asked for records of the type `kind` of `name`.
    fn times_asked(&self, name: &str, kind: &str) -> Result<usize, String>;

    /// From now on web servers say `page` to requests for `url`.
    fn stub_url(&self, url: &str, page: Page) -> Result<(), String>;

    /// From now on the server of the map `name` says what `stub` has.
    fn stub_map(&self, name: &str, stub: Stub);

    /// What web servers were asked.
    fn web_requests(&self) -> Vec<Asked>;

    /// From now on every call of the store fails so: "timeout", "unavailable", …; `None`: none does.
    fn fail_store(&self, kind: Option<&str>) -> Result<(), String>;

    /// From now on the backend answers `verb` so, as long as the command holds `part`; `None`: as it does by itself.
    fn answer(&self, verb: &str, part: &str, answer: Option<Answer>) -> Result<(), String>;

    /// The messages that the backend has taken.
    fn messages(&self) -> Vec<Taken>;

    /// The commands that the backend was given.
    fn commands(&self) -> Vec<String>;

    /// The first line of the log, of those since the test began, that holds `text`.
    fn logged(&self, text: &str) -> Option<String>;

    /// Errors of policies that nobody has asked for yet.
    fn take_errors(&self) -> Vec<String>;

    /// Says something to whoever runs the test.
    fn print(&self, text: &str);

    /// Lets all clients go and forgets them, the messages, and what policies have stored: the next case is one of its own.
    fn begin_case(self: Rc<Self>) -> Later<()>;
}

/// A client's visit.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its TLS, as if there had been a handshake; `None` is clear text.
    pub tls: Option<Tls>,
    /// To which listener; `None` is the first.
    pub listener: Option<String>,
    /// What it comes to; `None` leaves it to `World::set_up`, or else is the policy under test alone.
    pub place: Place,
}

/// A set-up in a test's own words, each part as in the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The listener's policies, each with what its table in the configuration says; `None`: the one under test.
    pub policies: Option<Vec<Used>>,
    /// What the table of the policy under test says.
    pub options: Option<Map<String, Value>>,
    /// Everything else.
    pub config: Option<Map<String, Value>>,
}

/// A policy's name and what its table says.
pub type Used = (String, Map<String, Value>);

impl Place {
    /// Whether nothing was said.
    pub fn is_unsaid(&self) -> bool {
        *self == Place::default()
    }
}

/// What a client says.
#[derive(Clone, Debug)]
pub enum Said {
    /// A command.
    Line(Vec<u8>),
    /// What follows a 354.
    Content(Vec<u8>),
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Such as 550.
    pub code: u16,
    /// Such as "5.1.1"; `None` where there is none.
    pub status: Option<String>,
    /// The text of each line.
    pub lines: Vec<String>,
}

/// What the DNS knows of a name.
#[derive(Clone, Debug)]
pub enum Records {
    /// These, each a type and a value as in a zone file; none: the name does not exist.
    Known(Vec<(String, String)>),
    /// It answers with nothing, or with an error: "timeout", "servfail", "refused".
    Trouble(String),
}

/// What the backend answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This reply, its lines parted by line feeds.
    Reply(String),
    /// Nothing: it closes the connection.
    Close,
    /// Nothing at all.
    Silence,
}

/// A message that the backend has taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Which backend.
    pub backend: String,
    /// The reverse-path, without brackets.
    pub from: String,
    /// The forward-paths, without brackets.
    pub to: Vec<String>,
    /// The content, dots unstuffed.
    pub content: Vec<u8>,
}
