//! All views of a setting as a page of its own, with steps to go through.
//!
//! Of each view the page has its first picture whole, and for every step which marks differ from it.

use std::collections::HashMap;
use std::fmt::Write;

use super::palette::{Colours, Paint, Theme};
use super::scene::Scene;
use super::svg;
use crate::lang::Lang;

/// A view, and a picture for each of its steps.
pub(crate) struct Tab<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) scenes: Vec<Scene>,
}

/// A whole page. It loads nothing, and follows the reader's choice of a light or a dark screen.
pub(crate) fn page(title: &str, tabs: &[Tab<'_>], lang: Lang) -> String {
    let language = lang.pick("en", "zh-CN");
    let title = svg::escaped(title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n:root {{ {} }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ {} }} }}\n{STYLE}</style>\n</head>\n<body>\n\
         <!-- Made by upconv. The pictures are CC0 1.0: \
         https://creativecommons.org/publicdomain/zero/1.0/ -->\n<nav>\n",
        variables(Theme::Light),
        variables(Theme::Dark),
    );
    for (n, tab) in tabs.iter().enumerate() {
        let pressed = if n == 0 { "true" } else { "false" };
        let (name, label) = (tab.name, svg::escaped(tab.label));
        out.push_str(&format!(
            "<button data-view=\"{name}\" aria-pressed=\"{pressed}\">{label}</button>\n"
        ));
    }
    let (play, step) = (lang.pick("Play", "播放"), lang.pick("Step", "步"));
    let pause = lang.pick("Pause", "暂停");
    out.push_str(&format!(
        "</nav>\n<div class=\"steps\"><button id=\"play\" data-play=\"{play}\" data-pause=\"{pause}\">{play}\
         </button>\n<label>{step} <input id=\"step\" type=\"range\" min=\"0\" value=\"0\"></label> \
         <output id=\"number\"></output></div>\n<main>\n"
    ));
    let (mut changes, mut elements) = (String::from("{"), Elements::default());
    for (n, tab) in tabs.iter().enumerate() {
        let Some(first) = tab.scenes.first() else { continue };
        let marks = svg::marks(first, Colours::Variables);
        let (width, height) = (first.width, first.height);
        let hidden = if n == 0 { "" } else { " hidden" };
        let _ = writeln!(
            out,
            "<svg id=\"{name}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\"{hidden}>\
             <g>{}</g></svg>",
            marks.concat(),
            name = tab.name,
            label = svg::escaped(tab.label),
        );
        if n > 0 {
            changes.push(',');
        }
        let _ = write!(changes, "\"{}\":[", tab.name);
        for (n, scene) in tab.scenes.iter().enumerate() {
            let own = svg::marks(scene, Colours::Variables);
            let differ = own.into_iter().zip(&marks).enumerate().filter(|(_, (a, b))| a != *b);
            let differ: Vec<String> =
                differ.map(|(n, (own, _))| format!("{n},{}", elements.index(own))).collect();
            let comma = if n > 0 { "," } else { "" };
            let _ = write!(changes, "{comma}[{}]", differ.join(","));
        }
        changes.push(']');
    }
    changes.push('}');
    out.push_str(&format!(
        "</main>\n<script>\nconst elements = [{}];\nconst changes = {changes};\n{SCRIPT}</script>\n</body>\n</html>\n",
        elements.list()
    ));
    out
}

fn variables(theme: Theme) -> String {
    let all = Paint::all();
    let one = |paint: &Paint| {
        let (name, colour, ink) = (paint.name(), paint.colour(theme), paint.ink(theme));
        format!("--{name}: {colour}; --on-{name}: {ink};")
    };
    all.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Every element that differs once: steps name it by its number.
#[derive(Default)]
struct Elements {
    all: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Elements {
    fn index(&mut self, element: String) -> usize {
        *self.numbers.entry(element).or_insert_with_key(|element| {
            self.all.push(quoted(element));
            self.all.len() - 1
        })
    }

    fn list(&self) -> String {
        self.all.join(",\n")
    }
}

/// A string of JavaScript that may stand within a script element.
fn quoted(text: &str) -> String {
    let escaped = text.trim_end().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace("</", "<\\/"))
}

const STYLE: &str = "\
body { margin: 0; background: var(--paper); color: var(--ink); font-family: system-ui, sans-serif; }
nav, .steps { max-width: 800px; margin: 12px auto; padding: 0 24px; display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
button { font: inherit; color: inherit; background: var(--zero); border: 1px solid var(--faint); border-radius: 6px; padding: 4px 12px; }
button[aria-pressed=true] { background: var(--input-lit); color: var(--on-input-lit); }
main { max-width: 800px; margin: 0 auto; }
svg { width: 100%; height: auto; display: block; font-family: 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif; }
svg[hidden] { display: none; }
rect { stroke: var(--paper); }
input[type=range] { width: 320px; vertical-align: middle; }
";

const SCRIPT: &str = r#"
const slider = document.getElementById("step");
const play = document.getElementById("play");
const number = document.getElementById("number");
const first = {};
for (const svg of document.querySelectorAll("svg")) {
  first[svg.id] = Array.from(svg.firstElementChild.children, (mark) => mark.outerHTML);
}
let view = document.querySelector("nav button").dataset.view;
let shown = {};
let timer = null;
function show(step) {
  const marks = document.getElementById(view).firstElementChild.children;
  for (const n of shown[view] || []) marks[n].outerHTML = first[view][n];
  // Pairs: the mark, and the element that stands in its place.
  const pairs = changes[view][step];
  shown[view] = [];
  for (let n = 0; n < pairs.length; n += 2) {
    marks[pairs[n]].outerHTML = elements[pairs[n + 1]];
    shown[view].push(pairs[n]);
  }
  slider.value = step;
  number.value = `${step + 1} / ${changes[view].length}`;
}
function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = play.dataset.play;
}
function choose(name) {
  view = name;
  for (const svg of document.querySelectorAll("svg")) svg.toggleAttribute("hidden", svg.id !== name);
  for (const button of document.querySelectorAll("nav button")) {
    button.setAttribute("aria-pressed", button.dataset.view === name);
  }
  slider.max = changes[name].length - 1;
  document.querySelector(".steps").style.visibility = changes[name].length > 1 ? "visible" : "hidden";
  show(0);
}
for (const button of document.querySelectorAll("nav button")) {
  button.onclick = () => { stop(); choose(button.dataset.view); };
}
slider.oninput = () => { stop(); show(Number(slider.value)); };
play.onclick = () => {
  if (timer) return stop();
  play.textContent = play.dataset.pause;
  timer = setInterval(() => show((Number(slider.value) + 1) % changes[view].length), 700);
};
choose(view);
"#;
