//! The stack machine of pickles.

use std::collections::HashMap;
use std::ops::Range;

use super::opcode::*;
use super::{Data, Global, Names, Object, Ref, Value, escape};
use crate::cursor::Cursor;
use crate::error::{Result, WeightsError};
use crate::limits;

/// The newest protocol.
const PROTOCOL: u8 = 5;

/// Most bytes of a number.
const NUMBER: usize = size_of::<i128>();

/// Runs the pickle that begins at byte `begin`: its values, which of them is the result, and where it ends.
pub(super) fn run(
    file: &str,
    bytes: &[u8],
    begin: usize,
    names: Names,
) -> Result<(Vec<Value>, Ref, usize)> {
    let mut machine = Machine {
        file,
        bytes,
        names,
        cursor: Cursor::new(file, bytes, begin),
        at: begin,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    // A step makes at most one value and puts at most one reference on the stack, but for those that it takes from
    // there: so all that the machine holds is bounded by the number of steps.
    for _ in 0..limits::MAX_PICKLE_STEPS {
        machine.at = machine.cursor.at();
        match machine.cursor.array("an instruction of the pickle")? {
            [STOP] => {
                let root = machine.pop()?;
                return Ok((machine.values, root, machine.cursor.at()));
            }
            [opcode] => machine.step(opcode)?,
        }
    }
    let (what, limit) = ("instructions of a pickle", limits::MAX_PICKLE_STEPS);
    Err(WeightsError::TooMany { file: file.into(), what, got: limit + 1, limit })
}

struct Machine<'a> {
    file: &'a str,
    bytes: &'a [u8],
    names: Names,
    cursor: Cursor<'a>,
    /// Where the instruction lies that is run.
    at: usize,
    values: Vec<Value>,
    stack: Vec<Ref>,
    /// How much lay on the stack at each mark; what lies below the last one is out of reach.
    marks: Vec<usize>,
    memo: HashMap<u64, Ref>,
}

impl Machine<'_> {
    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            PROTO => match self.cursor.array("the protocol")? {
                [0..=PROTOCOL] => Ok(()),
                [got] => self.fail(format!("protocol {got} is not read; legal: 0 to {PROTOCOL}")),
            },
            // Frames tell how much to read ahead, and change nothing.
            FRAME => {
                let size = u64::from_le_bytes(self.cursor.array("a frame")?);
                self.cursor.clone().skip(size, "a frame").map(drop)
            }

            MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            POP if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
                Ok(())
            }
            POP => self.pop().map(drop),
            POP_MARK => self.pop_mark().map(drop),
            DUP => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            GET | BINGET | LONG_BINGET => {
                let place = self.place(opcode == GET, opcode == BINGET)?;
                match self.memo.get(&place) {
                    Some(&value) => self.stack.push(value),
                    None => return self.fail(format!("nothing was kept as number {place}")),
                }
                Ok(())
            }
            PUT | BINPUT | LONG_BINPUT => {
                let place = self.place(opcode == PUT, opcode == BINPUT)?;
                self.keep(place)
            }
            MEMOIZE => self.keep(self.memo.len() as u64),

            NONE => self.push(Value::None),
            NEWTRUE => self.push(Value::Bool(true)),
            NEWFALSE => self.push(Value::Bool(false)),
            INT | LONG | FLOAT => self.number_as_text(opcode),
            BININT => {
                let number = i32::from_le_bytes(self.cursor.array("a number")?);
                self.push(Value::Int(number.into()))
            }
            BININT1 | BININT2 => {
                let number = self.count(1 + usize::from(opcode == BININT2), "a number")?;
                self.push(Value::Int(number.into()))
            }
            LONG1 | LONG4 => {
                let size = self.count(if opcode == LONG1 { 1 } else { 4 }, "a number")?;
                self.long(size)
            }
            BINFLOAT => {
                let number = f64::from_be_bytes(self.cursor.array("a number")?);
                self.push(Value::Float(number))
            }

            STRING => self.escaped(escape::string, Value::Bytes),
            UNICODE => self.escaped(|line| escape::text(line).map(String::into_bytes), Value::Text),
            SHORT_BINSTRING | SHORT_BINBYTES => self.data(1, Value::Bytes),
            BINSTRING | BINBYTES => self.data(4, Value::Bytes),
            BINBYTES8 | BYTEARRAY8 => self.data(8, Value::Bytes),
            SHORT_BINUNICODE => self.data(1, Value::Text),
            BINUNICODE => self.data(4, Value::Text),
            BINUNICODE8 => self.data(8, Value::Text),

            EMPTY_SET if self.any() => self.push(Value::List(Vec::new())),
            FROZENSET if self.any() => {
                let items = self.pop_mark()?;
                self.push(Value::List(items))
            }
            ADDITEMS if self.any() => {
                let items = self.pop_mark()?;
                self.append(items)
            }

            EMPTY_LIST => self.push(Value::List(Vec::new())),
            EMPTY_TUPLE => self.push(Value::Tuple(Vec::new())),
            EMPTY_DICT => self.push(Value::Dict(Vec::new())),
            LIST => {
                let items = self.pop_mark()?;
                self.push(Value::List(items))
            }
            TUPLE => {
                let items = self.pop_mark()?;
                self.push(Value::Tuple(items))
            }
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let items = self.pop_many(usize::from(opcode - TUPLE1) + 1)?;
                self.push(Value::Tuple(items))
            }
            DICT => {
                let items = self.pop_mark()?;
                let pairs = self.pairs(items)?;
                self.push(Value::Dict(pairs))
            }
            APPEND => {
                let items = self.pop_many(1)?;
                self.append(items)
            }
            APPENDS => {
                let items = self.pop_mark()?;
                self.append(items)
            }
            SETITEM => {
                let items = self.pop_many(2)?;
                self.set(items)
            }
            SETITEMS => {
                let items = self.pop_mark()?;
                self.set(items)
            }

            GLOBAL => {
                let module = self.cursor.line("the module of a function")?;
                let name = self.cursor.line("the name of a function")?;
                self.global(module, name)
            }
            STACK_GLOBAL => {
                let names = self.pop_many(2)?;
                let text = |name: &Ref| match &self.values[name.0 as usize] {
                    Value::Text(Data::At(range)) | Value::Bytes(Data::At(range)) => {
                        Some(range.clone())
                    }
                    _ => None,
                };
                match names.iter().map(text).collect::<Option<Vec<_>>>().as_deref() {
                    Some([module, name]) => self.global(module.clone(), name.clone()),
                    _ => self.fail("the name of a function must be text".into()),
                }
            }
            REDUCE | NEWOBJ => {
                let parts = self.pop_many(2)?;
                self.object(parts[0], parts[1])
            }
            NEWOBJ_EX => {
                let parts = self.pop_many(3)?;
                match &self.values[parts[2].0 as usize] {
                    Value::Dict(pairs) if pairs.is_empty() || self.any() => {
                        self.object(parts[0], parts[1])
                    }
                    _ => self.fail("arguments by name are not read".into()),
                }
            }
            BUILD => {
                let state = self.pop()?;
                let object = self.top()?;
                match &mut self.values[object.0 as usize] {
                    Value::Object(object) if object.state.is_none() => {
                        object.state = Some(state);
                        Ok(())
                    }
                    // A state changes what it is given to; of these nobody asks what they became.
                    _ if matches!(self.names, Names::Any) => Ok(()),
                    Value::Object(_) => self.fail("an object has its state already".into()),
                    _ => self.fail("only objects have a state".into()),
                }
            }
            PERSID => {
                let name = self.cursor.line("a name")?;
                self.push(Value::Text(Data::At(name)))?;
                let name = self.pop()?;
                self.push(Value::Persistent(name))
            }
            BINPERSID => {
                let name = self.pop()?;
                self.push(Value::Persistent(name))
            }
            _ => self.fail("it is not read".into()),
        }
    }

    fn push(&mut self, value: Value) -> Result<()> {
        let limit = limits::MAX_PICKLE_VALUES;
        if self.values.len() == limit {
            let what = "values of a pickle";
            let file = self.file.into();
            return Err(WeightsError::TooMany { file, what, got: limit + 1, limit });
        }
        self.stack.push(Ref(self.values.len() as u32));
        self.values.push(value);
        Ok(())
    }

    /// Where what is in reach begins.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Ref> {
        match self.stack[self.floor()..].last() {
            Some(&top) => Ok(top),
            None => self.fail("nothing lies on the stack".into()),
        }
    }

    fn pop(&mut self) -> Result<Ref> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Always as many as asked for.
    fn pop_many(&mut self, count: usize) -> Result<Vec<Ref>> {
        let got = self.stack.len() - self.floor();
        match got.checked_sub(count) {
            Some(_) => Ok(self.stack.split_off(self.stack.len() - count)),
            None => self.fail(format!("it needs {count} values on the stack, but {got} are there")),
        }
    }

    fn pop_mark(&mut self) -> Result<Vec<Ref>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => self.fail("no mark lies on the stack".into()),
        }
    }

    fn keep(&mut self, place: u64) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    /// The number of a memo: text, one byte, or four.
    fn place(&mut self, text: bool, short: bool) -> Result<u64> {
        if !text {
            return self.count(if short { 1 } else { 4 }, "a number of the memo");
        }
        let line = self.cursor.line("a number of the memo")?;
        match str::from_utf8(&self.bytes[line]).ok().and_then(|line| line.trim().parse().ok()) {
            Some(place) => Ok(place),
            None => self.fail("its number is not a number from 0 on".into()),
        }
    }

    /// A number of 1, 2, 4 or 8 bytes. Python reads some of four as signed ones, of which negative ones are illegal:
    /// as others they are beyond the end of any file that is read.
    fn count(&mut self, size: usize, what: &str) -> Result<u64> {
        let mut number = [0; 8];
        number[..size].copy_from_slice(self.cursor.take(size as u64, what)?);
        Ok(u64::from_le_bytes(number))
    }

    fn long(&mut self, size: u64) -> Result<()> {
        let bytes = self.cursor.take(size, "a number")?;
        if bytes.len() > NUMBER {
            return self.fail(format!("a number of {size} bytes, but at most {NUMBER} are read"));
        }
        let negative = bytes.last().is_some_and(|high| high & 0x80 != 0);
        let mut number = [if negative { 0xff } else { 0 }; NUMBER];
        number[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i128::from_le_bytes(number)))
    }

    fn number_as_text(&mut self, opcode: u8) -> Result<()> {
        let line = self.cursor.line("a number")?;
        let text = str::from_utf8(&self.bytes[line]).unwrap_or_default().trim();
        let value = match (opcode, text) {
            (INT, "00") => Some(Value::Bool(false)),
            (INT, "01") => Some(Value::Bool(true)),
            (FLOAT, text) => text.parse().ok().map(Value::Float),
            (_, text) => text.strip_suffix('L').unwrap_or(text).parse().ok().map(Value::Int),
        };
        match value {
            Some(value) => self.push(value),
            None => self.fail("its text is not a number of at most 128 bits".into()),
        }
    }

    /// Bytes or text, after `size` bytes that say how many there are.
    fn data(&mut self, size: usize, value: fn(Data) -> Value) -> Result<()> {
        let count = self.count(size, "the size of bytes in the pickle")?;
        let range = self.cursor.skip(count, "bytes in the pickle")?;
        self.push(value(Data::At(range)))
    }

    fn escaped(
        &mut self,
        decode: impl Fn(&[u8]) -> Option<Vec<u8>>,
        value: fn(Data) -> Value,
    ) -> Result<()> {
        let line = self.cursor.line("text in the pickle")?;
        match decode(&self.bytes[line.clone()]) {
            // Without escapes they need no memory.
            Some(bytes) if bytes == self.bytes[line.clone()] => self.push(value(Data::At(line))),
            Some(bytes) => self.push(value(Data::Own(bytes))),
            None => self.fail("its text is not escaped as in protocol 0".into()),
        }
    }

    fn pairs(&self, items: Vec<Ref>) -> Result<Vec<(Ref, Ref)>> {
        match items.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
            _ => self.fail(format!("{} values are no pairs of key and value", items.len())),
        }
    }

    fn append(&mut self, mut items: Vec<Ref>) -> Result<()> {
        let list = self.top()?;
        match &mut self.values[list.0 as usize] {
            Value::List(list) => {
                list.append(&mut items);
                Ok(())
            }
            // A class derived from lists: nobody asks what is in it.
            Value::Object(_) if matches!(self.names, Names::Any) => Ok(()),
            _ => self.fail("only lists are appended to".into()),
        }
    }

    fn set(&mut self, items: Vec<Ref>) -> Result<()> {
        let mut pairs = self.pairs(items)?;
        let dict = self.top()?;
        match &mut self.values[dict.0 as usize] {
            Value::Dict(entries) => entries.append(&mut pairs),
            Value::Object(object) => object.entries.append(&mut pairs),
            _ => return self.fail("only dictionaries have keys that are set".into()),
        }
        Ok(())
    }

    fn global(&mut self, module: Range<usize>, name: Range<usize>) -> Result<()> {
        let Names::Only(known) = self.names else {
            return self.push(Value::Named(module, name));
        };
        let (module, name) = (&self.bytes[module], &self.bytes[name]);
        let fits = |known: &Global| (known.0.as_bytes(), known.1.as_bytes()) == (module, name);
        if let Some(place) = known.iter().position(fits) {
            return self.push(Value::Global(place));
        }
        let known = known.iter().map(|(module, name)| format!("{module}.{name}"));
        Err(WeightsError::Global {
            file: self.file.into(),
            global: format!("{}.{}", shortened(module), shortened(name)),
            offset: self.at as u64,
            known: known.collect::<Vec<_>>().join(", "),
        })
    }

    fn object(&mut self, function: Ref, arguments: Ref) -> Result<()> {
        let value = |value: Ref| &self.values[value.0 as usize];
        match (value(function), value(arguments)) {
            (Value::Global(_) | Value::Named(..), Value::Tuple(_)) => {}
            // What another function gave, or a class that is kept elsewhere.
            (_, Value::Tuple(_)) if self.any() => {}
            _ => return self.fail("it needs a function by its name, and a tuple".into()),
        }
        let (state, entries, offset) = (None, Vec::new(), self.at);
        let object = Object { function, arguments, state, entries, offset };
        self.push(Value::Object(Box::new(object)))
    }

    /// Whether all names are taken.
    fn any(&self) -> bool {
        matches!(self.names, Names::Any)
    }

    fn fail<T>(&self, reason: String) -> Result<T> {
        let opcode = self.bytes[self.at];
        let field = format!("instruction {:?} of the pickle", char::from(opcode));
        let (file, offset) = (self.file.into(), self.at as u64);
        Err(WeightsError::Form { file, field, offset, reason })
    }
}

/// A name that may be as long as the file.
pub(super) fn shortened(name: &[u8]) -> String {
    const MOST: usize = 100;
    let begin = String::from_utf8_lossy(&name[..name.len().min(MOST)]);
    if name.len() > MOST { format!("{begin}...") } else { begin.into_owned() }
}

#[cfg(test)]
mod tests;
