//! What a request may ask for. Together with [`crate::Settings::threads`] they bound the memory of the server.

use std::time::Duration;

/// Most bytes of a JSON body.
pub const MAX_JSON_BYTES: usize = 256 << 10;
/// Most bytes of a picture.
pub const MAX_PICTURE_BYTES: usize = 32 << 20;
/// Most pixels of a picture, by its header: 24 megapixels are 72 MB decoded.
pub const MAX_PICTURE_PIXELS: usize = 24_000_000;
/// Most bytes of a weight file.
pub const MAX_WEIGHTS_BYTES: usize = 256 << 20;
/// Most numbers of a weight that is sent as JSON.
pub const MAX_BALANCE_NUMBERS: usize = 16_384;

/// Pictures that are read or computed at the same time, and that wait for it.
pub const PICTURES: (usize, usize) = (2, 16);
/// The same for weight files.
pub const WEIGHTS: (usize, usize) = (1, 4);
/// Requests that wait for a thread.
pub const WAITING: usize = 256;
/// Open connections; more wait at the door.
pub const CONNECTIONS: usize = 512;

/// For the headers of a request, and between two requests of a connection.
pub const HEADER_TIME: Duration = Duration::from_secs(10);
/// For the whole of a JSON body.
pub const JSON_TIME: Duration = Duration::from_secs(10);
/// For the whole of a picture or a weight file.
pub const UPLOAD_TIME: Duration = Duration::from_secs(60);
/// For an answer, once the body is there and a thread is free.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);
/// For what is being answered when the server is told to end.
pub const GOODBYE_TIME: Duration = Duration::from_secs(20);

/// Seconds after which a client that was sent away may come again.
pub const RETRY_AFTER: u32 = 1;
