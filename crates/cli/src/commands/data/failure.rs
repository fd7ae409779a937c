//! What goes wrong with a data set, in the user's language.

use upconv_data::DataError;
use upconv_data::fetch::Fault;
use upconv_explain::Lang;

use crate::failure::Failure;

pub(super) fn failure(error: &DataError, lang: Lang) -> Failure {
    let shown = |zh: String| match lang {
        Lang::En => error.to_string(),
        Lang::Zh => zh,
    };
    match error {
        DataError::OutOfRange { what, .. } => {
            let field = match *what {
                "training pictures" | "pictures" => "count",
                "photos for backgrounds" => "backgrounds",
                "test pictures" => "test",
                _ => "size",
            };
            Failure::usage(Some(field), format!("--{field}: {error}"))
        }
        DataError::Foreign { folder, file } => {
            let inside = file.strip_prefix(folder).unwrap_or(file).display();
            let zh = format!("{} 中的 {inside} 不属于这个数据集；请选择空文件夹", folder.display());
            Failure::file(&shown(zh), Some(file.display().to_string()))
        }
        DataError::Fetch { package, fault } => {
            let why = match fault {
                Fault::NoProgram { program, instead } => {
                    format!("本机没有 {program}；请安装 {instead} 后重试")
                }
                Fault::NoNetwork { client } => format!(
                    "{client} 连接不上软件源；网络是否可用？如需代理或镜像，请在 {client} 的设置中指定"
                ),
                said => said.to_string(),
            };
            Failure::other(&shown(format!("无法获取 {package}：{why}")))
        }
        DataError::Digest { what, found, wanted } => Failure::other(&shown(format!(
            "{what} 的 SHA-256 是 {found}，而不是 {wanted}：未使用，也未保留任何文件；代理或镜像可能改动了它"
        ))),
        DataError::Write { path, source } => Failure::write(path, source, lang),
        _ => Failure::other(error),
    }
}
