//! What a weight file says about itself: the JSON under `upconv` in the metadata of safetensors.
//!
//! With it nobody needs to be asked how to prepare a picture, which classes there are, or whose weights
//! these are. Members that this version does not know are kept when a file is rewritten.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Result, WeightsError};
use crate::{json, limits};

/// The key in the metadata of safetensors.
pub const KEY: &str = "upconv";

/// The schema that this version reads and writes.
pub const SCHEMA: u64 = 1;

/// What a weight file says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// [`SCHEMA`].
    pub schema: u64,
    /// Name of the model.
    pub model: String,
    /// The model's own settings.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// How a picture becomes the model's input; null for models that take none.
    #[serde(default)]
    pub input: Option<Input>,
    /// Names of the classes, in the order of the outputs.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// Where the weights come from; null for weights that were trained here.
    #[serde(default)]
    pub source: Option<Origin>,
    /// SPDX expression of the weights' licence.
    #[serde(default)]
    pub licence: Option<String>,
    /// Whom to name.
    #[serde(default)]
    pub attribution: Option<String>,
    /// An input and its output, stored in the same file.
    #[serde(default)]
    pub selftest: Option<SelfTestNames>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How a picture becomes the model's input: resized to `size` by `resize` and `fit`, channels in `order`,
/// each byte `v` mapped to `x = low + v / 255 * (high - low)`, then `(x - mean) / std` per channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Height and width.
    pub size: [usize; 2],
    /// Order of the channels.
    pub order: Order,
    /// `[low, high]`: what the bytes 0 and 255 become.
    pub range: [f64; 2],
    /// Subtracted from each channel, in `order`; or from every pixel, `[channels, height, width]` of `size`.
    #[serde(default)]
    pub mean: Option<Vec<f64>>,
    /// Each channel is divided by it after that.
    #[serde(default)]
    pub std: Option<Vec<f64>>,
    /// How pixels are interpolated.
    pub resize: Resize,
    /// How the picture is brought to the shape of the input.
    pub fit: Fit,
    /// Pixels that the shorter side of the picture is scaled to before `size` of it are cut out of the middle; under
    /// [`Fit::Stretch`] both sides. Null for no more than `size` needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_side: Option<usize>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Order of the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names say it.
pub enum Order {
    #[serde(rename = "RGB")]
    Rgb,
    #[serde(rename = "BGR")]
    Bgr,
    #[serde(rename = "GRAY")]
    Gray,
}

impl Order {
    /// The number of channels.
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Gray => 1,
        }
    }
}

/// How pixels are interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// The nearest pixel.
    Nearest,
    /// Bilinear between the nearest pixels, half-pixel centres.
    Bilinear,
    /// Bilinear over all pixels that an output pixel covers, rounded to bytes, as Pillow does it.
    BilinearAntialias,
    /// Bicubic, half-pixel centres.
    Bicubic,
    /// Mean over the area of an output pixel.
    Area,
}

/// How a picture is brought to the shape of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Both axes are scaled by themselves.
    Stretch,
    /// Scaled evenly until it covers the input; what hangs over is cut off evenly.
    Crop,
    /// Scaled evenly until it fits into the input; what is missing is filled.
    Letterbox,
}

/// Where weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file that held them.
    pub file: String,
    /// SHA-256 of that file.
    pub sha256: String,
    /// The package that the file came in, with its version.
    #[serde(default)]
    pub package: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Names of the two tensors of a self-test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTestNames {
    /// The tensor that goes in, prepared as the model takes it.
    pub input: String,
    /// The tensor that must come out.
    pub output: String,
    /// How far an output cell may be off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
}

impl Metadata {
    /// Metadata of a model, with everything else unknown.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA,
            model: model.into(),
            config: Map::new(),
            input: None,
            labels: None,
            source: None,
            licence: None,
            attribution: None,
            selftest: None,
            other: Map::new(),
        }
    }

    /// Reads the JSON of a file, which messages call `file`.
    ///
    /// # Errors
    /// Another schema, a member of the wrong form, or sizes that make no sense.
    ///
    /// ```
    /// use upconv_weights::Metadata;
    /// let metadata = Metadata::from_json("f", r#"{"schema":1,"model":"selfie","new":[1]}"#)?;
    /// assert_eq!(metadata.model, "selfie");
    /// assert!(metadata.to_json()?.contains(r#""new":[1]"#));
    /// let error = Metadata::from_json("f", r#"{"schema":2,"model":"selfie"}"#).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "f: upconv metadata of schema 2, but this program reads schema 1"
    /// );
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn from_json(file: &str, json: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            schema: u64,
        }
        // A newer schema may differ in everything else.
        let head: Head = json::parse(file, KEY, json.as_bytes())?;
        if head.schema != SCHEMA {
            let (got, legal) = (head.schema, SCHEMA);
            return Err(WeightsError::Schema { file: file.into(), got, legal });
        }
        let metadata: Self = json::parse(file, KEY, json.as_bytes())?;
        metadata.check().map_err(|(field, reason)| json_error(file, field, reason))?;
        Ok(metadata)
    }

    /// The JSON that goes into a file.
    ///
    /// # Errors
    /// If a member makes no sense, as in [`Metadata::from_json`].
    pub fn to_json(&self) -> Result<String> {
        self.check().map_err(|(field, reason)| json_error("", field, reason))?;
        serde_json::to_string(self).map_err(|error| json_error("", "", error.to_string()))
    }

    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        if self.schema != SCHEMA {
            return Err((
                "schema",
                format!("{}, but what is known here is schema {SCHEMA}", self.schema),
            ));
        }
        if self.model.is_empty() {
            return Err(("model", "the name is empty".into()));
        }
        let tolerance = self.selftest.as_ref().and_then(|names| names.tolerance);
        if let Some(got) = tolerance.filter(|t| !(t.is_finite() && *t >= 0.0)) {
            return Err(("selftest.tolerance", format!("{got} is no distance")));
        }
        self.input.as_ref().map_or(Ok(()), Input::check)
    }
}

impl Input {
    /// Numbers of an input, `channels * height * width`.
    fn cells(&self) -> Option<usize> {
        self.size.iter().try_fold(self.order.channels(), |all, &size| all.checked_mul(size))
    }

    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        for &size in &self.size {
            if size == 0 || size as u64 > limits::MAX_AXIS {
                let reason = format!("{size} pixels; legal: 1 to {}", limits::MAX_AXIS);
                return Err(("input.size", reason));
            }
        }
        let [low, high] = self.range;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(("input.range", format!("[{low}, {high}] does not rise")));
        }
        let channels = self.order.channels();
        for (field, values) in [("input.mean", &self.mean), ("input.std", &self.std)] {
            let Some(values) = values else { continue };
            let is_picture = field == "input.mean" && Some(values.len()) == self.cells();
            if values.len() != channels && !is_picture {
                let got = values.len();
                return Err((field, format!("{got} numbers, but there are {channels} channels")));
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err((field, format!("{value} is not finite")));
            }
        }
        match self.std.iter().flatten().find(|&&std| std <= 0.0) {
            Some(std) => Err(("input.std", format!("{std} is not above 0"))),
            None => Ok(()),
        }
    }
}

fn json_error(file: &str, field: &str, reason: String) -> WeightsError {
    json::error(if file.is_empty() { "metadata" } else { file }, KEY, field, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELFIE: &str = r#"{"schema":1,"model":"selfie","config":{},"input":{"size":[256,256],"order":"RGB",
        "range":[0,1],"mean":null,"std":null,"resize":"bilinear","fit":"stretch"},"labels":null,
        "source":{"file":"selfie.bin","sha256":"8f","package":"p"},"licence":"Apache-2.0",
        "attribution":"a","selftest":{"input":"i","output":"o"}}"#;

    #[test]
    fn the_documented_form_is_read_and_written() {
        let metadata = Metadata::from_json("f", SELFIE).unwrap();
        let input = metadata.input.as_ref().unwrap();
        assert_eq!((input.size, input.order, input.fit), ([256, 256], Order::Rgb, Fit::Stretch));
        let written: Value = serde_json::from_str(&metadata.to_json().unwrap()).unwrap();
        let mut expected: Value = serde_json::from_str(SELFIE).unwrap();
        expected["input"]["range"] = serde_json::json!([0.0, 1.0]);
        assert_eq!(written, expected);
    }

    #[test]
    fn unknown_members_stay_at_every_level() {
        let json = SELFIE.replace(r#""mean":null"#, r#""mean":null,"gamma":2.2"#);
        let json = json.replace(r#""package":"p""#, r#""package":"p","files":["a"]"#);
        let written = Metadata::from_json("f", &json).unwrap().to_json().unwrap();
        assert!(written.contains(r#""gamma":2.2"#) && written.contains(r#""files":["a"]"#));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (from, to, field) in [
            (r#""model":"selfie","#, "", "upconv: missing field `model`"),
            (r#""order":"RGB""#, r#""order":"RBG""#, "upconv.input.order: unknown variant `RBG`"),
            ("[256,256]", "[256,0]", "upconv.input.size: 0 pixels"),
            ("[256,256]", "[256,9223372036854775807]", "upconv.input.size: 9223372036854775807"),
            ("[256,256]", "[256]", "upconv.input.size: invalid length 1"),
            ("[256,256]", "[256,-1]", "upconv.input.size[1]: invalid value"),
            (r#""mean":null"#, r#""mean":[0]"#, "upconv.input.mean: 1 numbers, but there are 3"),
            (r#""std":null"#, r#""std":[1,0,1]"#, "upconv.input.std: 0 is not above 0"),
            ("[0,1]", "[1,0]", "upconv.input.range: [1, 0] does not rise"),
            ("\"schema\":1", "\"schema\":\"1\"", "upconv.schema: invalid type"),
            ("\"config\":{}", "\"config\":3", "upconv.config: invalid type"),
        ] {
            assert!(SELFIE.contains(from), "{from}");
            let error = Metadata::from_json("f", &SELFIE.replace(from, to)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("f: {field}")), "{error}");
        }
        let deep = format!(r#"{{"schema":1,"model":"m","x":{}}}"#, "[".repeat(100_000));
        assert!(Metadata::from_json("f", &deep).is_err());
    }
}
