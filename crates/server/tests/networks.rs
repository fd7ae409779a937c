//! The networks behind the API: pictures go in, figures and pictures come out, and the file of a network may change.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt;
use upconv_data::{Kind, Picture, Size, decode, encode};
use upconv_models::cifar::DenseConfig;
use upconv_models::{picture, stored};
use upconv_server::{App, GivenWeights, Peer, Settings, limits, router};
use upconv_weights::{Tensor, Weights};

const ASTRONAUT: &[u8] = include_bytes!("../../../examples/astronaut.png");
const ROAD: &[u8] = include_bytes!("../../../examples/road.png");

fn app(weights: Vec<GivenWeights>) -> App {
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    App::new(&Settings { addr, token: None, threads: 2, weights, runs: vec![] }).expect("networks")
}

fn given(name: &str, path: &Path) -> GivenWeights {
    GivenWeights { name: Some(name.into()), path: path.into() }
}

async fn ask(server: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response: Response<Body> =
        server.clone().oneshot(request).await.expect("it always answers");
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    (head.status, head.headers, body.into())
}

async fn post(server: &Router, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post(path).body(body.into()).expect("an address");
    let (status, _, body) = ask(server, request).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(server: &Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).expect("an address");
    let (status, _, body) = ask(server, request).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// That an answer has the members that the API's description gives to a schema, and no others.
fn is_described(answer: &Value, schema: &str) {
    let document = serde_json::to_value(upconv_server::openapi()).expect("JSON");
    let schema = &document["components"]["schemas"][schema];
    // What is flattened into it stands beside its own.
    let own = |part: &Value| part["properties"].as_object().cloned().unwrap_or_default();
    let parts = schema["allOf"].as_array().cloned().unwrap_or_default();
    let mut described: Vec<String> = own(schema).into_iter().map(|(name, _)| name).collect();
    described.extend(parts.iter().flat_map(own).map(|(name, _)| name));
    described.sort();
    let mut members: Vec<String> = answer.as_object().expect("an object").keys().cloned().collect();
    members.sort();
    assert_eq!(members, described);
}

/// The picture in `data:image/png;base64,...`
fn pictured(url: &Value) -> Picture {
    let text = url.as_str().and_then(|url| url.strip_prefix("data:image/png;base64,"));
    let file = STANDARD.decode(text.expect("a PNG as an address")).expect("base64");
    decode::decode(&file).expect("a PNG")
}

fn png(width: usize, height: usize, rgb: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    encode::rgb_png(&mut file, Size { height, width }, rgb).expect("into memory");
    file
}

/// A softmax classifier of two classes whose scores are `gain` times the red of the first and of the last pixel of 32x32.
fn left_or_right(gain: f32) -> Weights {
    let input = picture::unit([32, 32]);
    let config = DenseConfig { classes: 2, ..DenseConfig::softmax() };
    let mut metadata = stored::metadata("cifar-softmax", &config, Some(input));
    metadata.labels = Some(vec!["n00000001 left".into(), "right".into()]);
    // [classes, 3 * 32 * 32]: the red plane comes first; its first and its last pixel.
    let mut weight = vec![0.0; 2 * 3072];
    (weight[0], weight[3072 + 1023]) = (gain, gain);
    let tensors = vec![
        Tensor::from_f32("layer2.weight", &[2, 3072], &weight).expect("a tensor"),
        Tensor::from_f32("layer2.bias", &[2], &[0.0; 2]).expect("a tensor"),
    ];
    Weights::new(Some(metadata), tensors).expect("weights")
}

#[tokio::test]
async fn a_person_is_cut_out_as_on_the_command_line() {
    let server = router(app(vec![]));
    let (status, found) =
        post(&server, "/api/v1/segment?seen=true&name=astronaut.png&threshold=0.3", ASTRONAUT)
            .await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(
        (&found["image"], &found["model"], &found["network"]),
        (&json!("astronaut.png"), &json!("selfie"), &json!("selfie"))
    );
    assert_eq!(
        (&found["width"], &found["height"], &found["tiled"]),
        (&json!(512), &json!(512), &json!(false))
    );
    // The pipeline that `upconv segment` calls writes the same pixels.
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = upconv_data::walk::Inputs::from_bytes("a", "a", ASTRONAUT.to_vec());
    let entry = upconv_models::registry::find("selfie").unwrap();
    let weights = entry.built_in().unwrap().unwrap();
    let net = entry.segmenter("w", &weights, &Default::default()).unwrap().unwrap();
    let options = upconv_data::pipeline::Options {
        threshold: 0.3,
        ..upconv_data::pipeline::Options::new(folder.path())
    };
    let mut share = None;
    upconv_data::pipeline::run(&inputs.inputs, &*net, &options, |outcome| {
        share = outcome.result.ok().map(|done| done.share);
    });
    assert_eq!(found["share"].as_f64(), share);
    for kind in Kind::ALL {
        let name = &kind.ending()[1..kind.ending().len() - 4];
        let file = std::fs::read(folder.path().join(format!("a.{name}.png"))).unwrap();
        assert!(pictured(&found[name]) == decode::decode(&file).unwrap(), "{name}");
    }
    // The share at each threshold, counted again from the mask, which is stretched and rounded.
    let mask = pictured(&found["mask"]);
    let shares = found["shares"].as_array().unwrap();
    assert_eq!((shares.len(), &shares[0], &shares[30]), (101, &json!(1.0), &found["share"]));
    for step in [10, 50, 90] {
        let over =
            mask.rgb.chunks_exact(3).filter(|p| usize::from(p[0]) * 100 >= step * 255).count();
        let (got, counted) = (shares[step].as_f64().unwrap(), over as f64 / (512.0 * 512.0));
        assert!((got - counted).abs() < 0.01, "{step}: {got} {counted}");
    }
    // Halving takes means of blocks of four, 30.5 becomes 31 or 30 by the values.
    let (seen, photo) = (pictured(&found["seen"]["picture"]), decode::decode(ASTRONAUT).unwrap());
    assert_eq!((seen.width, seen.height), (256, 256));
    for (row, column) in [(0, 0), (100, 31), (255, 255)] {
        for channel in 0..3 {
            let at = |down: usize, right: usize| {
                f32::from(photo.rgb[3 * ((2 * row + down) * 512 + 2 * column + right) + channel])
            };
            let mean = (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4.0;
            let got = f32::from(seen.rgb[3 * (row * 256 + column) + channel]);
            assert!((got - mean).abs() <= 0.5, "{row} {column}: {got} {mean}");
        }
    }
    assert_eq!(
        (&found["seen"]["order"], &found["seen"]["range"]),
        (&json!("RGB"), &json!([0.0, 1.0]))
    );
    is_described(&found, "Segmented");
    is_described(&found["ms"], "SegmentTimes");
    for step in ["wait", "decode", "resize", "network", "write"] {
        assert!(found["ms"][step].as_f64().is_some_and(|ms| ms >= 0.0), "{step}");
    }
}

#[tokio::test]
async fn a_road_alone_as_a_picture() {
    let server = router(app(vec![]));
    let (status, figures) = post(&server, "/api/v1/segment?model=road&only=mask", ROAD).await;
    assert_eq!((status, &figures["overlay"]), (StatusCode::OK, &Value::Null));
    let request = Request::post("/api/v1/segment?model=road&only=mask&format=png")
        .header(header::ACCEPT_ENCODING, "gzip");
    let (status, headers, file) = ask(&server, request.body(Body::from(ROAD)).unwrap()).await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"image/png".parse().unwrap())
    );
    assert!(!headers.contains_key(header::CONTENT_ENCODING));
    assert!(decode::decode(&file).unwrap() == pictured(&figures["mask"]));
    let share: f64 = headers["x-upconv-share"].to_str().unwrap().parse().unwrap();
    assert_eq!(Some(share), figures["share"].as_f64());
    // The scene's road is below its middle, in the middle.
    let mask = pictured(&figures["mask"]);
    let at = |row: usize, column: usize| mask.rgb[3 * (row * mask.width + column)];
    assert!(at(mask.height - 10, mask.width / 2) > 200 && at(10, mask.width / 2) < 50);
}

#[tokio::test]
async fn a_form_says_the_same_as_an_address() {
    let server = router(app(vec![]));
    let part = |head: &str, content: &[u8]| {
        [
            format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
            content,
            b"\r\n",
        ]
        .concat()
    };
    let form = |parts: &[Vec<u8>]| {
        let body = [&parts.concat()[..], b"--x--\r\n"].concat();
        Request::post("/api/v1/segment?threshold=0.7")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(Body::from(body))
            .unwrap()
    };
    let image = part("name=\"image\"; filename=\"C:\\me\\a.png\"", ASTRONAUT);
    let (status, _, body) = ask(&server, form(&[part("name=only", b"mask"), image.clone()])).await;
    let by_form: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &by_form["image"]), (StatusCode::OK, &json!("C:\\me\\a.png")));
    let (_, by_address) = post(&server, "/api/v1/segment?threshold=0.7&only=mask", ASTRONAUT).await;
    assert_eq!((&by_form["share"], &by_form["mask"]), (&by_address["share"], &by_address["mask"]));
    let refused = [
        (form(&[part("name=only", b"mask")]), "image"),
        (form(&[image.clone(), image.clone()]), "image"),
        (form(&[part("name=threshold", b"0.5"), image.clone()]), "threshold"),
        (form(&[part("name=colour", b"red"), image.clone()]), "colour"),
        (form(&[part("name=only", b"\xff"), image]), "only"),
    ];
    for (request, field) in refused {
        let (status, _, body) = ask(&server, request).await;
        let error: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status, &error["error"]["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let server = router(app(vec![]));
    let cases: [(&str, &[u8], u16, Value, &str); 10] = [
        ("segment?threshold=2", ASTRONAUT, 400, json!("threshold"), "from 0 to 1"),
        ("segment?only=face", ASTRONAUT, 400, json!("only"), "legal: mask, overlay, cutout"),
        ("segment?format=png", ASTRONAUT, 400, json!("only"), "one picture"),
        ("segment?model=yolo", ASTRONAUT, 400, json!("model"), "legal: selfie, road"),
        ("segment?model=dcgan-faces", ASTRONAUT, 400, json!("model"), "legal: selfie, road"),
        ("segment?colour=1", ASTRONAUT, 400, json!("colour"), "no field 'colour'"),
        ("segment", b"", 422, Value::Null, "the picture"),
        ("segment", b"<svg/>", 422, Value::Null, "is no picture that is read here"),
        ("segment", &ASTRONAUT[..999], 422, Value::Null, "the picture"),
        ("predict", ASTRONAUT, 400, json!("model"), "upconv serve --weights FILE"),
    ];
    for (path, body, status, field, text) in cases {
        let (got, error) = post(&server, &format!("/api/v1/{path}"), body).await;
        let (found, message) = (&error["error"]["field"], error["error"]["message"].as_str());
        assert_eq!((got.as_u16(), found), (status, &field), "{path}: {error}");
        assert!(message.is_some_and(|message| message.contains(text)), "{path}: {error}");
    }
    // 65,535 x 65,535 pixels by its header: refused before anything is decoded.
    let bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0";
    let (status, error) = post(&server, "/api/v1/segment", [&bomb[..], &[0; 64]].concat()).await;
    assert!(status == 422 && error.to_string().contains("65535x65535"), "{error}");
    // 24 megapixels and a row more, which a decoder would take.
    let too_many = png(6000, 4001, &vec![0; 3 * 6000 * 4001]);
    let (status, error) = post(&server, "/api/v1/segment", too_many).await;
    assert!(status == 422 && error.to_string().contains("24000000"), "{error}");
    let (status, _) =
        post(&server, "/api/v1/segment", vec![0; limits::MAX_PICTURE_BYTES + 1]).await;
    assert_eq!(status, 413);
    let (status, error) = post(&server, "/api/v1/predict?lang=zh", ASTRONAUT).await;
    assert!(
        status == 400 && error["error"]["message"].as_str().unwrap().contains("没有"),
        "{error}"
    );
}

#[tokio::test]
async fn a_classifier_says_what_it_saw() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sides.safetensors");
    left_or_right(2.0).write(&file).unwrap();
    let server = router(app(vec![GivenWeights { name: None, path: file }]));
    // Red at the last pixel only.
    let mut rgb = vec![0; 3 * 1024];
    rgb[3 * 1023] = 255;
    let (status, found) = post(&server, "/api/v1/predict?seen=true&top=9", png(32, 32, &rgb)).await;
    assert_eq!((status, &found["network"]), (StatusCode::OK, &json!("sides")), "{found}");
    let top = found["top"].as_array().unwrap();
    let row = |place: usize| {
        (top[place]["index"].clone(), top[place]["id"].clone(), top[place]["label"].clone())
    };
    assert_eq!(row(0), (json!(1), Value::Null, json!("right")));
    assert_eq!(row(1), (json!(0), json!("n00000001"), json!("left")));
    is_described(&found, "Predicted");
    is_described(&found["ms"], "PredictTimes");
    is_described(&found["top"][1], "Class");
    // softmax of 0 and 2: 1 / (1 + e^-2)
    let p = top[0]["probability"].as_f64().unwrap();
    assert!((p - 1.0 / (1.0 + (-2.0f64).exp())).abs() < 1e-6, "{p}");
    assert_eq!(pictured(&found["seen"]["picture"]).rgb, rgb);
    // Ten parts of a picture that is the input: five as it is, five mirrored.
    let (status, ten) = post(&server, "/api/v1/predict?crop=ten", png(32, 32, &rgb)).await;
    let p = ten["top"][0]["probability"].as_f64().unwrap();
    // Mirrored, the red pixel is in the other corner, which neither score looks at.
    let mean = (1.0 / (1.0 + (-2.0f64).exp()) + 0.5) / 2.0;
    assert!(status == 200 && (p - mean).abs() < 1e-6, "{ten}");
}

#[tokio::test]
async fn a_sheet_of_faces_is_that_of_the_command_line() {
    let server = router(app(vec![]));
    let request =
        |query: &str| Request::get(format!("/api/v1/sample?{query}")).body(Body::empty()).unwrap();
    let (status, _, file) = ask(&server, request("count=3&seed=5")).await;
    let sheet = decode::decode(&file).unwrap();
    let entry = upconv_models::registry::find("dcgan-faces").unwrap();
    let net = entry.sampler("w", &entry.built_in().unwrap().unwrap()).unwrap().unwrap();
    let own = upconv_models::sample::sheet(&*net, 5, 3).unwrap();
    assert_eq!((status, sheet.size()), (StatusCode::OK, own.size));
    assert!(sheet.rgb == own.rgb);
    assert_eq!(ask(&server, request("count=65")).await.0, 400);
    assert_eq!(ask(&server, request("model=selfie")).await.0, 400);
}

#[tokio::test]
async fn models_and_networks_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.safetensors");
    left_or_right(1.0).write(&file).unwrap();
    let server = router(app(vec![given("sides", &file)]));
    let (status, all) = get(&server, "/api/v1/models").await;
    let names = |list: &Value| {
        let all = list.as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let registry: Vec<_> =
        upconv_models::registry::MODELS.iter().map(|m| m.name.to_owned()).collect();
    assert_eq!((status, names(&all["models"])), (StatusCode::OK, registry));
    assert_eq!(names(&all["networks"]), ["selfie", "road", "dcgan-faces", "sides"]);
    let tasks: Vec<_> =
        all["networks"].as_array().unwrap().iter().map(|one| one["task"].clone()).collect();
    assert_eq!(tasks, ["segment", "segment", "draw", "classify"]);
    let sides = &all["networks"][3];
    is_described(sides, "NetworkRow");
    assert_eq!(
        (&sides["file"], &sides["labels"]),
        (&json!("a.safetensors"), &json!(["left", "right"]))
    );
    assert_eq!(sides["weights_hash"], left_or_right(1.0).weights_hash());
    let (status, one) = get(&server, "/api/v1/models/selfie?lang=zh").await;
    assert_eq!((status, &one["parameters"]), (StatusCode::OK, &json!(106_401)));
    assert_eq!(one["layers"].as_array().unwrap()[0]["shape_out"][0], 16);
    assert!(one["system"].as_str().unwrap().contains('人'));
    for wrong in ["yolo", "..%2f..%2fetc%2fpasswd", "%00"] {
        assert_eq!(get(&server, &format!("/api/v1/models/{wrong}")).await.0, 404, "{wrong}");
    }
}

/// Another file takes the place of the first, is broken, vanishes and comes back; the server answers throughout.
#[tokio::test]
async fn the_file_of_a_network_may_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sides.safetensors");
    left_or_right(2.0).write(&file).unwrap();
    let app = app(vec![given("sides", &file)]);
    let server = router(app.clone());
    let mut rgb = vec![0; 3 * 1024];
    rgb[0] = 255;
    let picture = png(32, 32, &rgb);
    let state = || async {
        let (status, found) = post(&server, "/api/v1/predict", picture.clone()).await;
        assert_eq!(status, 200, "{found}");
        let (_, all) = get(&server, "/api/v1/models").await;
        let row = all["networks"][3].clone();
        let p = found["top"][0]["probability"].as_f64().unwrap();
        // The gain of a softmax of two.
        ((p / (1.0 - p)).ln().round(), row["state"].clone(), row["problem"].to_string())
    };
    let twice = || {
        app.look_again();
        app.look_again();
    };
    twice();
    assert_eq!(state().await, (2.0, json!("ready"), "null".into()));
    let write = |bytes: &[u8], later: u64| {
        std::fs::write(&file, bytes).unwrap();
        // Written within the same tick of a coarse clock it would look the same.
        let time = SystemTime::now() + Duration::from_secs(later);
        std::fs::File::options().append(true).open(&file).unwrap().set_modified(time).unwrap();
    };
    let mut other = Vec::new();
    left_or_right(3.0).write_to(&mut other).unwrap();
    write(&other, 1);
    // After one look somebody may be writing it still.
    app.look_again();
    assert_eq!(state().await.0, 2.0);
    app.look_again();
    assert_eq!(state().await, (3.0, json!("ready"), "null".into()));
    write(&other[..other.len() - 5], 2);
    twice();
    let (gain, old, problem) = state().await;
    assert_eq!((gain, old), (3.0, json!("old")));
    assert!(
        problem.contains("cannot be used") && problem.contains("sides.safetensors"),
        "{problem}"
    );
    std::fs::remove_file(&file).unwrap();
    twice();
    let (gain, old, problem) = state().await;
    assert_eq!((gain, old), (3.0, json!("old")));
    assert!(problem.contains("cannot be read any more"), "{problem}");
    other.clear();
    left_or_right(4.0).write_to(&mut other).unwrap();
    write(&other, 3);
    twice();
    assert_eq!(state().await, (4.0, json!("ready"), "null".into()));
}

#[test]
fn what_cannot_be_served_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    left_or_right(1.0).write(&path("selfie.safetensors")).unwrap();
    left_or_right(1.0).write(&path("a b.safetensors")).unwrap();
    let nameless = Weights::new(None, vec![Tensor::from_f32("a", &[1], &[1.0]).unwrap()]).unwrap();
    nameless.write(&path("nameless.safetensors")).unwrap();
    let refused = |name: Option<&str>, file: &str| {
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let weights = vec![GivenWeights { name: name.map(Into::into), path: path(file) }];
        App::new(&Settings { addr, token: None, threads: 1, weights, runs: vec![] })
            .err()
            .expect("refused")
            .to_string()
    };
    assert!(refused(None, "selfie.safetensors").contains("two networks would be called selfie"));
    assert!(refused(None, "a b.safetensors").contains("cannot be a network's name"));
    assert!(refused(None, "nameless.safetensors").contains("upconv convert"));
    assert!(refused(None, "none.safetensors").contains("none.safetensors"));
    assert!(refused(Some("run"), ".").contains("config.toml"));
}

/// A client that is not on this machine may have so many open; each has its own count.
#[tokio::test]
async fn one_client_does_not_take_everything() {
    let server = router(app(vec![]));
    let from = |address: &str, body: Body| {
        let mut request = Request::post("/api/v1/segment?only=").body(body).unwrap();
        request.extensions_mut().insert(Peer(format!("{address}:1").parse().unwrap()));
        request
    };
    let hangs = || Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
    let open: Vec<_> = (0..limits::PER_CLIENT)
        .map(|_| {
            tokio::spawn({
                let (server, request) = (server.clone(), from("192.0.2.1", hangs()));
                async move { ask(&server, request).await.0 }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(open.iter().all(|task| !task.is_finished()), "they hang");
    let (status, headers, _) = ask(&server, from("192.0.2.1", Body::from(ASTRONAUT))).await;
    assert_eq!(
        (status, &headers[header::RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap())
    );
    let (status, ..) = ask(&server, from("192.0.2.2", Body::from(ASTRONAUT))).await;
    assert_eq!(status, 200);
    // Who goes away gives the count back.
    open.iter().for_each(|task| task.abort());
    for task in open {
        assert!(task.await.is_err());
    }
    let (status, ..) = ask(&server, from("192.0.2.1", Body::from(ASTRONAUT))).await;
    assert_eq!(status, 200);
}

/// Many at once: each is answered or sent away with the time after which to come again, and nothing is left over.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_answered_or_sent_away() {
    let server = router(app(vec![]));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            tokio::spawn({
                let server = server.clone();
                async move {
                    let request =
                        Request::post("/api/v1/segment?only=").body(Body::from(ASTRONAUT));
                    ask(&server, request.unwrap()).await
                }
            })
        })
        .collect();
    let (mut answered, mut sent_away) = (0, 0);
    for task in tasks {
        let (status, headers, body) = task.await.unwrap();
        match status.as_u16() {
            200 => answered += 1,
            503 => {
                let again: u64 = headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
                assert!((1..=60).contains(&again), "{again}");
                sent_away += 1;
            }
            other => panic!("{other}: {}", String::from_utf8_lossy(&body)),
        }
    }
    assert!(answered >= limits::NETWORK_WAITING && sent_away > 0, "{answered} {sent_away}");
    // Nothing is taken any more: the next one goes through at once.
    let (status, found) = post(&server, "/api/v1/segment?only=", ASTRONAUT).await;
    assert!(status == 200 && found["ms"]["wait"].as_f64().unwrap() < 1000.0, "{found}");
}
