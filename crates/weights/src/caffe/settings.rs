//! The settings of a net or a layer, under Caffe's own names.

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(String),
    /// A word of a list, such as `MAX`.
    Word(String),
    /// Settings of their own, such as those of `convolution_param`.
    Group(Settings),
}

/// Settings in the order in which they stand; a name may come more than once where Caffe takes a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    entries: Vec<(String, Setting)>,
}

impl Settings {
    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.entries.iter().map(|(name, setting)| (name.as_str(), setting))
    }

    /// All of a name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.entries.iter().filter(move |(own, _)| own == name).map(|(_, setting)| setting)
    }

    /// The one of a name; of several the last.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.entries.iter().rev().find(|(own, _)| own == name).map(|(_, setting)| setting)
    }

    /// The settings below a name.
    ///
    /// ```
    /// let text = r#"layer { name: "a" type: "ReLU" relu_param { negative_slope: 0.5 } }"#;
    /// let net = upconv_weights::caffe::net_from_text("a.prototxt", text)?;
    /// let relu = net.layers[0].settings.group("relu_param").unwrap();
    /// assert_eq!(relu.float("negative_slope"), Some(0.5));
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn group(&self, name: &str) -> Option<&Settings> {
        match self.get(name) {
            Some(Setting::Group(settings)) => Some(settings),
            _ => None,
        }
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Setting::int)
    }

    /// A number.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Setting::float)
    }

    /// A truth value.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Setting::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Text, or a word of a list.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Setting::text)
    }

    /// All text of a name.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).filter_map(Setting::text).map(String::from).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn push(&mut self, name: &str, setting: Setting) {
        self.entries.push((name.into(), setting));
    }

    /// What was set under a name, to be changed.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Setting> {
        self.entries.iter_mut().find(|(own, _)| own == name).map(|(_, setting)| setting)
    }

    /// Takes out all of a name.
    pub(super) fn take(&mut self, name: &str) -> Vec<Setting> {
        let (taken, kept) =
            std::mem::take(&mut self.entries).into_iter().partition(|(own, _)| own == name);
        self.entries = kept;
        let taken: Vec<(String, Setting)> = taken;
        taken.into_iter().map(|(_, setting)| setting).collect()
    }
}

impl Setting {
    /// A whole number.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A number, whole or not.
    pub fn float(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Text, or a word of a list.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text),
            _ => None,
        }
    }
}
