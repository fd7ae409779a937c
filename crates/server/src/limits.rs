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
/// Pictures that wait for a network.
pub const NETWORK_WAITING: usize = 64;
/// Bytes of all pictures that were sent and are not yet worked on, together: 128 MiB.
pub const UPLOAD_BYTES: u64 = 128 << 20;
/// Bytes of all pictures that networks work on, and of the answers that are being sent, together: 1.5 GiB.
pub const NETWORK_BYTES: u64 = 3 << 29;
/// What a pixel of a picture takes at the worst moment: its colours, its mask, three pictures made of it, and those as
/// text in the answer.
pub const BYTES_PER_PIXEL: u64 = 48;
/// Bytes between the layers of a network up to which it runs on a picture as a whole; above, in parts.
pub const WHOLE_BYTES: u64 = 256 << 20;
/// Side of such a part, in pixels.
pub const TILE: usize = 1024;
/// Requests for networks that one address may have open; this machine's own is free, as proxies stand there.
pub const PER_CLIENT: usize = 8;
/// Most pictures on a sheet of drawn ones.
pub const MAX_DRAWN: i64 = 64;
/// How often the files of weights are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The same as [`PICTURES`] for weight files.
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

/// For the next bytes of a body.
pub const IDLE_TIME: Duration = Duration::from_secs(10);
/// For a client to take the next bytes of an answer.
pub const WRITE_TIME: Duration = Duration::from_secs(20);

/// Bytes that are read of a client that is sent away, and for how long: one that cannot end its body may never see why.
pub const MAX_WASTED_BYTES: u64 = MAX_PICTURE_BYTES as u64;
/// See [`MAX_WASTED_BYTES`].
pub const WASTE_TIME: Duration = Duration::from_secs(5);

/// The longest that a client is told to wait before it comes again.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
