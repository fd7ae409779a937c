//! Cutting people, roads or what else a network finds out of pictures.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use upconv_data::encode::{self, Masked};
use upconv_data::{Found, Kind, Kinds};
use upconv_explain::Lang;
use upconv_models::registry::Task;
use utoipa::{IntoParams, ToSchema};

use super::network::{Answer, Seen, data_url, ms, on_picture};
use super::{Language, Refusals};
use crate::error::{ApiError, Result};
use crate::fields::Fields;
use crate::gate::Wanted;
use crate::networks::Loaded;
use crate::router::App;
use crate::upload::Upload;

/// The network that is taken when none is named, as on the command line.
const USUAL: &str = "selfie";

/// What is asked.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct SegmentQuestion {
    /// The network; `selfie`. `/api/v1/models` lists them.
    model: Option<String>,
    /// From which probability on a pixel counts as found, 0 to 1; 0.5.
    #[param(minimum = 0, maximum = 1, nullable = false)]
    threshold: Option<f32>,
    /// Which pictures are made, separated by commas: `mask`, `overlay`, `cutout`; all of them.
    only: Option<String>,
    /// Whether to show what the network saw; `false`.
    #[param(nullable = false)]
    seen: Option<bool>,
    /// `json`, or `png` for the one picture that `only` names; `json`.
    #[param(inline)]
    format: Option<Format>,
    /// What the picture is called; it comes back in the answer.
    name: Option<String>,
}

/// A form with a picture.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct PictureForm {
    /// The picture's file. Other parts are named as the fields of the address.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
}

/// What the answer is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Figures, with pictures as addresses that hold them.
    Json,
    /// One picture.
    Png,
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub(super) struct Segmented {
    /// What the picture is called.
    image: Option<String>,
    /// Columns of the upright picture.
    width: usize,
    /// Rows of the upright picture.
    height: usize,
    /// The model.
    model: &'static str,
    /// The network, as the question names it.
    network: String,
    /// From which probability on a pixel counts as found.
    threshold: f32,
    /// Pixels at or above it by all pixels, both of the network's output.
    share: f64,
    /// The same for the thresholds 0.00, 0.01, ... 1.00.
    shares: Vec<f64>,
    /// Whether the picture was too large to be run as a whole.
    tiled: bool,
    /// Probability as grey, `data:image/png;base64,...`
    mask: Option<String>,
    /// What was not found darkened, with an outline at the threshold.
    overlay: Option<String>,
    /// What was found on transparent ground, with soft edges.
    cutout: Option<String>,
    /// What the network saw.
    seen: Option<Seen>,
    /// What it took.
    ms: SegmentTimes,
}

/// SegmentTimes by the clock on the wall.
#[derive(Serialize, ToSchema)]
pub(super) struct SegmentTimes {
    /// For its turn, once the picture was there.
    wait: f64,
    /// Decoding.
    decode: f64,
    /// Stretching to the network's input and back.
    resize: f64,
    /// The network.
    network: f64,
    /// Drawing and compressing the pictures.
    write: f64,
}

/// Steps of the thresholds in [`Segmented::shares`].
const STEPS: usize = 100;

/// The network's mask of a picture, and what is made of it.
#[utoipa::path(post, path = "/api/v1/segment", params(SegmentQuestion, Language), request_body(content((Vec<u8> = "application/octet-stream"), (PictureForm = "multipart/form-data"))), responses((status = 200, content((Segmented = "application/json"), (Vec<u8> = "image/png")), description = "what was found; of a PNG the share stands in `x-upconv-share`"), Refusals))]
pub(super) async fn segment(State(app): State<App>, request: Request) -> Result<Response> {
    let (upload, mut fields) = Upload::read(&app, request).await?;
    let asked = Asked::of(&mut fields)?;
    let (lang, model) = (fields.lang, fields.text("model")?);
    fields.done()?;
    let served = app.networks.find(model.as_deref(), Task::Segment, Some(USUAL), lang)?;
    let (network, loaded) = (served.name.clone(), served.now());
    let net = loaded.segmenter()?;
    let bytes = net.bytes(net.input_size(upload.size));
    let work = move |upload: Upload, wanted: &Wanted| {
        asked.answer(&loaded, network, upload, (lang, wanted))
    };
    on_picture(&app.networks, upload, bytes, work).await
}

/// What a question asks for.
struct Asked {
    image: Option<String>,
    threshold: f32,
    kinds: Kinds,
    /// The picture that is the whole answer.
    alone: Option<Kind>,
    seen: bool,
}

impl Asked {
    fn of(fields: &mut Fields) -> Result<Self> {
        let lang = fields.lang;
        let image = fields.text("name")?.map(|name| crate::fields::shown(&name));
        let threshold = threshold(fields)?;
        let kinds = kinds(fields)?;
        let seen = fields.choice("seen", false, &[("true", true), ("false", false)])?;
        let format = fields.choice(
            "format",
            Format::Json,
            &[("json", Format::Json), ("png", Format::Png)],
        )?;
        let mut alone = Kind::ALL.into_iter().filter(|&kind| kinds.has(kind));
        let alone = match (format, alone.next(), alone.next()) {
            (Format::Json, ..) => None,
            (Format::Png, Some(kind), None) => Some(kind),
            _ => {
                let message = match lang {
                    Lang::En => {
                        "format 'png' is one picture: only must name one of mask, overlay, cutout"
                    }
                    Lang::Zh => {
                        "format 'png' 只返回一张图片：only 必须是 mask、overlay、cutout 之一"
                    }
                };
                return Err(ApiError::field("only", message.into()));
            }
        };
        Ok(Self { image, threshold, kinds, alone, seen })
    }

    /// Runs the network and makes the pictures; looks between them whether they are still wanted.
    fn answer(
        self,
        loaded: &Loaded,
        network: String,
        upload: Upload,
        (lang, wanted): (Lang, &Wanted),
    ) -> Result<Answer> {
        let (net, wait) = (loaded.segmenter()?, upload.come.elapsed());
        let begun = Instant::now();
        let (picture, _open) = upload.decode(lang)?;
        let decode = begun.elapsed();
        let found = Found::on(net, &picture, &|| wanted.still());
        let found = found.map_err(|error| ApiError::picture(&error, lang))?;
        let found = found.ok_or_else(ApiError::gone)?;
        let begun = Instant::now();
        let masked = Masked { picture: &picture, mask: &found.mask, threshold: self.threshold };
        let png = |kind| {
            wanted.check()?;
            let mut file = Vec::new();
            encode::png(&mut file, kind, picture.size(), &masked.pixels(kind))
                .map_err(|_| ApiError::internal())?;
            Ok(file)
        };
        let share = found.share(self.threshold);
        if let Some(kind) = self.alone {
            return Ok(Answer::png(png(kind)?, Some(share)));
        }
        let url = |kind| match self.kinds.has(kind) {
            true => png(kind).map(|file| Some(data_url(&file))),
            false => Ok(None),
        };
        let [mask, overlay, cutout] = [url(Kind::Mask)?, url(Kind::Overlay)?, url(Kind::Cutout)?];
        let seen = self.seen.then(|| {
            // Values of 0 to 1 that were bytes.
            let rgb: Vec<u8> = found.input.iter().map(|v| (255.0 * v + 0.5) as u8).collect();
            Seen::new(found.input_size, &rgb, loaded.facts.input.as_ref())
        });
        Answer::json(&Segmented {
            image: self.image,
            width: picture.width,
            height: picture.height,
            model: loaded.entry.name,
            network,
            threshold: self.threshold,
            share,
            shares: found.shares(STEPS),
            tiled: net.is_cut(found.input_size),
            mask,
            overlay,
            cutout,
            seen: seen.transpose()?,
            ms: SegmentTimes {
                wait: ms(wait),
                decode: ms(decode),
                resize: ms(found.resize),
                network: ms(found.network),
                write: ms(begun.elapsed()),
            },
        })
    }
}

fn threshold(fields: &mut Fields) -> Result<f32> {
    let Some(text) = fields.text("threshold")? else { return Ok(0.5) };
    match text.parse() {
        Ok(threshold) if (0.0..=1.0).contains(&threshold) => Ok(threshold),
        _ => {
            let text = crate::fields::shown(&text);
            let message = match fields.lang {
                Lang::En => format!("threshold '{text}' must be a number from 0 to 1"),
                Lang::Zh => format!("threshold '{text}' 必须是 0 到 1 之间的数"),
            };
            Err(ApiError::field("threshold", message))
        }
    }
}

fn kinds(fields: &mut Fields) -> Result<Kinds> {
    let Some(text) = fields.text("only")? else { return Ok(Kinds::ALL) };
    let mut kinds = Kinds { mask: false, overlay: false, cutout: false };
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "mask" => kinds.mask = true,
            "overlay" => kinds.overlay = true,
            "cutout" => kinds.cutout = true,
            other => {
                let other = crate::fields::shown(other);
                let message = match fields.lang {
                    Lang::En => format!("only '{other}' is unknown; legal: mask, overlay, cutout"),
                    Lang::Zh => format!("only '{other}' 未知；合法的有：mask、overlay、cutout"),
                };
                return Err(ApiError::field("only", message));
            }
        }
    }
    Ok(kinds)
}
