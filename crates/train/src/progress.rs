//! Progress: a bar on a terminal, plain lines in a pipe, the lines of `metrics.jsonl` for programs.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::shown;
use crate::watch::{Happening, Watch};

/// Plain lines come at most this often.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// The bar is drawn at most this often a second.
const DRAWN: u8 = 5;
/// Over how long the speed is averaged.
const SPEED_OVER: Duration = Duration::from_secs(30);

/// Shows people how a training goes: on a terminal a bar with the last numbers, speed and time left, elsewhere a line
/// every few seconds.
pub struct Progress<W> {
    /// Of plain lines, and of lines beside the bar where there is none.
    to: W,
    bar: Option<ProgressBar>,
    speed: Speed,
    length: u64,
    per_epoch: Option<u64>,
    step: u64,
    numbers: String,
    shown: Option<Instant>,
}

impl<W> std::fmt::Debug for Progress<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").field("step", &self.step).finish_non_exhaustive()
    }
}

impl Progress<std::io::Stderr> {
    /// On standard error: a bar if it is a terminal, else lines.
    pub fn on_stderr() -> Self {
        let stderr = std::io::stderr();
        let terminal = stderr.is_terminal();
        let mut progress = Self::lines(stderr);
        if terminal {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWN);
            let bar = ProgressBar::with_draw_target(None, target);
            let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
            progress.bar =
                Some(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        }
        progress
    }
}

impl<W: Write> Progress<W> {
    /// Plain lines.
    pub fn lines(to: W) -> Self {
        Self {
            to,
            bar: None,
            speed: Speed::default(),
            length: 0,
            per_epoch: None,
            step: 0,
            numbers: String::new(),
            shown: None,
        }
    }

    fn line(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // Whoever closed the pipe does not want to see more.
            None => drop(writeln!(self.to, "{text}")),
        }
    }

    fn status(&self) -> String {
        let mut text = self.numbers.clone();
        if let Some((steps, pictures)) = self.speed.per_second() {
            let left = self.length.saturating_sub(self.step) as f64 / steps;
            text += &format!("  {steps:.2} steps/s, {pictures:.1} pictures/s, {} left", span(left));
        }
        text
    }

    fn step(&mut self) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.step);
            bar.set_message(self.status());
            return;
        }
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= BETWEEN_LINES);
        if due || self.step == self.length {
            self.shown = Some(Instant::now());
            let epoch = self.per_epoch.map_or(String::new(), |per_epoch| {
                format!(" (epoch {:.2})", self.step as f64 / per_epoch as f64)
            });
            let text = format!("step {}/{}{epoch}  {}", self.step, self.length, self.status());
            self.line(&text);
        }
    }
}

impl<W: Write> Watch for Progress<W> {
    fn see(&mut self, happening: &Happening<'_>) {
        match *happening {
            Happening::Begins { step, length, per_epoch } => {
                (self.step, self.length, self.per_epoch) = (step, length, per_epoch);
                self.speed = Speed::default();
                if let Some(bar) = &self.bar {
                    bar.set_length(length);
                    bar.set_position(step);
                }
            }
            Happening::GoesOn { step, checkpoint } => {
                self.line(&format!("going on from step {step}: {}", checkpoint.display()));
            }
            Happening::Unusable { checkpoint, reason } => {
                self.line(&format!("warning: {} is not used: {reason}", checkpoint.display()));
            }
            Happening::SettingChanged { key, before, now } => self.line(&format!(
                "warning: {key} was {before} until now and is {now}; no unbroken run gives what this one will"
            )),
            Happening::Note { text } => self.line(&format!("warning: {text}")),
            Happening::Step { step, scalars, pictures, .. } => {
                self.step = step;
                self.numbers = shown(scalars);
                self.speed.step(Instant::now(), pictures);
                self.step();
            }
            Happening::Evaluated { step, scalars, best, .. } => {
                let best = if best { "  (the best so far)" } else { "" };
                self.line(&format!("step {step}  evaluation: {}{best}", shown(scalars)));
                self.speed.pause();
            }
            Happening::Sampled { .. } | Happening::Saved { .. } => self.speed.pause(),
            Happening::Ends => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

/// The lines of `metrics.jsonl`, as they are written, for programs.
#[derive(Debug)]
pub struct JsonLines<W>(pub W);

impl<W: Write> Watch for JsonLines<W> {
    fn see(&mut self, happening: &Happening<'_>) {
        let line = match happening {
            Happening::Step { line: Some(line), .. } | Happening::Evaluated { line, .. } => line,
            _ => return,
        };
        // Whoever closed the pipe does not want to see more.
        let _ = writeln!(self.0, "{line}").and_then(|()| self.0.flush());
    }
}

/// Two that watch, one after the other.
#[derive(Debug)]
pub struct Both<A, B>(pub A, pub B);

impl<A: Watch, B: Watch> Watch for Both<A, B> {
    fn see(&mut self, happening: &Happening<'_>) {
        self.0.see(happening);
        self.1.see(happening);
    }
}

/// Steps and pictures a second, over the last while: sums that fade with time.
#[derive(Debug, Default)]
struct Speed {
    last: Option<Instant>,
    seconds: f64,
    steps: f64,
    pictures: f64,
}

impl Speed {
    fn step(&mut self, now: Instant, pictures: u64) {
        // The first step after a pause has no beginning.
        if let Some(last) = self.last {
            let seconds = now.duration_since(last).as_secs_f64();
            let fade = (-seconds / SPEED_OVER.as_secs_f64()).exp();
            self.seconds = self.seconds * fade + seconds;
            self.steps = self.steps * fade + 1.0;
            self.pictures = self.pictures * fade + pictures as f64;
        }
        self.last = Some(now);
    }

    /// What follows is no step.
    fn pause(&mut self) {
        self.last = None;
    }

    fn per_second(&self) -> Option<(f64, f64)> {
        (self.seconds > 0.0).then(|| (self.steps / self.seconds, self.pictures / self.seconds))
    }
}

/// A time for people.
fn span(seconds: f64) -> String {
    let seconds = seconds.min(1e9).round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalars::Scalars;

    #[test]
    fn speed_of_even_steps() {
        let (begun, mut speed) = (Instant::now(), Speed::default());
        for step in 0..100 {
            speed.step(begun + Duration::from_millis(250 * step), 8);
        }
        let (steps, pictures) = speed.per_second().unwrap();
        assert!((steps - 4.0).abs() < 1e-9 && (pictures - 32.0).abs() < 1e-9, "{steps} {pictures}");
        // A long pause is no long step.
        speed.pause();
        speed.step(begun + Duration::from_secs(1000), 8);
        assert_eq!(speed.per_second(), Some((steps, pictures)));
        assert_eq!([3.2, 61.0, 7260.0].map(span), ["3 s", "1 min 01 s", "2 h 01 min"]);
    }

    #[test]
    fn lines_come_seldom_and_at_the_end() {
        let mut text = Vec::new();
        let mut progress = Progress::lines(&mut text);
        progress.see(&Happening::Begins { step: 0, length: 50, per_epoch: Some(20) });
        for step in 1..=50 {
            let scalars = Scalars::new().with("loss", 0.5).with("rate", 1e-4);
            progress.see(&Happening::Step { step, scalars: &scalars, pictures: 2, line: None });
        }
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0], "step 1/50 (epoch 0.05)  loss 0.5000  rate 1.000e-4");
        assert!(
            lines[1].starts_with("step 50/50 (epoch 2.50)  loss 0.5000")
                && lines[1].ends_with("0 s left")
        );
    }

    #[test]
    fn programs_get_the_lines_as_they_are() {
        let mut bytes = Vec::new();
        let mut lines = JsonLines(&mut bytes);
        let scalars = Scalars::new();
        for line in [Some("{\"step\":1}"), None] {
            lines.see(&Happening::Step { step: 1, scalars: &scalars, pictures: 1, line });
        }
        assert_eq!(bytes, b"{\"step\":1}\n");
    }
}
