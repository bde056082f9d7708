//! The functions behind the language of policy tests; `language.lua` makes of them what tests see.
//!
//! What waits gives `nil` and a sentence where something is wrong: the Lua part raises it at the test's line.

use std::rc::Rc;

use bytes::Bytes;
use mlua::{Function, IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value};

use crate::lua::actions;
use crate::lua::caller::raise;
use crate::lua::trial::stage::Stage;
use crate::lua::trial::stub;
use crate::lua::trial::visit;
use crate::lua::trial::world::{Answer, Heard, Said, Taken, World};
use crate::message::encoded_word;
use crate::message::header::Header;

/// A maker of the functions, all of which act upon the world that is on `stage`.
pub(super) struct Natives<'a> {
    pub(super) lua: &'a Lua,
    pub(super) stage: &'a Rc<Stage>,
}

impl Natives<'_> {
    /// The functions by their names.
    pub(super) fn table(&self) -> mlua::Result<Table> {
        let natives = self.lua.create_table()?;
        let fail =
            |lua: &Lua, text: LuaString| -> mlua::Result<()> { Err(raise(lua, &text.to_string_lossy())) };
        natives.raw_set("fail", self.lua.create_function(fail)?)?;
        self.clients(&natives)?;
        self.surroundings(&natives)?;
        self.backend(&natives)?;
        Ok(natives)
    }

    fn clients(&self, natives: &Table) -> mlua::Result<()> {
        natives.raw_set(
            "connect",
            self.waiting(|lua, world, table: Table| {
                let visit = visit::read(lua, &table);
                async move {
                    let (client, heard) = world.connect(visit?).await?;
                    Ok((client, Reply(heard)))
                }
            })?,
        )?;
        natives.raw_set(
            "say",
            self.waiting(|_, world, (client, line): (usize, LuaString)| {
                let said = Said::Line(line.as_bytes().to_vec());
                async move { world.say(client, said).await.map(Reply) }
            })?,
        )?;
        natives.raw_set(
            "send",
            self.waiting(|_, world, (client, content): (usize, LuaString)| {
                let said = Said::Content(content.as_bytes().to_vec());
                async move { world.say(client, said).await.map(Reply) }
            })?,
        )?;
        let leave = self.waiting(|_, world, client: usize| async move {
            world.leave(client).await;
            Ok(true)
        })?;
        natives.raw_set("leave", leave)?;
        let begin_case = self.waiting(|_, world, ()| async move {
            world.begin_case().await;
            Ok(true)
        })?;
        natives.raw_set("begin_case", begin_case)
    }

    fn surroundings(&self, natives: &Table) -> mlua::Result<()> {
        natives
            .raw_set("set_up", self.prompt(|_, world, file: String| world.set_up(&file).map(|()| true))?)?;
        let advance = self.waiting(|_, world, time: Value| {
            let time = actions::duration(&time);
            async move {
                let time = time.ok_or("clock.advance takes seconds, or a duration such as \"5m\"")?;
                world.advance(time).await;
                Ok(true)
            }
        })?;
        natives.raw_set("advance", advance)?;
        natives.raw_set("now", self.prompt(|_, world, ()| Ok(world.now().as_secs_f64()))?)?;
        let stub = |_: &Lua, world: &Rc<dyn World>, (name, records): (String, Value)| {
            world.stub_name(&name, &stub::records(&records)?).map(|()| true)
        };
        natives.raw_set("stub_name", self.prompt(stub)?)?;
        let asked =
            |_: &Lua, world: &Rc<dyn World>, (name, kind): (String, String)| world.times_asked(&name, &kind);
        natives.raw_set("times_asked", self.prompt(asked)?)?;
        let stub = |lua: &Lua, world: &Rc<dyn World>, (url, page): (String, Value)| {
            world.stub_url(&url, stub::page(lua, &page)?).map(|()| true)
        };
        natives.raw_set("stub_url", self.prompt(stub)?)?;
        let stub = |_: &Lua, world: &Rc<dyn World>, (name, values): (String, Value)| {
            world.stub_map(&name, stub::values(&values)?);
            Ok(true)
        };
        natives.raw_set("stub_map", self.prompt(stub)?)?;
        let requests = |lua: &Lua, world: &Rc<dyn World>, ()| {
            let tables: mlua::Result<Vec<Table>> =
                world.web_requests().into_iter().map(|one| stub::request(lua, one)).collect();
            tables.map_err(|error| error.to_string())
        };
        natives.raw_set("web_requests", self.prompt(requests)?)?;
        let fail = |_: &Lua, world: &Rc<dyn World>, kind: Option<String>| {
            world.fail_store(kind.as_deref()).map(|()| true)
        };
        natives.raw_set("fail_store", self.prompt(fail)?)?;
        natives.raw_set("logged", self.prompt(|_, world, text: String| Ok(world.logged(&text)))?)?;
        natives.raw_set("take_errors", self.prompt(|_, world, ()| Ok(world.take_errors()))?)?;
        let print = |_: &Lua, world: &Rc<dyn World>, text: LuaString| {
            world.print(&text.to_string_lossy());
            Ok(true)
        };
        natives.raw_set("print", self.prompt(print)?)
    }

    fn backend(&self, natives: &Table) -> mlua::Result<()> {
        let answer =
            |_: &Lua, world: &Rc<dyn World>, (verb, said, part): (String, Option<String>, Option<String>)| {
                let answer = said.map(|said| match said.as_str() {
                    "close" => Answer::Close,
                    "timeout" => Answer::Silence,
                    _ => Answer::Reply(said),
                });
                world.answer(&verb, &part.unwrap_or_default(), answer).map(|()| true)
            };
        natives.raw_set("answer", self.prompt(answer)?)?;
        natives.raw_set("commands", self.prompt(|_, world, ()| Ok(world.commands()))?)?;
        let messages = |lua: &Lua, world: &Rc<dyn World>, ()| {
            let messages = world.messages();
            let tables: mlua::Result<Vec<Table>> =
                messages.into_iter().map(|one| message(lua, one)).collect();
            tables.map_err(|error| error.to_string())
        };
        natives.raw_set("messages", self.prompt(messages)?)?;
        let headers = self.lua.create_function(|_, (content, name): (LuaString, String)| {
            let header = Header::parse(Bytes::copy_from_slice(&content.as_bytes()));
            let decoded = |field| encoded_word::decode(header.raw_value(field)).into_owned();
            Ok(header.named(&name).map(decoded).collect::<Vec<_>>())
        })?;
        natives.raw_set("headers", headers)
    }

    /// A function that doesn't wait. Its errors are raised at the test's line.
    fn prompt<A, R>(
        &self,
        act: impl Fn(&Lua, &Rc<dyn World>, A) -> Result<R, String> + 'static,
    ) -> mlua::Result<Function>
    where
        A: mlua::FromLuaMulti,
        R: IntoLuaMulti,
    {
        let stage = Rc::clone(self.stage);
        self.lua.create_function(move |lua, arguments: A| {
            let done = stage.world().and_then(|world| act(lua, &world, arguments));
            done.map_err(|problem| raise(lua, &problem))
        })
    }

    /// A function that waits.
    fn waiting<A, F, R>(&self, act: impl Fn(&Lua, Rc<dyn World>, A) -> F + 'static) -> mlua::Result<Function>
    where
        A: mlua::FromLuaMulti + 'static,
        F: Future<Output = Result<R, String>> + 'static,
        R: IntoLuaMulti + 'static,
    {
        let stage = Rc::clone(self.stage);
        self.lua.create_async_function(move |lua, arguments: A| {
            let doing = stage.world().map(|world| act(&lua, world, arguments));
            async move {
                let done = match doing {
                    Ok(doing) => doing.await,
                    Err(problem) => Err(problem),
                };
                match done {
                    Ok(value) => value.into_lua_multi(&lua),
                    Err(problem) => (Value::Nil, problem).into_lua_multi(&lua),
                }
            }
        })
    }
}

/// A reply as code, status and text.
struct Reply(Heard);

impl IntoLuaMulti for Reply {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        let Heard { code, status, lines } = self.0;
        (code, status, lines.join("\n")).into_lua_multi(lua)
    }
}

fn message(lua: &Lua, taken: Taken) -> mlua::Result<Table> {
    let envelope = lua.create_table()?;
    envelope.raw_set("from", taken.from)?;
    envelope.raw_set("to", taken.to)?;
    let message = lua.create_table()?;
    message.raw_set("backend", taken.backend)?;
    message.raw_set("envelope", envelope)?;
    message.raw_set("size", taken.content.len())?;
    message.raw_set("content", lua.create_string(taken.content)?)?;
    Ok(message)
}
