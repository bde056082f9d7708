//! The one connection to Dovecot: kept up, and shared by all requests, each with its number.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::rand;
use tokio::select;
use tokio::sync::mpsc::{Receiver, UnboundedSender};
use tokio::time::{Duration, sleep, timeout};

use crate::auth::dovecot::words::{self, Answer, Greeting, MAX_LINE};
use crate::net::stream::Stream;
use crate::smtp::mechanism::Mechanisms;
use crate::smtp::secret::Secret;

/// What is to be said to Dovecot.
pub(super) enum Job {
    /// A new request: its number, its line, and who hears the answers.
    Begin(u32, Secret, UnboundedSender<Answer>),
    /// A further line of a request.
    Continue(Secret),
    /// A request is over for the client; Dovecot hears so if it isn't for it.
    Forget(u32),
}

/// How long connecting with its handshake may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long it rests between attempts that nobody has asked for.
const REST: Duration = Duration::from_secs(10);
/// Requests that wait for their answers.
const MOST: usize = 1000;

/// A connection after its handshake.
pub(super) struct Line {
    stream: Stream,
    input: Vec<u8>,
}

/// Keeps a connection to the socket at `path` up as long as there is anyone who could ask; tells what it offers.
pub(super) async fn keep(path: PathBuf, mut jobs: Receiver<Job>, offered: Arc<ArcSwap<Mechanisms>>) {
    let mut is_told = false;
    let mut waiting = None;
    loop {
        match timeout(PATIENCE, open(&path)).await.unwrap_or_else(|_| Err("no handshake in time".to_owned()))
        {
            Ok((line, mechanisms)) => {
                is_told = false;
                offered.store(Arc::new(mechanisms));
                match serve(line, waiting.take(), &mut jobs).await {
                    None => return,
                    Some(why) => tracing::warn!(path = %path.display(), error = %why, "Dovecot is gone"),
                }
            }
            Err(why) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(path = %path.display(), error = %why, "Dovecot can't be asked about logins");
                }
                let queued = waiting.take().into_iter().chain(std::iter::from_fn(|| jobs.try_recv().ok()));
                for job in queued {
                    if let Job::Begin(_, _, tell) = job {
                        let _ = tell.send(Answer::Unavailable(why.clone())); // or the client is gone already
                    }
                }
            }
        }
        // The next who asks makes the next attempt, or time does.
        waiting = select! {
            job = jobs.recv() => match job {
                Some(Job::Begin(id, line, tell)) => Some(Job::Begin(id, line, tell)),
                Some(_) => None,
                None => return,
            },
            () = sleep(REST) => None,
        };
    }
}

/// Connects and takes the handshake; what can be passed on by it.
pub(super) async fn open(path: &std::path::Path) -> Result<(Line, Mechanisms), String> {
    let stream = Stream::connect_unix(path).await.map_err(|error| error.to_string())?;
    let mut line = Line { stream, input: Vec::new() };
    let mut number = [0; 4];
    rand::fill(&mut number).map_err(|_| "no randomness".to_owned())?;
    // Its number is the client's process in Dovecot's eyes; ours may have several connections around a reload.
    let number = u32::from_le_bytes(number) >> 1;
    line.write(&words::handshake(number)).await?;
    let mut mechanisms = Mechanisms::NONE;
    let mut version = 0;
    loop {
        match Greeting::parse(&line.next().await?) {
            Greeting::Version(major) => version = major,
            Greeting::Mechanism(mechanism) => mechanisms = mechanisms.with(mechanism),
            Greeting::Done => break,
            Greeting::Other => {}
        }
    }
    if version != 1 {
        return Err(format!("it speaks version {version} of its protocol, and we speak 1"));
    }
    Ok((line, words::passable(mechanisms)))
}

/// Serves requests until the connection is lost, and then why; nothing once nobody is left who could ask.
async fn serve(mut line: Line, first: Option<Job>, jobs: &mut Receiver<Job>) -> Option<String> {
    let mut asking: HashMap<u32, UnboundedSender<Answer>> = HashMap::new();
    let mut job = first;
    let why = loop {
        let outcome = match job.take() {
            Some(Job::Begin(_, _, tell)) if asking.len() >= MOST => {
                let _ = tell.send(Answer::Unavailable("too many logins at once".to_owned()));
                Ok(())
            }
            Some(Job::Begin(id, request, tell)) => {
                asking.insert(id, tell);
                line.write(&request).await
            }
            Some(Job::Continue(answer)) => line.write(&answer).await,
            Some(Job::Forget(id)) => match asking.remove(&id) {
                Some(_) => line.write(&words::cancelled(id)).await,
                None => Ok(()),
            },
            None => Ok(()),
        };
        if let Err(why) = outcome {
            break why;
        }
        select! {
            next = jobs.recv() => match next {
                Some(next) => job = Some(next),
                None => return None,
            },
            said = line.next() => match said {
                Ok(said) => tell(&said, &mut asking),
                Err(why) => break why,
            },
        }
    };
    for (_, tell) in asking {
        let _ = tell.send(Answer::Unavailable(why.clone()));
    }
    Some(why)
}

/// Gives an answer to who waits for it.
fn tell(said: &str, asking: &mut HashMap<u32, UnboundedSender<Answer>>) {
    let Some((id, answer)) = words::answer(said) else { return };
    let is_last = !matches!(answer, Answer::Continue(_));
    if let Some(waiting) = asking.get(&id) {
        let _ = waiting.send(answer);
    }
    if is_last {
        asking.remove(&id);
    }
}

impl Line {
    async fn write(&mut self, line: &Secret) -> Result<(), String> {
        let written = timeout(PATIENCE, self.stream.write(line.octets())).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it takes no requests".to_owned()),
        }
    }

    /// The next line, without its end. Safe to drop.
    async fn next(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.input.iter().position(|octet| *octet == b'\n') {
                let mut line: Vec<u8> = self.input.drain(..=end).collect();
                line.pop();
                return String::from_utf8(line).map_err(|_| "a line that is no text".to_owned());
            }
            if self.input.len() > MAX_LINE {
                return Err("a line without an end".to_owned());
            }
            let input = &mut self.input;
            let read = self.stream.read(|octets| {
                input.extend_from_slice(octets);
                octets.len()
            });
            match read.await {
                Ok(0) => return Err("it closed the connection".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
