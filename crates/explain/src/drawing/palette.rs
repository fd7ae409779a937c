//! Colours by role, in a light and a dark theme.
//!
//! The hues are those of Okabe and Ito, which people with any common colour blindness tell apart (M. Okabe
//! and K. Ito, Color Universal Design, 2008). Colour is never the only sign: what is lit also has a thick
//! border, phases have letters, and overlap has its number.

/// On what pictures are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on near black.
    Dark,
}

/// The role of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Paper,
    Ink,
    /// Less important text, and lines between cells.
    Faint,
    Input,
    InputLit,
    Kernel,
    KernelLit,
    Output,
    OutputLit,
    /// A cell that holds a zero nobody computed.
    Zero,
    /// What the window does not keep.
    Cropped,
    /// One of [`PHASES`].
    Phase(usize),
    /// How much, of [`HEATS`] steps.
    Heat(usize),
}

/// Phases that have colours of their own; more come round again.
pub(crate) const PHASES: usize = 8;
/// Steps of a heat map.
pub(crate) const HEATS: usize = 8;

/// Tints of Okabe and Ito's hues, light enough for dark ink.
const PHASES_LIGHT: [&str; PHASES] =
    ["#9fd3f2", "#f6c65b", "#7fd1b3", "#f4b183", "#d9b3ce", "#f5ea8c", "#9ebfe0", "#d0d0d0"];
const PHASES_DARK: [&str; PHASES] =
    ["#1d5f87", "#8a5f00", "#0a6b4f", "#8a3f00", "#7c4a6c", "#6f6805", "#2b4f86", "#585858"];
/// One hue from pale to strong: also a grey print shows the order.
const HEATS_LIGHT: [&str; HEATS] =
    ["#f4f8fc", "#d9e8f5", "#b7d4ec", "#8dbbdf", "#5f9ccd", "#2f70a8", "#1d5b97", "#0b3c70"];
const HEATS_DARK: [&str; HEATS] =
    ["#1b2530", "#1c3a54", "#1c4f77", "#1f669a", "#2b76ad", "#5a9ed0", "#8fc0e5", "#cfe6f8"];
/// The step from which on the text on it changes.
const DEEP: usize = 4;

impl Paint {
    /// Every paint once.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Paper, Self::Ink, Self::Faint, Self::Input, Self::InputLit];
        all.extend([Self::Kernel, Self::KernelLit, Self::Output, Self::OutputLit]);
        all.extend([Self::Zero, Self::Cropped]);
        all.extend((0..PHASES).map(Self::Phase));
        all.extend((0..HEATS).map(Self::Heat));
        all
    }

    /// The name of its variable in a page.
    pub(crate) fn name(self) -> String {
        let name = match self {
            Self::Paper => "paper",
            Self::Ink => "ink",
            Self::Faint => "faint",
            Self::Input => "input",
            Self::InputLit => "input-lit",
            Self::Kernel => "kernel",
            Self::KernelLit => "kernel-lit",
            Self::Output => "output",
            Self::OutputLit => "output-lit",
            Self::Zero => "zero",
            Self::Cropped => "cropped",
            Self::Phase(n) => return format!("phase-{}", n % PHASES),
            Self::Heat(n) => return format!("heat-{}", n.min(HEATS - 1)),
        };
        name.to_owned()
    }

    /// What it is drawn with.
    pub(crate) fn colour(self, theme: Theme) -> &'static str {
        let pick = |light, dark| match theme {
            Theme::Light => light,
            Theme::Dark => dark,
        };
        match self {
            Self::Paper => pick("#ffffff", "#15181d"),
            Self::Ink => pick("#1a1a1a", "#ececec"),
            Self::Faint => pick("#767676", "#9aa0a6"),
            Self::Input => pick("#d5ebf9", "#1d4258"),
            Self::InputLit => "#56b4e9",
            Self::Kernel => pick("#fcebc2", "#57420f"),
            Self::KernelLit => "#e69f00",
            Self::Output => pick("#c9ebdf", "#124a3a"),
            Self::OutputLit => "#2fbf93",
            Self::Zero => pick("#f3f3f3", "#23272d"),
            Self::Cropped => pick("#e4e4e4", "#31363d"),
            Self::Phase(n) => pick(PHASES_LIGHT[n % PHASES], PHASES_DARK[n % PHASES]),
            Self::Heat(n) => pick(HEATS_LIGHT[n.min(HEATS - 1)], HEATS_DARK[n.min(HEATS - 1)]),
        }
    }

    /// What text on it is drawn with.
    pub(crate) fn ink(self, theme: Theme) -> &'static str {
        let (dark, light) = ("#1a1a1a", "#ffffff");
        match (self, theme) {
            (Self::InputLit | Self::KernelLit | Self::OutputLit, _) => dark,
            (Self::Heat(n), Theme::Light) => {
                if n > DEEP {
                    light
                } else {
                    dark
                }
            }
            (Self::Heat(n), Theme::Dark) => {
                if n > DEEP {
                    dark
                } else {
                    light
                }
            }
            (Self::Cropped | Self::Zero, _) => Self::Faint.colour(theme),
            _ => Self::Ink.colour(theme),
        }
    }
}

/// The colour of a heat map on white, between its steps too: from 0 to 1 and above.
pub(crate) fn heat(share: f64) -> [u8; 3] {
    let place = share.clamp(0.0, 1.0) * (HEATS - 1) as f64;
    let below = (place as usize).min(HEATS - 2);
    let between = place - below as f64;
    let part = |colour: &str, n: usize| {
        f64::from(u8::from_str_radix(&colour[1 + 2 * n..3 + 2 * n], 16).unwrap_or(0))
    };
    std::array::from_fn(|n| {
        let [a, b] = [HEATS_LIGHT[below], HEATS_LIGHT[below + 1]].map(|colour| part(colour, n));
        (a + (b - a) * between).round() as u8
    })
}

/// With which colours a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    Fixed(Theme),
    /// Variables of the page, so that it may follow the reader's screen.
    Variables,
}

impl Colours {
    pub(crate) fn of(self, paint: Paint) -> String {
        match self {
            Self::Fixed(theme) => paint.colour(theme).to_owned(),
            Self::Variables => format!("var(--{})", paint.name()),
        }
    }

    /// For text on a paint.
    pub(crate) fn on(self, paint: Paint) -> String {
        match self {
            Self::Fixed(theme) => paint.ink(theme).to_owned(),
            Self::Variables => format!("var(--on-{})", paint.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.1.
    fn luminance(colour: &str) -> f64 {
        let part = |n: usize| {
            let v =
                f64::from(u8::from_str_radix(&colour[n..n + 2], 16).expect("two digits")) / 255.0;
            if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn heat_runs_through_its_steps() {
        assert_eq!((heat(0.0), heat(2.0)), ([0xf4, 0xf8, 0xfc], [0x0b, 0x3c, 0x70]));
        // Half way from #f4f8fc to #d9e8f5.
        assert_eq!(heat(0.5 / 7.0), [0xe7, 0xf0, 0xf9]);
    }

    /// WCAG 2.1 asks for 4.5 between text and what it stands on; for what is only faint 3 are enough.
    #[test]
    fn text_can_be_read_on_every_colour() {
        use Paint as P;
        let mut paints = P::all();
        paints.retain(|paint| !matches!(paint, P::Ink | P::Faint));
        for theme in [Theme::Light, Theme::Dark] {
            for paint in &paints {
                let least = if matches!(paint, P::Zero | P::Cropped) { 3.0 } else { 4.5 };
                let got = contrast(paint.ink(theme), paint.colour(theme));
                assert!(got >= least, "{paint:?} {theme:?}: {got:.2}");
            }
            assert!(contrast(P::Faint.colour(theme), P::Paper.colour(theme)) >= 4.5);
        }
    }
}
