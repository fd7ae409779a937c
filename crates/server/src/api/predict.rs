//! What is on a picture.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use upconv_data::Size;
use upconv_explain::Lang;
use upconv_models::classify::{Crop, Prediction};
use upconv_models::picture;
use upconv_models::registry::Task;
use utoipa::{IntoParams, ToSchema};

use super::network::{Answer, Seen, ms, on_picture};
use super::segment::PictureForm;
use super::{Language, Refusals};
use crate::error::{ApiError, Result};
use crate::gate::Wanted;
use crate::networks::Loaded;
use crate::router::App;
use crate::upload::Upload;

/// What is asked.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct PredictQuestion {
    /// The network; needed unless only one classifies. `/api/v1/models` lists them.
    model: Option<String>,
    /// So many classes, the likeliest first, 1 to 1000; 5.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    top: Option<u32>,
    /// `center`, or `ten` for the mean over four corners and the centre, and their mirror images; `center`.
    #[param(inline)]
    crop: Option<CropName>,
    /// Whether to show what the network saw; `false`.
    #[param(nullable = false)]
    seen: Option<bool>,
    /// What the picture is called; it comes back in the answer.
    name: Option<String>,
}

/// Which part of the picture.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its description is used")]
enum CropName {
    /// The middle.
    Center,
    /// The mean over ten parts.
    Ten,
}

/// What is likely on it.
#[derive(Serialize, ToSchema)]
pub(super) struct Predicted {
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
    /// The likeliest classes, the likeliest first.
    #[schema(value_type = Vec<Class>)]
    top: Vec<Prediction>,
    /// What the network saw; of ten parts the first.
    seen: Option<Seen>,
    /// What it took.
    ms: PredictTimes,
}

/// A class, and how likely it is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
struct Class {
    /// Its number.
    index: usize,
    /// Its synset in WordNet.
    id: Option<String>,
    /// Words for people.
    label: String,
    /// From 0 to 1; those of all classes sum to 1.
    probability: f32,
}

/// PredictTimes by the clock on the wall.
#[derive(Serialize, ToSchema)]
pub(super) struct PredictTimes {
    /// For its turn, once the picture was there.
    wait: f64,
    /// Decoding.
    decode: f64,
    /// Making the network's input of it.
    resize: f64,
    /// The network.
    network: f64,
}

/// The likeliest classes of a picture.
#[utoipa::path(post, path = "/api/v1/predict", params(PredictQuestion, Language), request_body(content((Vec<u8> = "application/octet-stream"), (PictureForm = "multipart/form-data"))), responses((status = 200, body = Predicted), Refusals))]
pub(super) async fn predict(State(app): State<App>, request: Request) -> Result<Response> {
    let (upload, mut fields) = Upload::read(&app, request).await?;
    let (lang, model) = (fields.lang, fields.text("model")?);
    let asked = Asked {
        image: fields.text("name")?.map(|name| crate::fields::shown(&name)),
        // Below 2^31: it fits into a usize.
        top: fields.number("top", 5, 1..=1000)? as usize,
        crop: fields.choice(
            "crop",
            Crop::Center,
            &[("center", Crop::Center), ("ten", Crop::Ten)],
        )?,
        seen: fields.choice("seen", false, &[("true", true), ("false", false)])?,
    };
    fields.done()?;
    let served = app.networks.find(model.as_deref(), Task::Classify, None, lang)?;
    let (network, loaded) = (served.name.clone(), served.now());
    let bytes = loaded.classifier()?.bytes() as u64;
    let work = move |upload: Upload, wanted: &Wanted| {
        asked.answer(&loaded, network, upload, (lang, wanted))
    };
    on_picture(&app.networks, upload, bytes, work).await
}

/// What a question asks for.
struct Asked {
    image: Option<String>,
    top: usize,
    crop: Crop,
    seen: bool,
}

impl Asked {
    fn answer(
        self,
        loaded: &Loaded,
        network: String,
        upload: Upload,
        (lang, wanted): (Lang, &Wanted),
    ) -> Result<Answer> {
        let (net, wait) = (loaded.classifier()?, upload.come.elapsed());
        let mut begun = Instant::now();
        let mut lap = || std::mem::replace(&mut begun, Instant::now()).elapsed();
        let refuse = |error: upconv_models::ModelError| {
            let message = error.to_string();
            ApiError::refused(upconv_explain::ErrorObject { message, ..Default::default() })
        };
        let (picture, _open) = upload.decode(lang)?;
        let decode = lap();
        wanted.check()?;
        let x = net.inputs(self.crop, &picture.on_white(), picture.size()).map_err(refuse)?;
        let resize = lap();
        wanted.check()?;
        let top = net.likeliest(&x, self.top).map_err(refuse)?;
        let network_time = lap();
        let seen = self.seen.then(|| {
            let input = net.input();
            let [height, width] = input.size;
            let first = &x[..input.order.channels() * height * width];
            Seen::new(Size { height, width }, &picture::seen(input, first), Some(input))
        });
        Answer::json(&Predicted {
            image: self.image,
            width: picture.width,
            height: picture.height,
            model: loaded.entry.name,
            network,
            top,
            seen: seen.transpose()?,
            ms: PredictTimes {
                wait: ms(wait),
                decode: ms(decode),
                resize: ms(resize),
                network: ms(network_time),
            },
        })
    }
}
