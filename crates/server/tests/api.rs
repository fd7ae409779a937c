//! The API, asked as a client asks it, without a network between.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;
use upconv_server::{App, Settings, limits, openapi, router};

fn settings() -> Settings {
    Settings {
        addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        token: None,
        threads: 2,
        weights: Vec::new(),
        runs: Vec::new(),
    }
}

/// One for all questions: networks are read once.
fn server() -> Router {
    static APP: LazyLock<App> = LazyLock::new(|| App::new(&settings()).expect("networks"));
    router(APP.clone())
}

async fn send(request: Request<Body>) -> Response<Body> {
    server().oneshot(request).await.expect("it always answers")
}

async fn get(path: &str) -> (StatusCode, Value) {
    read(send(Request::get(path).body(Body::empty()).expect("an address")).await).await
}

async fn post(path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    read(send(Request::post(path).body(body.into()).expect("an address")).await).await
}

async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn an_address_and_a_body_are_one_question() {
    let query = "/api/v1/explain?dialect=tensorflow&input=3x3&kernel=3x3&stride=2&output=5x5";
    let (status, by_address) = get(query).await;
    assert_eq!(status, 200);
    // TensorFlow's SAME crops one of 7 cells at either end; 5 and 6 share the input 3.
    assert_eq!(by_address["output"], json!([5, 5]));
    let axis = &by_address["axes"][0];
    assert_eq!((&axis["pad_before"], &axis["pad_after"]), (&json!(1), &json!(1)));
    assert_eq!(axis["legal_outputs"], json!([5, 6]));
    let body = json!({"dialect": "tensorflow", "input": "3x3", "kernel": "3x3", "stride": 2, "output": "5x5"});
    assert_eq!(post("/api/v1/explain", body.to_string()).await, (StatusCode::OK, by_address));
}

#[tokio::test]
async fn numbers_go_through() {
    let (status, traced) = get("/api/v1/trace?input=2&kernel=3&stride=2&x=1,10&w=1,2,3").await;
    assert_eq!(status, 200);
    assert_eq!(traced["trace"]["planes"][0]["y"], json!([1.0, 2.0, 13.0, 20.0, 30.0]));
    assert_eq!(traced["trace"]["gather"][2], json!([[1, 0], [0, 2]]));
    assert_eq!(traced["explanation"]["output"], json!([5]));
}

/// Every refusal has its status and names what is wrong.
#[tokio::test]
async fn refusals() {
    let cases: [(&str, u16, &str, Value); 9] = [
        ("/api/v1/explain?kernel=3", 400, "USAGE", json!("input")),
        ("/api/v1/explain?input=3&kernel=3&colour=1", 400, "USAGE", json!("colour")),
        ("/api/v1/explain?input=3by3&kernel=3", 400, "USAGE", json!("input")),
        ("/api/v1/explain?input=3&kernel=0", 422, "KERNEL_EMPTY", json!("kernel")),
        (
            "/api/v1/explain?dialect=tensorflow&input=3&kernel=3&stride=2&output=7",
            422,
            "OUTPUT_SHAPE_NOT_LEGAL",
            json!("output"),
        ),
        ("/api/v1/trace?input=3&kernel=3&x=1,2", 422, "", json!("x")),
        ("/api/v1/trace?input=3&kernel=3&x=many", 400, "USAGE", json!("x")),
        ("/api/v1/draw?input=3&kernel=3&format=bmp", 400, "USAGE", json!("format")),
        ("/api/v1/plan?from=3", 400, "USAGE", json!("to")),
    ];
    for (path, status, rule, field) in cases {
        let (got, body) = get(path).await;
        let error = &body["error"];
        assert_eq!(got, status, "{path}: {body}");
        assert_eq!(error["rule"].as_str().unwrap_or_default(), rule, "{path}: {body}");
        assert_eq!(error["field"], field, "{path}: {body}");
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 8), "{path}: {body}");
    }
    let (_, body) =
        get("/api/v1/explain?dialect=keras&input=3&kernel=3&stride=2&output=9&lang=zh").await;
    assert!(body["error"]["message"].as_str().unwrap().contains("合法"), "{body}");
    assert_eq!(get("/api/v1/nothing").await.0, 404);
    assert_eq!(get("/nothing.html").await.0, 404);
    assert_eq!(post("/api/v1/plan", "").await.0, 405);
    assert_eq!(post("/api/v1/explain", "{").await.0, 400);
    // A tensor of 2^40 cells and more is refused before anything is allocated.
    assert_eq!(get("/api/v1/explain?input=2147483648&kernel=3").await.0, 422);
}

#[tokio::test]
async fn pictures_and_files_are_bounded() {
    let limit = limits::MAX_JSON_BYTES;
    let said = Request::post("/api/v1/explain").header(header::CONTENT_LENGTH, 2u64 << 30);
    assert_eq!(send(said.body(Body::empty()).unwrap()).await.status(), 413);
    assert_eq!(post("/api/v1/explain", vec![b' '; limit + 1]).await.0, 413);
    // A PNG that promises 65535 x 65535 pixels: refused by its header.
    let mut bomb =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0".to_vec();
    bomb.extend([0; 64]);
    let (status, body) = post("/api/v1/loss", bomb).await;
    assert_eq!(status, 422, "{body}");
    let (status, body) = post("/api/v1/weights?name=a.txt", "no weights").await;
    assert_eq!(status, 422, "{body}");
    assert!(
        body["error"]["message"].as_str().unwrap().contains("no known weight format"),
        "{body}"
    );
}

#[tokio::test]
async fn a_picture_becomes_an_input() {
    // Red and green above blue and white.
    let (status, grid) = post("/api/v1/picture?rows=2&columns=2", upconv_data::sample::bmp()).await;
    assert_eq!(status, 200);
    assert_eq!(grid["values"], json!([76, 150, 29, 255]));
}

/// A safetensors file of one layer: kernel 3 all ones, stride 2.
fn weights() -> Vec<u8> {
    let header = br#"{"up.weight":{"dtype":"F32","shape":[1,1,3],"data_offsets":[0,12]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([1.0f32; 3].iter().flat_map(|value| value.to_le_bytes()));
    file
}

#[tokio::test]
async fn a_weight_file_and_its_layer() {
    let (status, file) = post("/api/v1/weights?name=/etc/net.safetensors", weights()).await;
    assert_eq!((status, &file["file"]), (StatusCode::OK, &json!("net.safetensors")));
    assert_eq!(file["layers"][0]["layer"], json!("up"));
    assert_eq!(file["layers"][0]["stride"], Value::Null);
    let (status, body) = post("/api/v1/weights/layer?layer=up", weights()).await;
    assert_eq!((status, &body["error"]["field"]), (StatusCode::BAD_REQUEST, &json!("stride")));
    let (status, layer) = post("/api/v1/weights/layer?layer=up&stride=2", weights()).await;
    assert_eq!(status, 200, "{layer}");
    // Taps 0 and 2 against tap 1: 2 and 1, mean 1.5.
    assert_eq!(layer["balance"]["imbalance"], json!(1.0 / 1.5));
    assert_eq!(layer["explanation"]["overlap"]["phase_taps"], json!([[2, 1]]));
    let numbers = json!({"values": [1, 1, 1], "shape": [1, 1, 3], "stride": [2]});
    let (_, balance) = post("/api/v1/balance", numbers.to_string()).await;
    assert_eq!(balance["imbalance"], layer["balance"]["imbalance"]);
}

#[tokio::test]
async fn drawings_hold_the_numbers() {
    let path = "/api/v1/draw?input=2&kernel=3&stride=2&view=gather&x=1,10&w=1,2,3&format=";
    let answer =
        |format: &str| send(Request::get(format!("{path}{format}")).body(Body::empty()).unwrap());
    let svg = answer("svg").await;
    assert_eq!(svg.headers()[header::CONTENT_TYPE], "image/svg+xml");
    let svg = to_bytes(svg.into_body(), usize::MAX).await.unwrap();
    let svg = String::from_utf8(svg.to_vec()).unwrap();
    assert!(svg.contains("10*1 + 1*3 = 13"), "{svg}");
    for (format, begin) in
        [("png", &b"\x89PNG"[..]), ("gif", b"GIF89a"), ("html", b"<!DOCTYPE html>")]
    {
        let file = to_bytes(answer(format).await.into_body(), usize::MAX).await.unwrap();
        assert!(file.to_ascii_lowercase().starts_with(&begin.to_ascii_lowercase()), "{format}");
    }
}

#[tokio::test]
async fn answers_to_lessons_are_checked() {
    let (_, lessons) = get("/api/v1/lessons?lang=zh").await;
    assert_eq!(lessons["lessons"].as_array().map(Vec::len), Some(7));
    let ask = |answer: &str| json!({"question": "keras-size", "answer": answer}).to_string();
    let (_, verdict) = post("/api/v1/lessons/same/check", ask("6 x 8")).await;
    assert_eq!(verdict["right"], json!(true));
    let (_, verdict) = post("/api/v1/lessons/same/check", ask("7x9")).await;
    assert_eq!(verdict["right"], json!(false));
    assert_eq!(post("/api/v1/lessons/same/check", ask("wide")).await.0, 400);
    assert_eq!(post("/api/v1/lessons/none/check", ask("1")).await.0, 404);
}

#[tokio::test]
async fn pages_are_kept_and_nothing_else_is_served() {
    let page = send(Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    let tag = page.headers()[header::ETAG].clone();
    let again = Request::get("/").header(header::IF_NONE_MATCH, tag);
    assert_eq!(send(again.body(Body::empty()).unwrap()).await.status(), 304);
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fsrc/lib.rs",
        "//etc/passwd",
        "/tsconfig.json",
        "/shared/types.d.ts",
    ] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_and_remembered() {
    let token = "0123456789abcdef";
    let addr = "0.0.0.0:0".parse().unwrap();
    let open = Settings { addr, token: Some(token.into()), ..settings() };
    let server = router(App::new(&open).expect("threads"));
    let ask = |request: axum::http::request::Builder| {
        server.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let explain = "/api/v1/explain?input=3&kernel=3";
    assert_eq!(ask(Request::get(explain)).await.unwrap().status(), 401);
    assert_eq!(ask(Request::get("/healthz")).await.unwrap().status(), 200);
    let bearer = Request::get(explain).header(header::AUTHORIZATION, format!("Bearer {token}"));
    assert_eq!(ask(bearer).await.unwrap().status(), 200);
    let wrong = Request::get(explain).header(header::AUTHORIZATION, "Bearer 0123456789abcdeg");
    assert_eq!(ask(wrong).await.unwrap().status(), 401);
    let link = ask(Request::get(format!("/?token={token}"))).await.unwrap();
    assert_eq!(
        (link.status(), &link.headers()[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/".parse().unwrap())
    );
    let cookie = link.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
    assert_eq!(
        ask(Request::get(explain).header(header::COOKIE, cookie)).await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn other_names_of_this_machine_are_not_answered() {
    let foreign = Request::get("/api/v1/lessons").header(header::HOST, "evil.example:7878");
    assert_eq!(send(foreign.body(Body::empty()).unwrap()).await.status(), 421);
    // No page elsewhere may read answers.
    let other = Request::get("/api/v1/lessons").header(header::ORIGIN, "https://evil.example");
    let answer = send(other.body(Body::empty()).unwrap()).await;
    assert!(!answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[tokio::test]
async fn what_is_answered_is_counted() {
    let server = router(App::new(&settings()).expect("networks"));
    let ask = |path: &str| server.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
    let first = ask("/api/v1/explain?input=3&kernel=3").await.unwrap();
    assert_eq!(first.headers()["x-request-id"], "1");
    ask("/made/up/path").await.unwrap();
    let metrics = to_bytes(ask("/metrics").await.unwrap().into_body(), usize::MAX).await.unwrap();
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    assert!(
        metrics.contains(r#"upconv_requests_total{route="/api/v1/explain",status="200"} 1"#),
        "{metrics}"
    );
    assert!(!metrics.contains("made"), "{metrics}");
}

#[test]
fn the_document_lists_every_route() {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "explain",
        "trace",
        "dialects",
        "plan",
        "draw",
        "picture",
        "loss",
        "loss/panel",
        "weights",
        "weights/layer",
        "balance",
        "lessons",
        "runs",
        "runs/{name}",
        "runs/{name}/pictures/{step}",
    ] {
        assert!(paths.contains_key(&format!("/api/v1/{path}")), "{path}");
    }
    let explain = &paths["/api/v1/explain"];
    assert!(
        explain["get"]["parameters"].as_array().is_some_and(|list| list.len() == 10),
        "{explain}"
    );
    assert!(explain["post"]["responses"]["422"].is_object());
}
