//! The lessons and their questions: texts from `lessons.json`, answers checked here.

use std::sync::LazyLock;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use upconv_explain::Lang;
use utoipa::ToSchema;

use super::{Language, Refusals};
use crate::body;
use crate::error::{ApiError, Result};
use crate::fields::{Fields, shown};

/// Most characters of an answer.
const MAX_ANSWER: usize = 40;

/// A text in both languages.
#[derive(Deserialize)]
struct Text {
    en: String,
    zh: String,
}

impl Text {
    fn of(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.en.clone(),
            Lang::Zh => self.zh.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lesson {
    id: String,
    title: Text,
    summary: Text,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    id: String,
    text: Text,
    kind: Kind,
    #[serde(default)]
    choices: Vec<Text>,
    answer: String,
    why: Text,
}

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A number.
    Number,
    /// `HxW`.
    Size,
    /// The number of a choice, from 0.
    Choice,
}

static LESSONS: LazyLock<Vec<Lesson>> = LazyLock::new(|| {
    // Part of the program; a test reads it.
    serde_json::from_str(include_str!("../../lessons.json")).unwrap_or_default()
});

/// A question as a page shows it.
#[derive(Serialize, ToSchema)]
pub(super) struct QuestionText {
    id: String,
    text: String,
    kind: Kind,
    /// Null unless it is a choice.
    choices: Option<Vec<String>>,
}

/// A lesson in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct LessonText {
    id: String,
    title: String,
    summary: String,
    questions: Vec<QuestionText>,
}

/// All lessons.
#[derive(Serialize, ToSchema)]
pub(super) struct LessonList {
    /// In the order in which they are best read.
    lessons: Vec<LessonText>,
}

/// The lessons, with their questions.
#[utoipa::path(get, path = "/api/v1/lessons", params(Language), responses((status = 200, body = LessonList), Refusals))]
pub(super) async fn all(RawQuery(query): RawQuery) -> Result<Json<LessonList>> {
    let fields = Fields::of_query(query.as_deref())?;
    let lang = fields.lang;
    fields.done()?;
    let question = |question: &Question| QuestionText {
        id: question.id.clone(),
        text: question.text.of(lang),
        kind: question.kind,
        choices: (question.kind == Kind::Choice)
            .then(|| question.choices.iter().map(|choice| choice.of(lang)).collect()),
    };
    let lesson = |lesson: &Lesson| LessonText {
        id: lesson.id.clone(),
        title: lesson.title.of(lang),
        summary: lesson.summary.of(lang),
        questions: lesson.questions.iter().map(question).collect(),
    };
    Ok(Json(LessonList { lessons: LESSONS.iter().map(lesson).collect() }))
}

/// An answer to a question.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct Answer {
    /// The question.
    question: String,
    /// A number, `HxW`, or the number of a choice from 0.
    answer: String,
    /// `en` or `zh`; English.
    lang: Option<String>,
}

/// Whether an answer is right.
#[derive(Serialize, ToSchema)]
pub(super) struct Verdict {
    right: bool,
    /// Why the right answer is the right one.
    why: String,
}

/// Whether an answer is right, and why.
#[utoipa::path(post, path = "/api/v1/lessons/{lesson}/check", params(("lesson" = String, Path, description = "its id")), request_body = Answer, responses((status = 200, body = Verdict), Refusals))]
pub(super) async fn check(
    Path(lesson): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Verdict>> {
    let mut fields = Fields::of_json(&body::json(&headers, body).await?)?;
    let lang = fields.lang;
    let (id, answer) = (fields.needed("question")?, fields.needed("answer")?);
    fields.done()?;
    let found = LESSONS.iter().find(|known| known.id == lesson).ok_or_else(|| {
        let known = LESSONS.iter().map(|lesson| lesson.id.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!("there is no lesson '{}'; there is: {known}", shown(&lesson));
        ApiError::new(StatusCode::NOT_FOUND, message)
    })?;
    let question = found.questions.iter().find(|question| question.id == id).ok_or_else(|| {
        let known = found.questions.iter().map(|q| q.id.as_str()).collect::<Vec<_>>().join(", ");
        ApiError::field(
            "question",
            format!("there is no question '{}' in it; there is: {known}", shown(&id)),
        )
    })?;
    let right = question.kind.read(&answer).ok_or_else(|| {
        let answer = shown(&answer);
        let message = match (question.kind, lang) {
            (Kind::Size, Lang::En) => format!("'{answer}' is not a size; write it as 3x4"),
            (Kind::Size, Lang::Zh) => format!("'{answer}' 不是尺寸；请写成 3x4 的形式"),
            (_, Lang::En) => format!("'{answer}' is not a number"),
            (_, Lang::Zh) => format!("'{answer}' 不是数字"),
        };
        ApiError::field("answer", message)
    })?;
    let right = Some(right) == question.kind.read(&question.answer);
    Ok(Json(Verdict { right, why: question.why.of(lang) }))
}

impl Kind {
    /// The numbers of an answer, however people write them: `6 x 8`, `6×8`, `6,8`.
    fn read(self, answer: &str) -> Option<Vec<f64>> {
        if answer.chars().count() > MAX_ANSWER {
            return None;
        }
        let parts: Vec<&str> = match self {
            Self::Size => answer.split(['x', 'X', '×', ',', '*', '，']).collect(),
            Self::Number | Self::Choice => vec![answer],
        };
        let wanted = if self == Self::Size { 2 } else { 1 };
        let numbers: Option<Vec<f64>> = parts.iter().map(|part| part.trim().parse().ok()).collect();
        numbers.filter(|numbers| numbers.len() == wanted && numbers.iter().all(|n| n.is_finite()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use upconv_explain::{Balance, Explained, Fill, Trace, TransposedWeight};
    use upconv_geometry::Axis;

    use super::*;

    fn explained(words: &str) -> Explained {
        let fields = Fields::of_query(Some(words)).expect("fields");
        Explained::new(fields.setting().expect("words"), Lang::En).expect("a legal setting")
    }

    fn traced(words: &str, x: &str, w: &str) -> Trace {
        let (x, w) = (Fill::parse("x", x).unwrap(), Fill::parse("w", w).unwrap());
        Trace::of(&explained(words), &x, &w).unwrap()
    }

    fn output(words: &str) -> String {
        let sizes: Vec<String> =
            explained(words).axes().iter().map(|axis| axis.output().to_string()).collect();
        sizes.join("x")
    }

    /// What geometry and kernels say of every question that is not a choice.
    fn computed() -> BTreeMap<&'static str, String> {
        let y = |words, x, w, cell: usize| traced(words, x, w).planes[0].y[cell].to_string();
        let back = |words, x, w| traced(words, x, w).planes[0].back[0].to_string();
        let two = "input=2&kernel=3&stride=2";
        let nine = traced("input=3x3&kernel=3x3", "ones", "ones").matrix;
        let even = |middle: f64| {
            let values = [1.0, middle, 4.0];
            let weight = TransposedWeight {
                values: &values,
                shape: &[1, 1, 3],
                stride: &[2],
                groups: 1,
                bias: None,
            };
            Balance::of(&weight).expect("a weight").imbalance() == 0.0
        };
        let inside = explained("input=6x6&kernel=6x6&stride=2").data().overlap.inside;
        let same = "dialect=tensorflow&input=4&kernel=5&stride=2&padding=same&output=8";
        BTreeMap::from([
            ("third-value", y(two, "2,1", "1,2,3", 2)),
            ("down-again", back(two, "1,1", "1,2,3")),
            ("matrix-size", format!("{}x{}", nine.rows, nine.columns)),
            ("inner-cell", y("input=2x2&kernel=3x3", "ones", "count", 5)),
            ("sums-of-copies", back("input=2&kernel=2&stride=2", "15,40", "ones")),
            ("products", inside.iter().map(|[_, most]| most).product::<usize>().to_string()),
            (
                "middle-tap",
                (-9..10).find(|&n| even(f64::from(n))).expect("one is even").to_string(),
            ),
            ("keras-size", output("dialect=keras&input=3x4&kernel=3x3&stride=2&padding=same")),
            ("cropped-behind", Axis::pad_after(&explained(same).axes()[0]).to_string()),
            (
                "bilinear-value",
                y("dialect=pytorch&input=3&kernel=4&stride=2&padding=1", "0,8,0", "bilinear", 2),
            ),
            ("shuffle-size", output("input=5x7&kernel=2x2&stride=2")),
            ("twice", output("input=16&kernel=4&stride=2")),
            ("uncropped", output("input=15x15&kernel=64x64&stride=32")),
        ])
    }

    #[test]
    fn answers_are_those_of_geometry_and_kernels() {
        let lessons: Vec<Lesson> =
            serde_json::from_str(include_str!("../../lessons.json")).unwrap();
        assert_eq!(lessons.len(), 7);
        let mut computed = computed();
        for question in lessons.iter().flat_map(|lesson| &lesson.questions) {
            let id = question.id.as_str();
            match question.kind {
                Kind::Choice => {
                    let right: usize = question.answer.parse().expect(id);
                    assert!(right < question.choices.len(), "{id}");
                }
                _ => assert_eq!(Some(question.answer.clone()), computed.remove(id), "{id}"),
            }
        }
        assert!(computed.is_empty(), "{computed:?}");
        assert!(lessons.iter().all(|lesson| lesson.questions.len() == 3));
    }

    #[test]
    fn answers_as_people_write_them() {
        for size in ["6x8", " 6 X 8", "6×8", "6,8", "6*8"] {
            assert_eq!(Kind::Size.read(size), Some(vec![6.0, 8.0]), "{size}");
        }
        for bad in ["6", "6x8x9", "six by eight", "", "nanxnan"] {
            assert_eq!(Kind::Size.read(bad), None, "{bad}");
        }
        assert_eq!(Kind::Number.read("7.0"), Kind::Number.read(" 7"));
    }
}
